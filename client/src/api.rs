//! The server's HTTP API, one function a route. Nothing it says is a permission or a key until it was compared with
//! the chain.
//!
//! Reads are tried again when the server does not answer; so are writes, but only those that carry an idempotency key
//! or whose bytes mean the same the second time.

mod error;
mod request;
mod routes;

pub use error::{Refusal, ServerError};
pub use request::Revision;
pub(crate) use routes::PrivateBlobName;
pub use routes::{Blob, RelayerStatus};

use std::{
    sync::{
        Arc, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::Url;
use secrecy::SecretString;

/// How long an answer may take. The server itself answers 202 after 30 s.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(90);
/// How long an upload or a download may stand still.
const STALL_TIME_MAX: Duration = Duration::from_secs(60);

/// A server, and the session with it.
#[derive(Clone)]
pub struct Api {
    base: Url,
    http: reqwest::Client,
    token: Arc<RwLock<Option<SecretString>>>,
    unreadable: Arc<AtomicUsize>,
}

impl Api {
    /// Prepares the connection; asks nothing yet.
    ///
    /// # Errors
    /// [`ServerError::InvalidUrl`] if `url` is not an http(s) URL.
    pub fn new(url: &str) -> Result<Self, ServerError> {
        let base = url.parse::<Url>().map_err(|error| ServerError::InvalidUrl(Some(error.into())))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(ServerError::InvalidUrl(None));
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("medlock/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            // A redirect could carry the token elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .build()
            .map_err(|error| ServerError::HttpClient(error.into()))?;
        Ok(Self { base, http, token: Arc::default(), unreadable: Arc::default() })
    }

    /// The server's URL.
    #[must_use]
    pub const fn base(&self) -> &Url {
        &self.base
    }

    /// How many items of the server's lists could not be read and were left out, in every clone.
    #[must_use]
    pub fn unreadable(&self) -> usize {
        self.unreadable.load(Ordering::Relaxed)
    }

    fn count_unreadable(&self) {
        self.unreadable.fetch_add(1, Ordering::Relaxed);
    }

    /// Uses this session from now on, in every clone; `None` ends it.
    pub(crate) fn set_token(&self, token: Option<SecretString>) {
        *self.token.write().unwrap_or_else(std::sync::PoisonError::into_inner) = token;
    }

    /// Returns whether a session is used.
    pub(crate) fn has_token(&self) -> bool {
        self.token().is_some()
    }

    fn token(&self) -> Option<SecretString> {
        self.token.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}
