//! The server's HTTP API, one function a route. Nothing it says is a permission or a key until it was compared with the chain.

use crate::error::ClientError;

/// A server.
#[derive(Clone)]
pub struct Api {
    base: String,
}

impl Api {
    /// Prepares the connection; asks nothing yet.
    ///
    /// # Errors
    /// [`crate::Kind::InvalidConfig`] if `url` is not an http(s) URL.
    pub fn new(url: &str) -> Result<Self, ClientError> {
        Ok(Self { base: url.trim_end_matches('/').to_owned() })
    }
}
