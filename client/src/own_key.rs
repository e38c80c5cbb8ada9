//! The person's own public encryption key, kept on this device (`identity.json`), and the epoch in which the chain has it.
//!
//! What a person seals to themselves goes to this key and never to whatever the chain has newest, which one phished
//! signature can change. It is written whenever the keys are unlocked; uploads and registering again then need no open
//! keyring.

use alloy::primitives::Address;
use protocol::identity::PublicKey;
use serde::{Deserialize, Serialize};

use crate::{
    client::Client,
    error::{ClientError, Kind},
};

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
pub(crate) fn keep(client: &Client, owner: Address, key: &PublicKey) -> Result<(), ClientError> {
    let kept = Kept { owner, key: key.clone() };
    if find_kept(client)?.as_ref() == Some(&kept.key) {
        return Ok(());
    }
    client.home().write_json(FILE, &kept)
}

/// The kept public key; `None` if the keys were never unlocked on this device.
///
/// # Errors
/// [`Kind::LocalFile`].
pub fn find_kept(client: &Client) -> Result<Option<PublicKey>, ClientError> {
    // A damaged file is written again with the next unlocking.
    let kept = client.home().read(FILE)?.and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
    Ok(kept.filter(|kept| kept.owner == client.address()).map(|kept| kept.key))
}

/// What the chain has newest for this person, compared with the kept key.
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
/// [`Kind::Rpc`], [`Kind::LocalFile`].
pub async fn compare(client: &Client, kept: &PublicKey) -> Result<OnChain, ClientError> {
    Ok(match client.chain().find_key(client.address()).await? {
        None => OnChain::Nothing,
        Some(key) if key.hash == kept.hash() => OnChain::Own(key.epoch),
        Some(key) => OnChain::Other(key.epoch),
    })
}

/// The kept public key and the newest epoch in which the chain has it: what a person seals to themselves.
///
/// # Errors
/// [`Kind::KeyNotRegistered`], [`Kind::ForeignKey`] if the chain has only other keys, [`Kind::OwnKeyUnknown`].
pub(crate) async fn to_seal_to(client: &Client) -> Result<(PublicKey, u32), ClientError> {
    let key = find_kept(client)?.ok_or_else(|| {
        ClientError::new(Kind::OwnKeyUnknown, "This device does not know which encryption key is yours.")
    })?;
    let history = client.chain().key_history(client.address()).await?;
    let own = history.hashes.iter().rev().find(|(_, hash)| **hash == key.hash()).map(|(epoch, _)| *epoch);
    match own {
        Some(epoch) => Ok((key, epoch)),
        None if history.hashes.is_empty() => {
            Err(ClientError::new(Kind::KeyNotRegistered, "You have not published your encryption key.")
                .remedy("Run: medlock register."))
        }
        None => Err(ClientError::new(
            Kind::ForeignKey,
            "The chain has an encryption key for your address that is not the one of this device.",
        )),
    }
}
