//! How an action gets to the chain: relayed, or sent by the wallet itself.

use alloy::primitives::{B256, U256};
use protocol::messages::Action;
use serde::Serialize;

use crate::{
    client::Client,
    error::ClientError,
    wallet::Wallet,
};

/// How an action gets to the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// The person signs, the server's relayer submits and pays.
    #[default]
    Relayed,
    /// The wallet sends the transaction and pays.
    Direct,
}

/// A carried-out action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Settled {
    /// The transaction, once it was sent.
    #[serde(with = "protocol::hex_text::option")]
    pub tx_hash: Option<B256>,
    /// The block it is in; `None` while it waits (relayed, answered 202).
    pub block_number: Option<u64>,
}

/// How long a signed action stays valid, in seconds.
pub const DEADLINE_SECONDS: u64 = 3600;

/// A fresh unordered nonce.
#[must_use]
pub fn new_nonce() -> U256 {
    U256::from_be_bytes(rand::random::<[u8; 32]>())
}

/// Carries out an action that needs nothing beside its signature: signs and relays it, or sends it.
///
/// Waits until it is mined; relayed, at most until the server answers that it still waits.
///
/// # Errors
/// What the wallet, the server or the chain refuses; [`crate::Kind::Reverted`] if it was mined and failed.
pub async fn carry_out(client: &Client, wallet: &dyn Wallet, action: Action, way: Way) -> Result<Settled, ClientError> {
    let _ = (client, wallet, action, way);
    Err(crate::error::being_written())
}
