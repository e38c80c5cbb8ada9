//! Streams of HTTP/2: one whose answer nobody takes is reset.
//!
//! On a connection with many streams the socket is never idle, so that its own limit does not help. hyper asks the body of
//! an answer for more only when the client has taken what came before (flow control): a body that is there, or has given
//! something, and is not asked again stands still.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hyper::rt::Executor;
use tokio::time::Instant;

tokio::task_local! {
    static CURRENT: Arc<Stream>;
}

/// One stream, and since when it waits for its client.
#[derive(Default)]
pub(super) struct Stream {
    given_at: Mutex<Option<Instant>>,
}

impl Stream {
    /// The stream that this task serves; `None` on HTTP/1.
    pub(super) fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    /// Its body is there (`given`), or was asked for bytes and has `given` some.
    pub(super) fn asked(&self, given: bool) {
        *self.given_at.lock().unwrap_or_else(PoisonError::into_inner) = given.then(Instant::now);
    }

    /// Resolves when the client has not taken anything for this time.
    async fn stood_still(&self, wait: Duration) {
        loop {
            let given_at = *self.given_at.lock().unwrap_or_else(PoisonError::into_inner);
            match given_at {
                Some(at) if at.elapsed() >= wait => return,
                Some(at) => tokio::time::sleep_until(at + wait).await,
                None => tokio::time::sleep(wait).await,
            }
        }
    }
}

/// Runs what hyper starts for each stream, until it ends or stands still for too long.
#[derive(Clone, Copy)]
pub(super) struct Streams {
    pub(super) idle: Duration,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, work: F) {
        let (stream, idle) = (Arc::<Stream>::default(), self.idle);
        tokio::spawn(async move {
            tokio::select! {
                () = CURRENT.scope(Arc::clone(&stream), work) => {}
                // Dropping it resets the stream.
                () = stream.stood_still(idle) => {}
            }
        });
    }
}
