//! Wallets: who signs and, for `--direct`, sends. A wallet's key signs and never encrypts.

mod error;
mod older;

pub use error::WalletError;
pub(crate) use older::is_older;

use std::path::Path;

use alloy::{
    network::EthereumWallet,
    primitives::{Address, B256, Bytes},
    signers::{
        SignerSync,
        local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English},
    },
};
use async_trait::async_trait;
use protocol::{
    deployment::Deployment,
    keyring::{KeyringError, WalletFile},
    messages::{Action, SignedAction},
};
use secrecy::{ExposeSecret, SecretString};

use crate::home::local_file;

/// The wallet file in a `MEDLOCK_HOME`.
pub const WALLET_FILE: &str = "wallet.json";

/// The content of a signature, shown before it is made.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// One sentence that says what the signature allows.
    pub sentence: &'a str,
}

/// Asks the person before each signature; says whether they agree.
pub type Confirm = std::sync::Arc<dyn Fn(Wish<'_>) -> bool + Send + Sync>;

/// A wallet. It is given only messages that this client has built itself.
#[async_trait]
pub trait Wallet: Send + Sync {
    /// Whose wallet it is.
    fn address(&self) -> Address;

    /// Signs text (EIP-191); 65 bytes r ‖ s ‖ v with v 27 or 28, or what the wallet's contract accepts.
    async fn sign_message(&self, text: &str, wish: Wish<'_>) -> Result<Bytes, WalletError>;

    /// Signs the hash of an EIP-712 message; the same form of signature.
    async fn sign_typed(&self, hash: B256, wish: Wish<'_>) -> Result<Bytes, WalletError>;

    /// Returns the signer of transactions, if this wallet can send (`--direct`).
    fn sender(&self) -> Option<EthereumWallet>;

    /// Asks the person whether something may be sent; transactions show what they do like signatures.
    fn confirm(&self, wish: Wish<'_>) -> Result<(), WalletError>;

    /// Signs one action.
    async fn sign_action(&self, action: Action, deployment: &Deployment) -> Result<SignedAction, WalletError> {
        let sentence = action.sentence();
        let signature = self.sign_typed(action.signing_hash(deployment), Wish { sentence: &sentence }).await?;
        Ok(SignedAction { action, signature })
    }
}

/// A wallet whose key lies in an encrypted file on this device.
#[derive(Clone)]
pub struct LocalWallet {
    signer: PrivateKeySigner,
    confirm: Option<Confirm>,
}

impl LocalWallet {
    /// A new key.
    #[must_use]
    pub fn generate() -> Self {
        Self { signer: PrivateKeySigner::random(), confirm: None }
    }

    /// A private key in hex, with or without 0x.
    ///
    /// # Errors
    /// [`WalletError::NotAKey`].
    pub fn from_private_key(hex: &SecretString) -> Result<Self, WalletError> {
        let signer = hex.expose_secret().trim().parse::<PrivateKeySigner>().map_err(|_| WalletError::NotAKey)?;
        Ok(Self { signer, confirm: None })
    }

    /// The key at `m/44'/60'/0'/0/index` of a mnemonic (BIP-39, BIP-44).
    ///
    /// # Errors
    /// [`WalletError::NotAMnemonic`].
    pub fn from_mnemonic(words: &SecretString, index: u32) -> Result<Self, WalletError> {
        let invalid = |error: alloy::signers::local::LocalSignerError| WalletError::NotAMnemonic(error.into());
        let signer = MnemonicBuilder::<English>::default()
            .phrase(words.expose_secret().trim())
            .index(index)
            .map_err(invalid)?
            .build()
            .map_err(invalid)?;
        Ok(Self { signer, confirm: None })
    }

    /// Opens a wallet file. One of the older form (a Web3 keystore) is replaced by one of the present form, whose function
    /// is as strong as the keyring's.
    ///
    /// # Errors
    /// [`WalletError::NoFile`], [`WalletError::WrongPassphrase`], and what is wrong with the file.
    pub fn from_file(path: &Path, passphrase: &SecretString) -> Result<Self, WalletError> {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(WalletError::NoFile(path.to_owned()));
            }
            other => other.map_err(|error| local_file(path, error))?,
        };
        if older::is_older(&bytes) {
            let wallet = Self { signer: older::open(path, &bytes, passphrase)?, confirm: None };
            wallet.write(path, passphrase)?;
            return Ok(wallet);
        }
        let file = WalletFile::from_json(&bytes)
            .map_err(|error| WalletError::NotAWallet { path: path.to_owned(), source: error.into() })?;
        let key = file.open(passphrase.expose_secret()).map_err(|error| match error {
            KeyringError::NoMatch => WalletError::WrongPassphrase(None),
            KeyringError::Memory => WalletError::Memory,
            other => WalletError::Changed { path: path.to_owned(), source: other.into() },
        })?;
        let signer = signer_of(&key);
        match signer.filter(|signer| signer.address() == file.address()) {
            Some(signer) => Ok(Self { signer, confirm: None }),
            None => Err(WalletError::OtherKey(path.to_owned())),
        }
    }

    /// Writes a new wallet file, mode 0600.
    ///
    /// # Errors
    /// [`WalletError::PassphraseLength`], [`WalletError::FileExists`], [`WalletError::NotWritten`].
    pub fn save(&self, path: &Path, passphrase: &SecretString) -> Result<(), WalletError> {
        check_new_passphrase(passphrase)?;
        if path.exists() {
            return Err(WalletError::FileExists(path.to_owned()));
        }
        self.write(path, passphrase)
    }

    /// Writes the wallet file again, under another passphrase.
    ///
    /// # Errors
    /// [`WalletError::PassphraseLength`], [`WalletError::NotWritten`].
    pub fn save_again(&self, path: &Path, passphrase: &SecretString) -> Result<(), WalletError> {
        check_new_passphrase(passphrase)?;
        self.write(path, passphrase)
    }

    fn write(&self, path: &Path, passphrase: &SecretString) -> Result<(), WalletError> {
        let failed = |source| WalletError::NotWritten { path: path.to_owned(), source };
        let key = zeroize::Zeroizing::new(self.signer.to_bytes().0);
        let file = WalletFile::seal(self.signer.address(), &key, passphrase.expose_secret(), &mut rand::rng())
            .map_err(|error| failed(error.into()))?;
        crate::home::write_atomically(path, &file.to_json()).map_err(|error| failed(error.into()))
    }

    /// The same wallet, asking the person before each signature and transaction.
    #[must_use]
    pub fn confirmed_by(mut self, confirm: Confirm) -> Self {
        self.confirm = Some(confirm);
        self
    }
}

#[async_trait]
impl Wallet for LocalWallet {
    fn address(&self) -> Address {
        self.signer.address()
    }

    async fn sign_message(&self, text: &str, wish: Wish<'_>) -> Result<Bytes, WalletError> {
        self.confirm(wish)?;
        let signature = self.signer.sign_message_sync(text.as_bytes()).map_err(refused)?;
        Ok(signature.as_bytes().into())
    }

    async fn sign_typed(&self, hash: B256, wish: Wish<'_>) -> Result<Bytes, WalletError> {
        self.confirm(wish)?;
        let signature = self.signer.sign_hash_sync(&hash).map_err(refused)?;
        Ok(signature.as_bytes().into())
    }

    fn sender(&self) -> Option<EthereumWallet> {
        Some(EthereumWallet::from(self.signer.clone()))
    }

    fn confirm(&self, wish: Wish<'_>) -> Result<(), WalletError> {
        match &self.confirm {
            Some(confirm) if !confirm(wish) => Err(WalletError::NotConfirmed),
            _ => Ok(()),
        }
    }
}

/// Checks that keyring and wallet file take a new passphrase; to be called before anything is written.
///
/// # Errors
/// [`WalletError::PassphraseLength`].
pub fn check_new_passphrase(passphrase: &SecretString) -> Result<(), WalletError> {
    protocol::keyring::check_new_passphrase(passphrase.expose_secret())
        .map_err(|error| WalletError::PassphraseLength(error.into()))
}

fn signer_of(key: &[u8; 32]) -> Option<PrivateKeySigner> {
    PrivateKeySigner::from_slice(key).ok()
}

fn refused(error: alloy::signers::Error) -> WalletError {
    WalletError::NotSigned(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Failure;

    #[test]
    fn a_wallet_file_opens_with_its_passphrase_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("wallet.json");
        let wallet = LocalWallet::generate();
        wallet.save(&path, &"the right one".into()).unwrap();
        let again = LocalWallet::from_file(&path, &"the right one".into()).unwrap();
        assert_eq!(again.address(), wallet.address());
        let refused = LocalWallet::from_file(&path, &"the wrong one".into()).err().unwrap();
        assert_eq!(refused.code(), "wrong_passphrase");
        assert_eq!(wallet.save(&path, &"the right one".into()).unwrap_err().code(), "file_exists");
    }

    #[test]
    fn a_passphrase_that_the_keyring_would_refuse_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("wallet.json");
        for passphrase in ["", "ninechars", &"x".repeat(1_025)] {
            assert_eq!(LocalWallet::generate().save(&path, &passphrase.into()).unwrap_err().code(), "usage");
        }
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_names_another_address_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("wallet.json");
        let key = zeroize::Zeroizing::new([7; 32]);
        let file = WalletFile::seal(Address::repeat_byte(1), &key, "the right one", &mut rand::rng()).unwrap();
        std::fs::write(&path, file.to_json()).unwrap();
        assert_eq!(LocalWallet::from_file(&path, &"the right one".into()).err().unwrap().code(), "invalid_wallet");
        std::fs::write(&path, b"{}").unwrap();
        assert_eq!(LocalWallet::from_file(&path, &"the right one".into()).err().unwrap().code(), "invalid_wallet");
    }

    #[tokio::test]
    async fn nothing_is_signed_without_consent() {
        let wallet = LocalWallet::generate().confirmed_by(std::sync::Arc::new(|wish| wish.sentence != "no"));
        assert!(wallet.sign_message("x", Wish { sentence: "yes" }).await.is_ok());
        let refused = wallet.sign_typed(B256::ZERO, Wish { sentence: "no" }).await.unwrap_err();
        assert_eq!(refused.code(), "not_confirmed");
    }
}
