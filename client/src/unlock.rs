//! The seed: making it, wrapping it in the keyring, unlocking it, and its recovery words.

use alloy::primitives::Address;
use secrecy::SecretString;
use serde::Serialize;

use crate::{client::Client, error::ClientError, wallet::Wallet};

/// A person's unlocked keys. Wiped when dropped, never printed.
pub struct Keys {
    owner: Address,
    epoch: u32,
}

impl Keys {
    /// Whose keys.
    #[must_use]
    pub const fn owner(&self) -> Address {
        self.owner
    }

    /// Epoch of the published identity key; 0 while none is published.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }
}

/// By what the keyring is opened.
#[derive(Clone, Copy)]
pub enum Unlocker<'a> {
    /// The wallet signs the keyring's own message.
    Wallet(&'a dyn Wallet),
    /// A passphrase.
    Passphrase(&'a SecretString),
}

/// What `init` made.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct NewKeyring {
    /// Whether the wallet can unlock it; a wallet that does not sign deterministically cannot.
    pub wallet_unlocks: bool,
    /// Whether the server has a copy.
    pub on_server: bool,
}

/// Makes a seed and its keyring with two unlockers, wallet and passphrase.
///
/// # Errors
/// [`crate::Kind::AlreadySetUp`] if this device or the server has a keyring, or the chain a key of this address.
pub async fn init(client: &Client, wallet: &dyn Wallet, passphrase: &SecretString) -> Result<(Keys, NewKeyring), ClientError> {
    let _ = (client, wallet, passphrase);
    Err(crate::error::being_written())
}

/// Opens the keyring (this device's copy, else the server's) and compares the derived key with the chain.
///
/// # Errors
/// [`crate::Kind::NoKeyring`], [`crate::Kind::NotUnlocked`], [`crate::Kind::WrongKeys`].
pub async fn unlock(client: &Client, unlocker: Unlocker<'_>) -> Result<Keys, ClientError> {
    let _ = (client, unlocker);
    Err(crate::error::being_written())
}

/// Makes the keyring again from the recovery words, on a device that has none.
///
/// # Errors
/// [`crate::Kind::InvalidWords`], [`crate::Kind::WrongKeys`] if the chain has another key for this address.
pub async fn init_from_words(
    client: &Client,
    wallet: &dyn Wallet,
    passphrase: &SecretString,
    words: &SecretString,
) -> Result<(Keys, NewKeyring), ClientError> {
    let _ = (client, wallet, passphrase, words);
    Err(crate::error::being_written())
}

/// What a person needs to restore everything, to be printed or written down.
pub struct Kit {
    /// The seed as 24 words.
    pub words: SecretString,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Whose.
    pub owner: Address,
}

/// The recovery kit.
#[must_use]
pub fn kit(client: &Client, keys: &Keys) -> Kit {
    Kit { words: SecretString::default(), chain_id: client.deployment().chain_id, owner: keys.owner }
}

/// Which words to ask for as a proof that they were saved: three different places, counted from 1.
#[must_use]
pub fn places_to_prove() -> [usize; 3] {
    [1, 2, 3]
}

/// Records that the person has saved the words: each answer is a place (from 1) and the word there.
///
/// # Errors
/// [`crate::Kind::InvalidWords`] if one is wrong or fewer than three places are answered.
pub fn prove_saved(client: &Client, keys: &Keys, answers: &[(usize, String)]) -> Result<(), ClientError> {
    let _ = (client, keys, answers);
    Err(crate::error::being_written())
}

/// Whether the words were saved and proved on this device.
///
/// # Errors
/// [`crate::Kind::LocalFile`].
pub fn is_saved(client: &Client) -> Result<bool, ClientError> {
    let _ = client;
    Err(crate::error::being_written())
}

/// Gives the server this device's copy of the keyring if it has none. Says whether it did.
///
/// # Errors
/// What the server refuses; [`crate::Kind::NoKeyring`].
pub async fn put_back(client: &Client) -> Result<bool, ClientError> {
    let _ = client;
    Err(crate::error::being_written())
}
