//! The body of an answer, in pieces that count as requests in progress until the socket has taken them.
//!
//! hyper drops a body as soon as it has its last bytes. This may be long before the client has them: an answer from
//! memory is one chunk of any length. So each chunk is cut into pieces. Each piece holds the request's place and is
//! timed ([`super::pace`]) until it is dropped.

use std::{
    io::IoSlice,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes};
use bytes::Buf;
use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;

use super::{answering::Request, pace::Pace};
use crate::places::Place;

/// The longest piece on HTTP/2, in bytes: the content of one frame. h2 takes a whole piece when the client has room for
/// one byte.
const STREAM_PIECE_BYTES_MAX: usize = 16 << 10;
/// The longest piece on HTTP/1, in bytes.
const PIECE_BYTES_MAX: usize = 64 << 10;

/// Values that are held until the last piece is taken.
struct Work {
    pace: Arc<Pace>,
    #[expect(dead_code, reason = "held for its Drop")]
    request: Request,
    #[expect(dead_code, reason = "held for its Drop")]
    place: Option<Place>,
}

/// The body of an answer.
pub(super) struct AnswerBody {
    body: Body,
    /// The rest of the last chunk.
    rest: Bytes,
    /// Whether this is an HTTP/2 stream. It can be reset only until its end was given.
    is_stream: bool,
    has_given: bool,
    /// On a stream: a piece that is held until hyper asks for the next one. hyper asks only when the client has room
    /// for at least one byte.
    unasked: Option<Piece>,
    work: Arc<Work>,
}

impl AnswerBody {
    /// Creates the body of an answer on HTTP/1.
    pub(super) fn new(body: Body, pace: Arc<Pace>, request: Request, place: Option<Place>) -> Self {
        let work = Arc::new(Work { pace, request, place });
        Self { body, rest: Bytes::new(), is_stream: false, has_given: false, unasked: None, work }
    }

    /// Makes it the body of an answer on an HTTP/2 stream.
    pub(super) fn on_stream(self) -> Self {
        let unasked = Some(Piece::new(Bytes::new(), Arc::clone(&self.work)));
        Self { is_stream: true, unasked, ..self }
    }

    fn next_piece(&mut self) -> Piece {
        let length = if self.is_stream { STREAM_PIECE_BYTES_MAX } else { PIECE_BYTES_MAX };
        let bytes = self.rest.split_to(length.min(self.rest.len()));
        self.has_given = true;
        Piece::new(bytes, Arc::clone(&self.work))
    }
}

impl hyper::body::Body for AnswerBody {
    type Data = Piece;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Piece>, axum::Error>>> {
        let this = self.get_mut();
        this.unasked = None;
        while this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                // The end is given only when everything before it is taken. Until then the stream can be reset.
                None if this.is_stream => return this.work.pace.poll_taken(cx).map(|()| None),
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(chunk) => this.rest = chunk,
                    // Our answers have no trailers.
                    Err(_) => continue,
                },
            }
        }
        let piece = this.next_piece();
        this.unasked = this.is_stream.then(|| Piece::new(Bytes::new(), Arc::clone(&this.work)));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream() && !(self.is_stream && self.has_given)
    }

    fn size_hint(&self) -> SizeHint {
        let (body, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower() + rest);
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

/// A piece of an answer. It counts as waiting until it is dropped.
pub(super) struct Piece {
    bytes: Bytes,
    length: usize,
    work: Arc<Work>,
}

impl Piece {
    fn new(bytes: Bytes, work: Arc<Work>) -> Self {
        work.pace.given(Instant::now());
        Self { length: bytes.len(), bytes, work }
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.work.pace.taken(self.length, Instant::now());
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.bytes.chunks_vectored(slices)
    }
}
