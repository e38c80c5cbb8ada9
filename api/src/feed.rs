//! Wakes the open connections to the event feed, and counts them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::broadcast;

use crate::store::sessions::SessionId;

/// Notifies the open connections of this replica about new entries.
#[derive(Clone)]
pub struct Feed {
    news: broadcast::Sender<News>,
    connections: Arc<Mutex<HashMap<SessionId, usize>>>,
}

/// The recipients of new entries.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// The blind index of a person.
    For(String),
    /// Everybody should read again, because the change stream was interrupted.
    ForAnyone,
}

impl Default for Feed {
    fn default() -> Self {
        Self { news: broadcast::channel(1_024).0, connections: Arc::default() }
    }
}

/// One open connection of a session. It counts until it is dropped.
pub(crate) struct Connection {
    feed: Feed,
    session: SessionId,
}

impl Feed {
    /// Counts one more open connection of a session. Returns `None` when the session already has `max`.
    pub(crate) fn connect(&self, session: &SessionId, max: usize) -> Option<Connection> {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let count = connections.entry(session.clone()).or_insert(0);
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Connection { feed: self.clone(), session: session.clone() })
    }

    /// Returns a receiver of all news from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Sends news to all open connections.
    pub(crate) fn tell(&self, news: News) {
        // There may be no connection.
        let _ = self.news.send(news);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut connections = self.feed.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = connections.get_mut(&self.session) {
            *count -= 1;
            if *count == 0 {
                connections.remove(&self.session);
            }
        }
    }
}
