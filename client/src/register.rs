//! Publishing the identity key.

use protocol::{
    codes::{KEM_SECP256K1, SLOT_IDENTITY},
    messages::{Action, RegisterKey},
};
use serde::Serialize;

use crate::{
    act::{Settled, Way, carry_out, new_deadline, new_nonce},
    client::Client,
    error::{ClientError, Kind},
    unlock::Keys,
    wallet::Wallet,
};

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
/// What wallet, server and chain refuse; [`Kind::WrongKeys`] if another key is published.
pub async fn register(client: &Client, wallet: &dyn Wallet, keys: &Keys, way: Way) -> Result<Registered, ClientError> {
    let chain = client.chain();
    chain.verify_deployment().await?;
    let registered =
        |epoch: u32, settled| Registered { epoch, key: keys.identity_at(epoch).public_key().to_string(), settled };
    let is_ours = |key: crate::chain::ChainKey| {
        if keys.identity_at(key.epoch).public_key().hash() == key.hash {
            Ok(())
        } else {
            Err(ClientError::new(Kind::WrongKeys, "The chain has another encryption key for this address."))
        }
    };
    if let Some(key) = chain.find_key(keys.owner()).await? {
        is_ours(key)?;
        return Ok(registered(key.epoch, None));
    }
    let action = Action::RegisterKey(RegisterKey {
        owner: keys.owner(),
        slot: SLOT_IDENTITY,
        epoch: 0,
        kem: KEM_SECP256K1,
        key: keys.identity_at(1).public_key().as_bytes().to_vec().into(),
        nonce: new_nonce(),
        deadline: new_deadline(client).await?,
    });
    let settled = carry_out(client, wallet, action, way).await?;
    let key = chain.find_key(keys.owner()).await?;
    is_ours(key.ok_or_else(|| ClientError::new(Kind::Changed, "The chain no longer shows the key just published."))?)?;
    Ok(registered(1, Some(settled)))
}
