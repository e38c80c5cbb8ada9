//! Signing in: the challenge, the one message we sign, the token, and the P-256 session key that signs read requests.

use alloy::primitives::Address;

use crate::{client::Client, error::ClientError, wallet::Wallet};

/// A session. Token and key are wiped when it is dropped; the file in `MEDLOCK_HOME` has mode 0600.
pub struct Session {
    address: Address,
    expires_at: u64,
}

impl Session {
    /// Who is signed in.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Unix seconds.
    #[must_use]
    pub const fn expires_at(&self) -> u64 {
        self.expires_at
    }
}

/// Signs in and keeps the session; puts the keyring back if the server has none.
///
/// # Errors
/// [`crate::Kind::SuspiciousChallenge`] if the server asks for another chain or site; what wallet and server refuse.
pub async fn login(client: &Client, wallet: &dyn Wallet) -> Result<Session, ClientError> {
    let _ = (client, wallet);
    Err(crate::error::being_written())
}

/// The session of this device.
///
/// # Errors
/// [`crate::Kind::NoSession`] if there is none or it has ended.
pub fn current(client: &Client) -> Result<Session, ClientError> {
    let _ = client;
    Err(crate::error::being_written())
}

/// Ends the session, here and at the server. Says whether the server was told.
///
/// # Errors
/// [`crate::Kind::LocalFile`].
pub async fn logout(client: &Client) -> Result<bool, ClientError> {
    let _ = client;
    Err(crate::error::being_written())
}
