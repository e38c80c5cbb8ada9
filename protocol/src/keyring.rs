//! The keyring: a seed, encrypted once for each unlocker.
//!
//! For an entry with context `c` = version 1 ‖ chain id 8 ‖ owner 20 ‖ unlocker (see [`Unlocker`]):
//!
//! ```text
//! key        = HKDF-Expand(KEK, "medlock/v1/keyring-key\0" ‖ c)
//! commitment = HKDF-Expand(KEK, "medlock/v1/keyring-commitment\0" ‖ c)
//! ciphertext = AES-256-GCM(key, nonce, aad = c, seed)
//! ```
//!
//! The commitment is compared before decryption, because with AES-GCM alone one ciphertext could open under two keys.
//! The bytes are JSON; the server that stores them cannot open them. Kinds of unlockers reserved for later:
//! `passkey`, `device`, `guardians`.

mod passphrase;
mod wallet;
mod wallet_file;

pub use passphrase::{MAX_PASSPHRASE_LEN, MIN_PASSPHRASE_CHARS, PassphraseParams};
pub use wallet::{UNLOCK_STATEMENT, WalletMessage, same_signature};
pub use wallet_file::{MAX_WALLET_FILE_LEN, WalletFile, check_new_passphrase};

use alloy::primitives::{Address, B256};
use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    kdf, sealed_box,
    secret::{KeyEncryptionKey, Seed},
};

/// The longest keyring, in bytes of JSON.
pub const MAX_KEYRING_LEN: usize = 64 * 1024;
/// The largest number of entries.
pub const MAX_ENTRIES: usize = 16;
/// The largest number of passphrase entries. A reader must run Argon2id for each of them.
pub const MAX_PASSPHRASES: usize = 4;
const VERSION: u8 = 1;

/// The reason why a keyring cannot be read, opened or extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// The bytes are not the JSON of a keyring of this version, or a part is out of range.
    #[error("malformed keyring")]
    Malformed,
    /// The keyring belongs to another owner or chain.
    #[error("the keyring belongs to another account or chain")]
    OtherOwner,
    /// This passphrase or signature opens no entry.
    #[error("the passphrase or signature is wrong")]
    NoMatch,
    /// An entry has the right commitment but cannot be decrypted, or it contains another seed than the other entries.
    #[error("the keyring was changed")]
    Tag,
    /// The keyring already has [`MAX_ENTRIES`] entries or [`MAX_PASSPHRASES`] passphrase entries.
    #[error("the keyring is full")]
    Full,
    /// The passphrase is shorter than [`MIN_PASSPHRASE_CHARS`] characters or longer than [`MAX_PASSPHRASE_LEN`] bytes.
    #[error("the passphrase is too short or too long")]
    PassphraseLength,
    /// The signature over the unlock message was not made by the owner's key.
    #[error("the unlock message was not signed by this account")]
    InvalidSignature,
    /// The wallet makes a different signature of the same message each time, so it cannot be an unlocker.
    #[error("this wallet signs the same message differently each time, so it cannot unlock")]
    UnstableSignature,
    /// The memory that Argon2id needs could not be allocated.
    #[error("there is not enough memory to derive the key from the passphrase")]
    Memory,
}

/// The way in which an entry is opened.
///
/// As bytes in the context: kind 1 ‖ parameters. Wallet: `01` ‖ SHA-256(message). Passphrase: `02` ‖ memory KiB 4 ‖
/// iterations 4 ‖ lanes 4 ‖ salt 16.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Unlocker {
    /// The wallet signs this exact message; see [`WalletMessage`].
    Wallet {
        /// The text that was signed when the unlocker was added.
        message: WalletMessage,
    },
    /// A passphrase and Argon2id.
    Passphrase(PassphraseParams),
}

impl Unlocker {
    fn context(&self, chain_id: u64, owner: Address) -> Vec<u8> {
        let mut context = vec![VERSION];
        context.extend_from_slice(&chain_id.to_be_bytes());
        context.extend_from_slice(owner.as_slice());
        match self {
            Self::Wallet { message } => {
                context.push(1);
                context.extend_from_slice(message.digest().as_slice());
            }
            Self::Passphrase(params) => {
                context.push(2);
                context.extend_from_slice(&params.to_bytes());
            }
        }
        context
    }
}

/// The seed, encrypted for one unlocker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    unlocker: Unlocker,
    #[serde(with = "crate::hex_text")]
    nonce: alloy::primitives::FixedBytes<12>,
    #[serde(with = "crate::hex_text")]
    commitment: B256,
    #[serde(with = "crate::hex_text")]
    ciphertext: alloy::primitives::FixedBytes<48>,
}

impl Entry {
    fn wrap(
        seed: &Seed,
        unlocker: Unlocker,
        kek: &KeyEncryptionKey,
        chain_id: u64,
        owner: Address,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let context = unlocker.context(chain_id, owner);
        let key = kdf::expand(kek.expose(), kdf::KEYRING_KEY, &[&context]);
        let commitment = *kdf::expand(kek.expose(), kdf::KEYRING_COMMITMENT, &[&context]);
        let mut nonce = [0; 12];
        rng.fill_bytes(&mut nonce);
        let ciphertext = sealed_box::encrypt(&key, &nonce, &context, seed.expose());
        Self {
            unlocker,
            nonce: nonce.into(),
            commitment: commitment.into(),
            ciphertext: alloy::primitives::FixedBytes::from_slice(&ciphertext),
        }
    }

    fn open(&self, kek: &KeyEncryptionKey, chain_id: u64, owner: Address) -> Result<Seed, KeyringError> {
        let context = self.unlocker.context(chain_id, owner);
        let commitment = *kdf::expand(kek.expose(), kdf::KEYRING_COMMITMENT, &[&context]);
        if !bool::from(commitment.ct_eq(&self.commitment.0)) {
            return Err(KeyringError::NoMatch);
        }
        let key = kdf::expand(kek.expose(), kdf::KEYRING_KEY, &[&context]);
        let seed =
            sealed_box::decrypt(&key, &self.nonce.0, &context, self.ciphertext.as_slice()).ok_or(KeyringError::Tag)?;
        let seed = Zeroizing::new(<[u8; 32]>::try_from(seed.as_slice()).map_err(|_| KeyringError::Tag)?);
        Ok(Seed::from_bytes(*seed))
    }

    /// Returns the unlocker of the entry.
    #[must_use]
    pub const fn unlocker(&self) -> &Unlocker {
        &self.unlocker
    }
}

/// A person's keyring. Contains no unencrypted secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyring {
    version: u8,
    chain_id: u64,
    #[serde(with = "crate::hex_text")]
    owner: Address,
    entries: Vec<Entry>,
}

impl Keyring {
    /// Returns a keyring without entries, which cannot be opened yet.
    #[must_use]
    pub const fn new(chain_id: u64, owner: Address) -> Self {
        Self { version: VERSION, chain_id, owner, entries: Vec::new() }
    }

    /// Parses stored JSON and checks that it belongs to this owner.
    ///
    /// # Errors
    /// [`KeyringError::Malformed`], also for unknown fields and parameters out of range; [`KeyringError::OtherOwner`].
    pub fn from_json(json: &[u8], chain_id: u64, owner: Address) -> Result<Self, KeyringError> {
        if json.len() > MAX_KEYRING_LEN {
            return Err(KeyringError::Malformed);
        }
        let keyring: Self = serde_json::from_slice(json).map_err(|_| KeyringError::Malformed)?;
        let too_many = keyring.entries.len() > MAX_ENTRIES || keyring.passphrases() > MAX_PASSPHRASES;
        if keyring.version != VERSION || too_many {
            return Err(KeyringError::Malformed);
        }
        if keyring.chain_id != chain_id || keyring.owner != owner {
            return Err(KeyringError::OtherOwner);
        }
        let of_owner = |entry: &Entry| match &entry.unlocker {
            Unlocker::Wallet { message } => message.owner == owner && message.chain_id == chain_id,
            Unlocker::Passphrase(params) => params.is_in_range(),
        };
        if keyring.entries.iter().all(of_owner) { Ok(keyring) } else { Err(KeyringError::Malformed) }
    }

    /// Returns the JSON to store.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("a keyring is texts and numbers")
    }

    /// Returns the entries.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the messages of the wallet entries. The owner signs one with `personal_sign` to unlock.
    pub fn wallet_messages(&self) -> impl Iterator<Item = &WalletMessage> {
        self.entries.iter().filter_map(|entry| match &entry.unlocker {
            Unlocker::Wallet { message } => Some(message),
            Unlocker::Passphrase(_) => None,
        })
    }

    /// Returns whether an entry has a passphrase.
    #[must_use]
    pub fn has_passphrase(&self) -> bool {
        self.passphrases() > 0
    }

    /// Adds a wallet unlocker. The wallet has signed `message` twice; each signature is 65 bytes `r ‖ s ‖ v`.
    ///
    /// # Errors
    /// [`KeyringError::UnstableSignature`] when the two signatures differ, [`KeyringError::InvalidSignature`],
    /// [`KeyringError::OtherOwner`], [`KeyringError::Full`].
    pub fn add_wallet(
        &mut self,
        seed: &Seed,
        message: WalletMessage,
        first: &[u8],
        second: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<(), KeyringError> {
        if message.owner != self.owner || message.chain_id != self.chain_id {
            return Err(KeyringError::OtherOwner);
        }
        if !same_signature(first, second)? {
            return Err(KeyringError::UnstableSignature);
        }
        let kek = wallet::key_encryption_key(&message, first)?;
        self.add(seed, Unlocker::Wallet { message }, &kek, rng)
    }

    /// Adds a passphrase unlocker with the parameters of SPEC.md. Takes about half a second.
    ///
    /// # Errors
    /// [`KeyringError::PassphraseLength`], [`KeyringError::Full`], [`KeyringError::Memory`].
    pub fn add_passphrase(
        &mut self,
        seed: &Seed,
        passphrase: &str,
        rng: &mut impl CryptoRng,
    ) -> Result<(), KeyringError> {
        passphrase::check_length(passphrase)?;
        if self.passphrases() == MAX_PASSPHRASES {
            return Err(KeyringError::Full);
        }
        let params = PassphraseParams::generate(rng);
        let kek = params.key_encryption_key(passphrase)?;
        self.add(seed, Unlocker::Passphrase(params), &kek, rng)
    }

    /// Opens the entry whose message the wallet has signed.
    ///
    /// # Errors
    /// [`KeyringError::InvalidSignature`], [`KeyringError::NoMatch`], [`KeyringError::Tag`].
    pub fn open_with_wallet(&self, message: &WalletMessage, signature: &[u8]) -> Result<Seed, KeyringError> {
        let entry = self
            .entries
            .iter()
            .find(|entry| matches!(&entry.unlocker, Unlocker::Wallet { message: stored } if stored == message))
            .ok_or(KeyringError::NoMatch)?;
        entry.open(&wallet::key_encryption_key(message, signature)?, self.chain_id, self.owner)
    }

    /// Opens the first entry that this passphrase opens. The Argon2id parameters were checked when the keyring was
    /// read.
    ///
    /// # Errors
    /// [`KeyringError::NoMatch`], [`KeyringError::Tag`], [`KeyringError::Memory`].
    pub fn open_with_passphrase(&self, passphrase: &str) -> Result<Seed, KeyringError> {
        for entry in &self.entries {
            let Unlocker::Passphrase(params) = &entry.unlocker else { continue };
            match entry.open(&params.key_encryption_key(passphrase)?, self.chain_id, self.owner) {
                Err(KeyringError::NoMatch) => {}
                other => return other,
            }
        }
        Err(KeyringError::NoMatch)
    }

    /// Removes an entry. Returns `false` when there is none at this index. The seed does not change.
    pub fn remove(&mut self, index: usize) -> bool {
        let exists = index < self.entries.len();
        if exists {
            self.entries.remove(index);
        }
        exists
    }

    fn passphrases(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry.unlocker, Unlocker::Passphrase(_))).count()
    }

    fn add(
        &mut self,
        seed: &Seed,
        unlocker: Unlocker,
        kek: &KeyEncryptionKey,
        rng: &mut impl CryptoRng,
    ) -> Result<(), KeyringError> {
        if self.entries.len() == MAX_ENTRIES {
            return Err(KeyringError::Full);
        }
        self.entries.push(Entry::wrap(seed, unlocker, kek, self.chain_id, self.owner, rng));
        Ok(())
    }
}
