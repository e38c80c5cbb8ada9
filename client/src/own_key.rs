//! The person's own public encryption key, kept on this device (`identity.json`), and the epoch in which the chain has it.
//!
//! A person seals to this key, and never to the newest key on chain, which one phished signature can change. It is written whenever the keys are unlocked; uploads and registering again then need no open
//! keyring.

use alloy::primitives::Address;
use protocol::identity::PublicKey;
use serde::{Deserialize, Serialize};

use crate::{
    chain::ChainError,
    client::Client,
    error::{codes, failure},
    home::DeviceError,
};

/// Why a person cannot seal to themselves.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnKeyError {
    /// The keys were never unlocked on this device.
    #[error("This device does not know which encryption key is yours.")]
    Unknown,
    /// The person has not published a key.
    #[error("You have not published your encryption key.")]
    NotPublished,
    /// The chain has keys for this person, but not the one that this device has kept.
    #[error("The chain has an encryption key for your address that is not the one of this device.")]
    Foreign,
    /// The chain cannot be asked.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { OwnKeyError {
    Unknown => codes::OWN_KEY_UNKNOWN;
    NotPublished => codes::KEY_NOT_REGISTERED, "Run: medlock register.";
    Foreign => codes::FOREIGN_KEY;
    ..Chain;
    ..Device;
} }

const FILE: &str = "identity.json";

/// `identity.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    #[serde(with = "protocol::hex_text")]
    owner: Address,
    key: PublicKey,
}

/// Keeps the public key of somebody whose keys are unlocked.
pub(crate) fn keep(client: &Client, owner: Address, key: &PublicKey) -> Result<(), DeviceError> {
    let kept = Kept { owner, key: key.clone() };
    if find_kept(client)?.as_ref() == Some(&kept.key) {
        return Ok(());
    }
    client.home().write_json(FILE, &kept)
}

/// The kept public key; `None` if the keys were never unlocked on this device.
///
/// # Errors
/// [`DeviceError::File`].
pub fn find_kept(client: &Client) -> Result<Option<PublicKey>, DeviceError> {
    // A damaged file is written again with the next unlocking.
    let kept = client.home().read(FILE)?.and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
    Ok(kept.filter(|kept| kept.owner == client.address()).map(|kept| kept.key))
}

/// The newest key of this person on chain, compared with the kept key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnChain {
    /// No key is registered.
    Nothing,
    /// The kept key is the newest.
    Own(u32),
    /// Another key is the newest. It may be a later key of the same seed, which only the unlocked keys can tell.
    Other(u32),
}

/// Compares the kept key with the newest on chain.
///
/// # Errors
/// [`ChainError::Rpc`].
pub async fn compare(client: &Client, kept: &PublicKey) -> Result<OnChain, ChainError> {
    Ok(match client.chain().find_key(client.address()).await? {
        None => OnChain::Nothing,
        Some(key) if key.hash == kept.hash() => OnChain::Own(key.epoch),
        Some(key) => OnChain::Other(key.epoch),
    })
}

/// The kept public key and the newest epoch in which the chain has it: what a person seals to themselves.
///
/// # Errors
/// [`OwnKeyError`].
pub(crate) async fn to_seal_to(client: &Client) -> Result<(PublicKey, u32), OwnKeyError> {
    let key = find_kept(client)?.ok_or(OwnKeyError::Unknown)?;
    let history = client.chain().key_history(client.address()).await?;
    let own = history.hashes.iter().rev().find(|(_, hash)| **hash == key.hash()).map(|(epoch, _)| *epoch);
    match own {
        Some(epoch) => Ok((key, epoch)),
        None if history.hashes.is_empty() => Err(OwnKeyError::NotPublished),
        None => Err(OwnKeyError::Foreign),
    }
}
