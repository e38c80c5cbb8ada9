//! Wakes the open connections to the event feed, and counts them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::broadcast;

use crate::store::sessions::SessionId;

/// Tells the open connections of this replica that there is something new.
#[derive(Clone)]
pub struct Feed {
    news: broadcast::Sender<News>,
    connections: Arc<Mutex<HashMap<SessionId, usize>>>,
}

/// For whom there is something new.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// The blind index of a person.
    For(String),
    /// The change stream was interrupted: everybody looks.
    ForAnyone,
}

impl Default for Feed {
    fn default() -> Self {
        Self { news: broadcast::channel(1_024).0, connections: Arc::default() }
    }
}

/// One open connection of a session; counts while it lives.
pub(crate) struct Connection {
    feed: Feed,
    session: SessionId,
}

impl Feed {
    /// Counts one more open connection of a session; `None` when it has `max` already.
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
        // Nobody need be connected.
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
