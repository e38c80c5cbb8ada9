//! Private names: an address book encrypted under the seed.

use alloy::primitives::Address;
use serde::Serialize;

use crate::{client::Client, error::ClientError, unlock::Keys};

/// One private name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// Whose.
    #[serde(with = "protocol::hex_text")]
    pub address: Address,
    /// How the person calls them.
    pub name: String,
}

/// All private names, sorted by name. Keeps a copy on this device and works from it when the server has none.
///
/// # Errors
/// [`crate::Kind::InvalidAddressBook`].
pub async fn list(client: &Client, keys: &Keys) -> Result<Vec<Contact>, ClientError> {
    let _ = (client, keys);
    Err(crate::error::being_written())
}

/// Names somebody, or renames them. Merges with what another device wrote meanwhile.
///
/// # Errors
/// [`crate::Kind::InvalidAddressBook`], [`crate::Kind::Contended`].
pub async fn put(client: &Client, keys: &Keys, contact: Contact) -> Result<(), ClientError> {
    let _ = (client, keys, contact);
    Err(crate::error::being_written())
}

/// Forgets a name. Says whether it was there.
///
/// # Errors
/// [`crate::Kind::InvalidAddressBook`], [`crate::Kind::Contended`].
pub async fn remove(client: &Client, keys: &Keys, address: Address) -> Result<bool, ClientError> {
    let _ = (client, keys, address);
    Err(crate::error::being_written())
}
