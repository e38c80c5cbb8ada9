//! Sends new entries of the feed to open connections.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::response::sse::Event;
use futures::{Stream, StreamExt, stream};
use tokio::sync::broadcast;

use crate::{
    app::App,
    at_rest::Lookup,
    caller::Caller,
    feed::{Connection, News},
    store::{
        feed::{self, FeedEntry},
        sessions,
    },
};

/// Most entries that are read at once for one connection.
const PAGE: i64 = 100;
/// The interval at which a quiet connection looks for entries, and checks that its session is still valid.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// One open connection, and the last entry that it has read.
pub(super) struct Reader {
    pub(super) app: App,
    pub(super) caller: Caller,
    pub(super) news: broadcast::Receiver<News>,
    /// Number of the last entry that was sent.
    pub(super) after: i64,
    pub(super) waiting: VecDeque<FeedEntry>,
    /// Counts this connection until it is dropped.
    #[expect(dead_code, reason = "held for its Drop")]
    pub(super) connection: Connection,
}

/// Returns the caller's events until the session ends, the server stops, or the client goes away.
pub(super) fn events(reader: Reader) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    stream::unfold(reader, |mut reader| async move {
        let event = loop {
            // An entry that does not open is skipped.
            if let Some(event) = reader.next().await?.event(&reader.app.at_rest, reader.caller.address) {
                break event;
            }
        };
        let data = serde_json::to_string(&event).ok()?;
        // The event's name on the wire is the kind in its data.
        let name = serde_json::to_value(event.kind).ok()?.as_str()?.to_owned();
        Some((Ok(Event::default().id(event.id).event(name).data(data)), reader))
    })
}

impl Reader {
    async fn next(&mut self) -> Option<FeedEntry> {
        loop {
            if let Some(entry) = self.waiting.pop_front() {
                self.after = entry.number();
                return Some(entry);
            }
            match self.look().await {
                Ok(found) if !found.is_empty() => self.waiting = found.into(),
                Ok(_) => self.wait().await?,
                Err(error) => {
                    tracing::warn!(%error, "the feed could not be read; trying again");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    async fn look(&self) -> mongodb::error::Result<Vec<FeedEntry>> {
        feed::newer(&self.app.database, &self.app.at_rest, self.caller.address, self.after, PAGE).await
    }

    /// Waits for a new entry. Returns `None` when the connection must end.
    async fn wait(&mut self) -> Option<()> {
        let own = self.app.at_rest.blind(Lookup::Feed, self.caller.address);
        loop {
            tokio::select! {
                () = self.app.shutdown.cancelled() => return None,
                news = self.news.recv() => match news {
                    Ok(News::For(to)) if to != own => {}
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return Some(()),
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
                () = tokio::time::sleep(LOOK_EVERY) => return self.session_stands().await.then_some(()),
            }
        }
    }

    async fn session_stands(&self) -> bool {
        if self.caller.expires_at <= self.app.clock.now() {
            return false;
        }
        // A database that is unavailable for a moment ends no session.
        !matches!(sessions::find(&self.app.database, &self.caller.session).await, Ok(None))
    }
}

/// Follows the feed's collection and wakes the connections of this replica.
pub(super) async fn tell_connections(app: App) {
    loop {
        tokio::select! {
            () = app.shutdown.cancelled() => return,
            outcome = tell(&app) => {
                if let Err(error) = outcome {
                    tracing::warn!(%error, "the feed's change stream broke; opening it again");
                }
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn tell(app: &App) -> mongodb::error::Result<()> {
    let mut changes = feed::watch(&app.database).await?;
    app.feed.tell(News::ForAnyone);
    while let Some(change) = changes.next().await {
        if let Some(entry) = change?.full_document {
            app.feed.tell(News::For(entry.into_to()));
        }
    }
    Ok(())
}
