//! What one connection is answering: whether the next request may be read, and whether nobody has asked for a while.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use futures::task::AtomicWaker;
use hyper::body::{Frame, SizeHint};
use tokio::sync::watch;

use super::streams::Stream;

/// The requests of one connection.
pub(super) struct Answering {
    /// HTTP/1: between a head that was let through and the end of its answer.
    is_taken: AtomicBool,
    /// Whoever waits for that end.
    waiting: AtomicWaker,
    /// Requests at work, and how many there have ever been.
    count: watch::Sender<(usize, u64)>,
}

impl Answering {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            is_taken: AtomicBool::new(false),
            waiting: AtomicWaker::new(),
            count: watch::Sender::new((0, 0)),
        })
    }

    /// A head was let through.
    pub(super) fn begin(&self) {
        self.is_taken.store(true, Ordering::Release);
    }

    /// Whether the next head may be let through.
    pub(super) fn poll_is_free(&self, cx: &Context<'_>) -> Poll<()> {
        self.waiting.register(cx.waker());
        if self.is_taken.load(Ordering::Acquire) { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Counts a request until what this gives is dropped.
    pub(super) fn request(self: &Arc<Self>) -> Request {
        self.count.send_modify(|(now, ever)| {
            *now += 1;
            *ever += 1;
        });
        Request(Arc::clone(self))
    }

    /// Resolves when there has been no request for this time.
    pub(super) async fn quiet(&self, wait: Duration) {
        let mut count = self.count.subscribe();
        loop {
            let Ok(seen) = count.wait_for(|(now, _)| *now == 0).await.map(|seen| *seen) else { return };
            if tokio::time::timeout(wait, count.wait_for(|count| *count != seen)).await.is_err() {
                return;
            }
        }
    }
}

/// A request at work.
pub(super) struct Request(Arc<Answering>);

impl Drop for Request {
    fn drop(&mut self) {
        self.0.count.send_modify(|(now, _)| *now -= 1);
        self.0.is_taken.store(false, Ordering::Release);
        self.0.waiting.wake();
    }
}

/// The body of an answer: its request is at work until it has been sent or dropped, and its stream of HTTP/2 is told
/// when bytes are asked for.
pub(super) struct AnswerBody {
    body: Body,
    stream: Option<Arc<Stream>>,
    #[expect(dead_code, reason = "held for its Drop")]
    request: Request,
}

impl AnswerBody {
    /// From here on the client's time counts: one that leaves no room for a single byte is never asked for the first.
    pub(super) fn new(body: Body, stream: Option<Arc<Stream>>, request: Request) -> Self {
        if let Some(stream) = &stream {
            stream.asked(true);
        }
        Self { body, stream, request }
    }
}

impl hyper::body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let Some(stream) = &self.stream {
            stream.asked(matches!(frame, Poll::Ready(Some(_))));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
