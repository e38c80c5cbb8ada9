//! The socket that hyper reads from. It passes on heads that were checked ([`super::head`]), one at a time, and limits
//! how long either side may be silent.
//!
//! A refused head never reaches hyper. Hyper sees the end of the input instead, so it finishes the current answer and
//! shuts down. Our own answer is sent after that.

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

/// Bytes to read at once where each byte must be checked.
const READ_BYTES: usize = 8 << 10;
/// Most bytes of a body to read at once.
const BODY_READ_BYTES_MAX: usize = 256 << 10;
/// Bytes to read after a refusal, so that the client can receive the answer.
const DRAIN_BYTES_MAX: usize = 256 << 10;
/// Longest time to read after a refusal.
const DRAIN_WAIT: Duration = Duration::from_secs(1);

/// The time limits for a client.
#[derive(Clone, Copy)]
pub(super) struct Waits {
    /// For a head, and for the first byte on a new connection.
    pub(super) head: Duration,
    /// For reading what is written; also between two requests.
    pub(super) answers: Pacing,
}

/// The part of the input that is expected next.
enum Reading {
    /// The head of a request, or the preface of HTTP/2.
    Head,
    /// The body of a request.
    Body(Framing),
    /// HTTP/2, which hyper frames itself.
    Http2,
    /// The input has ended.
    Ended,
}

/// The work that remains before the socket is closed.
enum Closing {
    /// These bytes must still be sent.
    Say(Bytes),
    /// Further input is read and discarded, because closing the socket with unread input would discard the answer.
    Drain(usize),
    Close,
}

/// A socket that checks its input.
pub(super) struct Socket {
    stream: TcpStream,
    waits: Waits,
    answering: Arc<Answering>,
    reading: Reading,
    /// Bytes that were read and not given to hyper yet.
    stash: BytesMut,
    /// Number of bytes at the start of the stash that may be given to hyper.
    ready: usize,
    /// Number of bytes of the stash that were searched for the end of a head.
    seen: usize,
    is_new: bool,
    /// Time by which the next bytes must arrive. It is set again when a new wait begins.
    read_limit: Option<Pin<Box<Sleep>>>,
    /// Time by which the client must have read some of the output.
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

    /// Refuses the current input and everything after it.
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

    /// Reads more bytes into the stash. Returns whether there were any.
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

    /// Reads until a whole head is in the stash, and checks it.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // One request at a time: the next head waits until the previous answer has been written.
        if self.answering.poll_is_free(cx).is_pending() {
            // The end of the input is passed on at once, so that no answer is prepared for a client that has gone.
            while self.stash.len() < HEAD_BYTES_MAX {
                if !ready!(self.poll_fill(cx))? {
                    self.end();
                    return Poll::Ready(Ok(()));
                }
            }
            return Poll::Pending;
        }
        loop {
            // Empty lines before a request are ignored (RFC 9112, section 2.2).
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
                    // The time limit for a later head starts with its first byte.
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
            // Most bytes of a long body go from the socket to hyper without a check.
            let room = usize::try_from(framing.unseen()).unwrap_or(usize::MAX);
            let room = room.min(buffer.remaining()).min(BODY_READ_BYTES_MAX);
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(room));
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
            let filled = part.filled().len();
            let followed = framing.follow(part.filled());
            debug_assert_eq!(followed, Ok(filled), "unchecked bytes belong to the body");
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
            // Hyper sees a body that was cut off.
            Err(_) => self.end(),
        }
        Poll::Ready(Ok(()))
    }

    /// Ends the connection when the client reads nothing for too long, or reads an answer too slowly.
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
        // The kernel need not keep output that the client does not read.
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
