//! The encryption keys of other people: taken from the chain, and compared with what the server says.

use alloy::primitives::Address;
use protocol::{codes::KEM_X_WING, identity::PublicKey};

use crate::{
    chain::ChainError,
    client::Client,
    error::{Cause, codes, failure},
};

/// Why nothing can be sealed to somebody.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// The server gives another key than the chain.
    #[error("The server gives another encryption key for {owner} than the chain.")]
    WrongAnswer {
        /// Whose key.
        owner: Address,
        /// The cause, if there is one.
        source: Option<Cause>,
    },
    /// The chain has no key, or cannot be asked.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

failure! { PublicKeyError {
    WrongAnswer => codes::WRONG_PUBLIC_KEY;
    ..Chain;
} }

/// The current public key of somebody and its epoch.
///
/// The chain decides. A server that names another key for the same epoch is lying or broken, and everything stops: it
/// could have had us seal to itself.
///
/// # Errors
/// [`PublicKeyError::WrongAnswer`]; [`ChainError::NoHistory`] if neither node nor server has the bytes.
pub async fn public_key(client: &Client, owner: Address) -> Result<(PublicKey, u32), PublicKeyError> {
    let on_chain = client.chain().public_key(owner);
    let on_server = async {
        match client.api() {
            // The chain suffices: a server that does not answer here is no obstacle.
            Ok(api) if client.is_signed_in() => api.find_key(owner).await.ok().flatten(),
            _ => None,
        }
    };
    let (on_chain, on_server) = tokio::join!(on_chain, on_server);
    let wrong = |source| PublicKeyError::WrongAnswer { owner, source };
    match (on_chain, on_server) {
        (Ok((key, epoch)), Some(answer)) => {
            let contradicts = answer.owner != owner
                || answer.epoch > epoch
                || (answer.epoch == epoch && answer.key[..] != key.as_bytes()[..]);
            if contradicts { Err(wrong(None)) } else { Ok((key, epoch)) }
        }
        (Ok(found), None) => Ok(found),
        // The node has given up the event, but the contract still has the hash.
        (Err(error @ ChainError::NoHistory(_)), Some(answer)) => {
            let stored = client.chain().find_key(owner).await?.ok_or(error)?;
            let key = PublicKey::from_bytes(&answer.key).map_err(|error| wrong(Some(error.into())))?;
            if key.hash() == stored.hash && stored.kem == KEM_X_WING {
                Ok((key, stored.epoch))
            } else {
                Err(wrong(None))
            }
        }
        (Err(error), _) => Err(error.into()),
    }
}
