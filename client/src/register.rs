//! Publishing the identity key.

use serde::Serialize;

use crate::{act::{Settled, Way}, client::Client, error::ClientError, unlock::Keys, wallet::Wallet};

/// A published key.
#[derive(Clone, Debug, Serialize)]
pub struct Registered {
    /// From 1.
    pub epoch: u32,
    /// The public key, uncompressed point, hex.
    pub key: String,
    /// How it got to the chain; `None` if it stood there already.
    pub settled: Option<Settled>,
}

/// Publishes the first identity key, or says that it is published.
///
/// # Errors
/// What wallet, server and chain refuse.
pub async fn register(client: &Client, wallet: &dyn Wallet, keys: &Keys, way: Way) -> Result<Registered, ClientError> {
    let _ = (client, wallet, keys, way);
    Err(crate::error::being_written())
}
