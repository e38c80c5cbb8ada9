//! The socket as hyper sees it: with heads that were checked ([`super::head`]), one at a time, and with an end to
//! silence in both directions.
//!
//! A head that is refused never reaches hyper. It is given the end of the input instead, so that it finishes what it
//! was answering, and shuts down; our own answer goes out then, behind everything else.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Bytes;
use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep, sleep_until},
};

use super::{
    answering::Answering,
    framing::Framing,
    head::{self, HEAD_BYTES_MAX, HTTP2_PREFACE},
    pace::Pacing,
    refused,
};
use crate::error::ApiError;

/// What is read at once where the bytes have to be looked at.
const READ_BYTES: usize = 8 << 10;
/// And of a body at most so much.
const BODY_READ_BYTES_MAX: usize = 256 << 10;
/// After a refusal so much more is read, so that the client gets to see the answer.
const DRAIN_BYTES_MAX: usize = 256 << 10;
/// And for so long.
const DRAIN_WAIT: Duration = Duration::from_secs(1);

/// How long a client may take.
#[derive(Clone, Copy)]
pub(super) struct Waits {
    /// For a head, and for the first byte on a new connection.
    pub(super) head: Duration,
    /// For what is written; also between two requests, for as long as nothing may be taken.
    pub(super) answers: Pacing,
}

/// What is read now.
enum Reading {
    /// The head of a request, or the preface of HTTP/2.
    Head,
    /// The body of a request.
    Body(Framing),
    /// HTTP/2, which looks after itself.
    Http2,
    /// Nothing more.
    Ended,
}

/// What is left to do before the socket is closed.
enum Closing {
    /// This must still be sent.
    Say(Bytes),
    /// What still comes is read and thrown away, so that closing does not take the answer back.
    Drain(usize),
    Close,
}

/// A socket with its checks.
pub(super) struct Socket {
    stream: TcpStream,
    waits: Waits,
    answering: Arc<Answering>,
    reading: Reading,
    /// What was read and not given to hyper yet.
    stash: BytesMut,
    /// So much of the stash may be given to hyper.
    ready: usize,
    /// So much of the stash was looked through for the end of a head.
    seen: usize,
    is_new: bool,
    /// Until when the next bytes must have come; renewed by whoever begins to wait.
    read_limit: Option<Pin<Box<Sleep>>>,
    /// Until when something must have been taken of what is written.
    write_limit: Option<Pin<Box<Sleep>>>,
    closing: Closing,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, waits: Waits, answering: Arc<Answering>) -> Self {
        Self {
            stream,
            waits,
            answering,
            reading: Reading::Head,
            stash: BytesMut::new(),
            ready: 0,
            seen: 0,
            is_new: true,
            read_limit: None,
            write_limit: None,
            closing: Closing::Close,
        }
    }

    /// Refuses what has come, and everything that comes after it.
    fn refuse(&mut self, error: &ApiError) {
        self.closing = Closing::Say(refused::answer(error));
        self.end();
    }

    fn end(&mut self) {
        self.reading = Reading::Ended;
        self.stash.clear();
        self.ready = 0;
        self.read_limit = None;
    }

    /// Reads more into the stash. Gives whether there was any.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut bytes = [0; READ_BYTES];
        let mut buffer = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
        self.stash.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(!buffer.filled().is_empty()))
    }

    /// Returns whether the time for reading is over.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        self.read_limit.as_mut().is_some_and(|limit| limit.as_mut().poll(cx).is_ready())
    }

    /// Looks for a head; gives whether there is something to go on with.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // One request at a time: the next head waits until the answer before it has been written.
        if self.answering.poll_is_free(cx).is_pending() {
            // An end of the input is told at once, so that nobody answers somebody who has gone.
            while self.stash.len() < HEAD_BYTES_MAX {
                if !ready!(self.poll_fill(cx))? {
                    self.end();
                    return Poll::Ready(Ok(()));
                }
            }
            return Poll::Pending;
        }
        loop {
            // Empty lines before a request count for nothing (RFC 9112, section 2.2).
            while self.stash.starts_with(b"\r\n") {
                self.stash.advance(2);
                self.seen = 0;
            }
            if self.stash.starts_with(HTTP2_PREFACE) && self.is_new {
                self.reading = Reading::Http2;
                self.read_limit = None;
                return Poll::Ready(Ok(()));
            }
            let may_be_http2 = self.is_new && HTTP2_PREFACE.starts_with(&self.stash);
            if !may_be_http2 {
                match head::end_of_head(&self.stash, self.seen) {
                    Ok(None) => self.seen = self.stash.len(),
                    Ok(Some(length)) => {
                        self.take_head(length);
                        return Poll::Ready(Ok(()));
                    }
                    Err(refusal) => {
                        self.refuse(&refusal.into());
                        return Poll::Ready(Ok(()));
                    }
                }
            }
            let is_silent = self.stash.is_empty();
            if self.read_limit.is_none() {
                let wait = if is_silent && !self.is_new { self.waits.answers.idle } else { self.waits.head };
                self.read_limit = Some(Box::pin(sleep(wait)));
            }
            match self.poll_fill(cx)? {
                Poll::Ready(true) => {
                    // The first byte of a later head begins its own time.
                    if is_silent && !self.is_new {
                        self.read_limit = None;
                    }
                }
                Poll::Ready(false) => {
                    self.end();
                    return Poll::Ready(Ok(()));
                }
                Poll::Pending if self.is_late(cx) => {
                    if is_silent || may_be_http2 {
                        self.end();
                    } else {
                        self.refuse(&refused::slow_head());
                    }
                    return Poll::Ready(Ok(()));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn take_head(&mut self, length: usize) {
        match head::check(&self.stash[..length]) {
            Ok(framing) => {
                self.ready = length;
                self.seen = 0;
                self.is_new = false;
                self.read_limit = None;
                self.answering.begin();
                self.reading = if framing.is_done() { Reading::Head } else { Reading::Body(framing) };
            }
            Err(refusal) => self.refuse(&refusal.into()),
        }
    }

    /// Gives bytes of the body to hyper.
    fn poll_body(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Reading::Body(framing) = &mut self.reading else { return Poll::Ready(Ok(())) };
        if self.stash.is_empty() && framing.unseen() > 0 {
            // Most of a long body goes from the socket to hyper without a stop.
            let room = usize::try_from(framing.unseen()).unwrap_or(usize::MAX);
            let room = room.min(buffer.remaining()).min(BODY_READ_BYTES_MAX);
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(room));
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
            let filled = part.filled().len();
            let followed = framing.follow(part.filled());
            debug_assert_eq!(followed, Ok(filled), "what need not be looked at is the body's");
            if framing.is_done() {
                self.reading = Reading::Head;
            }
            buffer.advance(filled);
            return Poll::Ready(Ok(()));
        }
        if self.stash.is_empty() && !ready!(self.poll_fill(cx))? {
            self.end();
            return Poll::Ready(Ok(()));
        }
        let Reading::Body(framing) = &mut self.reading else { return Poll::Ready(Ok(())) };
        match framing.follow(&self.stash) {
            Ok(length) => {
                self.ready = length;
                if framing.is_done() {
                    self.reading = Reading::Head;
                }
            }
            // To hyper it is a body that broke off.
            Err(_) => self.end(),
        }
        Poll::Ready(Ok(()))
    }

    /// Ends the connection when nothing of what is written is taken for too long, or an answer too slowly.
    fn watch_write<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write_limit = None;
            return written;
        }
        let (pacing, answering) = (&self.waits.answers, &self.answering);
        let limit = self.write_limit.get_or_insert_with(|| {
            let idle = Instant::now() + pacing.idle;
            let late = answering.pace().late_at(pacing);
            Box::pin(sleep_until(late.map_or(idle, |late| late.min(idle))))
        });
        ready!(limit.as_mut().poll(cx));
        // The kernel need not keep for it what nobody reads.
        let _ = self.stream.set_zero_linger();
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.ready > 0 {
                let length = this.ready.min(buffer.remaining());
                buffer.put_slice(&this.stash[..length]);
                this.stash.advance(length);
                this.ready -= length;
                return Poll::Ready(Ok(()));
            }
            match this.reading {
                Reading::Ended => return Poll::Ready(Ok(())),
                Reading::Head => ready!(this.poll_head(cx))?,
                Reading::Body(_) => {
                    let before = buffer.filled().len();
                    ready!(this.poll_body(cx, buffer))?;
                    let is_more = buffer.filled().len() > before;
                    if is_more || (this.ready == 0 && this.stash.is_empty()) {
                        return Poll::Ready(Ok(()));
                    }
                }
                Reading::Http2 if !this.stash.is_empty() => this.ready = this.stash.len(),
                Reading::Http2 => return Pin::new(&mut this.stream).poll_read(cx, buffer),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.watch_write(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, pieces);
        this.watch_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            match &mut this.closing {
                Closing::Say(answer) if answer.is_empty() => {
                    ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                    this.closing = Closing::Drain(0);
                    this.read_limit = Some(Box::pin(sleep(DRAIN_WAIT)));
                }
                Closing::Say(answer) => {
                    let written = Pin::new(&mut this.stream).poll_write(cx, answer);
                    if let Poll::Ready(Ok(length)) = written {
                        answer.advance(length);
                    }
                    ready!(this.watch_write(cx, written))?;
                }
                Closing::Drain(total) if *total < DRAIN_BYTES_MAX => {
                    let total = *total;
                    this.stash.clear();
                    match this.poll_fill(cx) {
                        Poll::Ready(Ok(true)) => this.closing = Closing::Drain(total + this.stash.len()),
                        Poll::Pending if !this.is_late(cx) => return Poll::Pending,
                        _ => this.closing = Closing::Close,
                    }
                }
                Closing::Drain(_) => this.closing = Closing::Close,
                Closing::Close => return Pin::new(&mut this.stream).poll_shutdown(cx),
            }
        }
    }
}
