//! Publishing the identity key, and publishing it again where the chain's newest is somebody else's.

use protocol::{
    codes::{KEM_X_WING, SLOT_IDENTITY},
    identity::PublicKey,
    messages::{Action, RegisterKey},
};
use serde::Serialize;

use crate::{
    act::{ActError, Settled, Way, carry_out, new_deadline, new_nonce},
    api::ServerError,
    chain::ChainError,
    client::Client,
    error::{codes, failure, lift},
    home::DeviceError,
    own_key,
    unlock::Keys,
    wallet::{Wallet, WalletError},
};

/// Why an identity key was not published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The newest key on chain is not of the person's seed.
    #[error("The chain's newest encryption key for your address (number {epoch}) is not one of yours.")]
    Foreign {
        /// Its epoch.
        epoch: u32,
    },
    /// The keys were never unlocked on this device.
    #[error("This device does not know which encryption key is yours.")]
    OwnKeyUnknown,
    /// The chain has another key after the registration.
    #[error("The chain does not show the key just published.")]
    NotShown,
    /// The registration was not carried out.
    #[error(transparent)]
    Act(ActError),
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The wallet does not sign.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { RegisterError {
    Foreign => codes::FOREIGN_KEY,
        "If you set medlock up with other recovery words elsewhere, use those. Else somebody else registered it: \
         run medlock key register.";
    OwnKeyUnknown => codes::OWN_KEY_UNKNOWN,
        "Unlock your keys first: medlock login, or medlock init --words on a new device.";
    NotShown => codes::CHANGED;
    ..Act;
    ..Server;
    ..Chain;
    ..Wallet;
    ..Device;
} }

lift! { ActError => RegisterError { Server, Chain, Wallet, ..Act } }

/// A published key.
#[derive(Clone, Debug, Serialize)]
pub struct Registered {
    /// From 1.
    pub epoch: u32,
    /// The public key, uncompressed point, hex.
    pub key: String,
    /// The transaction; `None` if the key was on chain already.
    pub settled: Option<Settled>,
}

/// Publishes the first identity key, or says that it is published.
///
/// # Errors
/// [`RegisterError::Foreign`] if the newest key on chain is not of this seed; refusals of wallet, server and chain.
pub async fn register(
    client: &Client,
    wallet: &dyn Wallet,
    keys: &Keys,
    way: Way,
) -> Result<Registered, RegisterError> {
    client.chain().verify_deployment().await?;
    // The chain may have changed since the keys were unlocked.
    let keys = keys.compared_again(client.chain()).await?;
    if keys.epochs().is_newest_foreign() {
        return Err(RegisterError::Foreign { epoch: keys.epochs().newest() });
    }
    match keys.epochs().newest_own() {
        Some(epoch) => Ok(Registered { epoch, key: keys.identity().public_key().to_string(), settled: None }),
        None => publish(client, wallet, keys.next_identity().public_key(), 0, way).await,
    }
}

/// Publishes the seed's key of the next epoch, whatever the chain has now: after somebody else's key was registered in
/// this person's name, or to change the key.
///
/// # Errors
/// Refusals of wallet, server and chain, among them `stale_state` if another key was registered meanwhile.
pub async fn register_next(
    client: &Client,
    wallet: &dyn Wallet,
    keys: &Keys,
    way: Way,
) -> Result<Registered, RegisterError> {
    client.chain().verify_deployment().await?;
    let keys = keys.compared_again(client.chain()).await?;
    let registered = publish(client, wallet, keys.next_identity().public_key(), keys.epochs().newest(), way).await?;
    let keys = keys.compared_again(client.chain()).await?;
    own_key::keep(client, keys.owner(), keys.identity().public_key())?;
    Ok(registered)
}

/// Publishes the own key that this device has kept again, as the next epoch: for a wallet without an open keyring.
///
/// # Errors
/// [`RegisterError::OwnKeyUnknown`] if the keys were never unlocked on this device; refusals of wallet, server and chain.
pub async fn register_kept(client: &Client, wallet: &dyn Wallet, way: Way) -> Result<Registered, RegisterError> {
    client.chain().verify_deployment().await?;
    let key = own_key::find_kept(client)?.ok_or(RegisterError::OwnKeyUnknown)?;
    match own_key::compare(client, &key).await? {
        own_key::OnChain::Own(epoch) => Ok(Registered { epoch, key: key.to_string(), settled: None }),
        own_key::OnChain::Nothing => publish(client, wallet, &key, 0, way).await,
        own_key::OnChain::Other(epoch) => publish(client, wallet, &key, epoch, way).await,
    }
}

async fn publish(
    client: &Client,
    wallet: &dyn Wallet,
    key: &PublicKey,
    replaces: u32,
    way: Way,
) -> Result<Registered, RegisterError> {
    let owner = client.address();
    let action = Action::RegisterKey(RegisterKey {
        owner,
        slot: SLOT_IDENTITY,
        epoch: replaces,
        kem: KEM_X_WING,
        key: key.as_bytes().to_vec().into(),
        nonce: new_nonce(),
        deadline: new_deadline(client).await?,
    });
    let settled = carry_out(client, wallet, action, way).await?;
    let epoch = replaces + 1;
    let history = client.chain().key_history(owner).await?;
    if history.hashes.get(&epoch) != Some(&key.hash()) {
        return Err(RegisterError::NotShown);
    }
    Ok(Registered { epoch, key: key.to_string(), settled: Some(settled) })
}
