//! Giving a new or emptied server again what only the patient can make: release shares, bundles, keyring.

use serde::Serialize;

use crate::{client::Client, error::ClientError, progress::Progress, unlock::Keys};

/// What was given.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Reissued {
    /// Release shares deposited.
    pub release_shares: usize,
    /// Bundles put in again, byte for byte as the chain names them.
    pub bundles: usize,
    /// WRITE grants told again.
    pub write_grants: usize,
    /// Grants on chain whose grantee was not found among the registered key owners.
    pub unknown_grants: usize,
    /// Bundles that no longer hash to what the chain names: to be granted anew.
    pub changed_bundles: usize,
    /// Whether the keyring was put back.
    pub keyring: bool,
}

/// Gives the server everything again. Grantees are found by trying the owner of every key on chain.
///
/// # Errors
/// What the server refuses.
pub async fn reissue(client: &Client, keys: &Keys, progress: &Progress) -> Result<Reissued, ClientError> {
    let _ = (client, keys, progress);
    Err(crate::error::being_written())
}
