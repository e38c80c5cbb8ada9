//! Publishing the identity key, and publishing it again where the chain's newest is somebody else's.

use protocol::{
    codes::{KEM_X_WING, SLOT_IDENTITY},
    identity::PublicKey,
    messages::{Action, RegisterKey},
};
use serde::Serialize;

use crate::{
    act::{Settled, Way, carry_out, new_deadline, new_nonce},
    client::Client,
    error::{ClientError, Kind},
    own_key,
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
/// What wallet, server and chain refuse; [`Kind::ForeignKey`] if the newest key on chain is not of this seed.
pub async fn register(client: &Client, wallet: &dyn Wallet, keys: &Keys, way: Way) -> Result<Registered, ClientError> {
    client.chain().verify_deployment().await?;
    // What the chain has may have changed since the keys were unlocked.
    let keys = keys.compared_again(client.chain()).await?;
    if keys.epochs().is_newest_foreign() {
        return Err(foreign(keys.epochs().newest()));
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
/// What wallet, server and chain refuse, among them `stale_state` if another key was registered meanwhile.
pub async fn register_next(
    client: &Client,
    wallet: &dyn Wallet,
    keys: &Keys,
    way: Way,
) -> Result<Registered, ClientError> {
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
/// [`Kind::OwnKeyUnknown`] if the keys were never unlocked on this device, and what wallet, server and chain refuse.
pub async fn register_kept(client: &Client, wallet: &dyn Wallet, way: Way) -> Result<Registered, ClientError> {
    client.chain().verify_deployment().await?;
    let key = own_key::find_kept(client)?.ok_or_else(|| {
        ClientError::new(Kind::OwnKeyUnknown, "This device does not know which encryption key is yours.")
            .remedy("Unlock your keys first: medlock login, or medlock init --words on a new device.")
    })?;
    match own_key::compare(client, &key).await? {
        own_key::OnChain::Own(epoch) => Ok(Registered { epoch, key: key.to_string(), settled: None }),
        own_key::OnChain::Nothing => publish(client, wallet, &key, 0, way).await,
        own_key::OnChain::Other(epoch) => publish(client, wallet, &key, epoch, way).await,
    }
}

/// What is said when the chain's newest key is not of the seed.
pub(crate) fn foreign(epoch: u32) -> ClientError {
    ClientError::new(
        Kind::ForeignKey,
        format!("The chain's newest encryption key for your address (epoch {epoch}) is not one of yours."),
    )
    .remedy(
        "If you set medlock up with other recovery words elsewhere, use those. Else somebody else registered it: \
         run medlock key register.",
    )
}

async fn publish(
    client: &Client,
    wallet: &dyn Wallet,
    key: &PublicKey,
    replaces: u32,
    way: Way,
) -> Result<Registered, ClientError> {
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
        return Err(ClientError::new(Kind::Changed, "The chain does not show the key just published."));
    }
    Ok(Registered { epoch, key: key.to_string(), settled: Some(settled) })
}
