//! Wallets: who signs and, for `--direct`, sends. A wallet's key signs and never encrypts.

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
    messages::{Action, SignedAction},
};
use secrecy::{ExposeSecret, SecretString};

use crate::error::{ClientError, Kind};

/// What is about to be signed, in one sentence.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// What the signature allows.
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
    async fn sign_message(&self, text: &str, wish: Wish<'_>) -> Result<Bytes, ClientError>;

    /// Signs the hash of an EIP-712 message; the same form of signature.
    async fn sign_typed(&self, hash: B256, wish: Wish<'_>) -> Result<Bytes, ClientError>;

    /// What signs transactions, if this wallet can send (`--direct`).
    fn sender(&self) -> Option<EthereumWallet>;

    /// Asks the person whether something may be sent; transactions show what they do like signatures.
    fn confirm(&self, wish: Wish<'_>) -> Result<(), ClientError>;

    /// Signs one action.
    async fn sign_action(&self, action: Action, deployment: &Deployment) -> Result<SignedAction, ClientError> {
        let sentence = action.sentence();
        let signature = self.sign_typed(action.signing_hash(deployment), Wish { sentence: &sentence }).await?;
        Ok(SignedAction { action, signature })
    }
}

/// A wallet whose key lies in an encrypted Web3 keystore on this device.
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
    /// [`Kind::InvalidWords`].
    pub fn from_private_key(hex: &SecretString) -> Result<Self, ClientError> {
        // The cause would repeat a part of the key.
        let signer = hex.expose_secret().trim().parse::<PrivateKeySigner>().map_err(|_| {
            ClientError::new(Kind::InvalidWords, "This is not a private key.").remedy("Use a file with 64 hex digits.")
        })?;
        Ok(Self { signer, confirm: None })
    }

    /// The key at `m/44'/60'/0'/0/index` of a mnemonic (BIP-39, BIP-44).
    ///
    /// # Errors
    /// [`Kind::InvalidWords`].
    pub fn from_mnemonic(words: &SecretString, index: u32) -> Result<Self, ClientError> {
        let invalid = |error| ClientError::new(Kind::InvalidWords, "These words are not a mnemonic.").because(error);
        let signer = MnemonicBuilder::<English>::default()
            .phrase(words.expose_secret().trim())
            .index(index)
            .map_err(invalid)?
            .build()
            .map_err(invalid)?;
        Ok(Self { signer, confirm: None })
    }

    /// Opens a Web3 keystore.
    ///
    /// # Errors
    /// [`Kind::NoWallet`], [`Kind::WrongPassphrase`].
    pub fn from_keystore(path: &Path, passphrase: &SecretString) -> Result<Self, ClientError> {
        if !path.exists() {
            return Err(ClientError::new(Kind::NoWallet, format!("There is no keystore {}.", path.display())));
        }
        let signer = PrivateKeySigner::decrypt_keystore(path, passphrase.expose_secret().as_bytes())
            .map_err(|error| ClientError::new(Kind::WrongPassphrase, "The keystore does not open.").because(error))?;
        Ok(Self { signer, confirm: None })
    }

    /// Writes a Web3 keystore (scrypt), mode 0600.
    ///
    /// # Errors
    /// [`Kind::LocalFile`], [`Kind::FileExists`].
    pub fn save_keystore(&self, path: &Path, passphrase: &SecretString) -> Result<(), ClientError> {
        if path.exists() {
            return Err(ClientError::new(Kind::FileExists, format!("{} exists already.", path.display())));
        }
        let parent = path.parent().expect("a keystore lies in a directory");
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            ClientError::new(Kind::LocalFile, format!("{} cannot be written.", path.display())).because(error)
        };
        // The library writes under its own name with the default mode: so into a private directory, then to its place.
        let dir = tempfile::Builder::new().prefix(".medlock-").tempdir_in(parent).map_err(|e| failed(e.into()))?;
        let key = zeroize::Zeroizing::new(self.signer.to_bytes().0);
        PrivateKeySigner::encrypt_keystore(
            dir.path(),
            &mut alloy::signers::k256::elliptic_curve::rand_core::OsRng,
            key.as_slice(),
            passphrase.expose_secret().as_bytes(),
            Some("wallet"),
        )
        .map_err(|e| failed(e.into()))?;
        let bytes = std::fs::read(dir.path().join("wallet")).map_err(|e| failed(e.into()))?;
        crate::home::write_atomically(path, &bytes).map_err(|e| failed(e.into()))
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

    async fn sign_message(&self, text: &str, wish: Wish<'_>) -> Result<Bytes, ClientError> {
        self.confirm(wish)?;
        let signature = self.signer.sign_message_sync(text.as_bytes()).map_err(refused)?;
        Ok(signature.as_bytes().into())
    }

    async fn sign_typed(&self, hash: B256, wish: Wish<'_>) -> Result<Bytes, ClientError> {
        self.confirm(wish)?;
        let signature = self.signer.sign_hash_sync(&hash).map_err(refused)?;
        Ok(signature.as_bytes().into())
    }

    fn sender(&self) -> Option<EthereumWallet> {
        Some(EthereumWallet::from(self.signer.clone()))
    }

    fn confirm(&self, wish: Wish<'_>) -> Result<(), ClientError> {
        match &self.confirm {
            Some(confirm) if !confirm(wish) => {
                Err(ClientError::new(Kind::NotConfirmed, "You did not agree; nothing was signed."))
            }
            _ => Ok(()),
        }
    }
}

fn refused(error: alloy::signers::Error) -> ClientError {
    ClientError::new(Kind::Wallet, "The wallet did not sign.").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keystore_opens_with_its_passphrase_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("wallet.json");
        let wallet = LocalWallet::generate();
        wallet.save_keystore(&path, &"right".into()).unwrap();
        let again = LocalWallet::from_keystore(&path, &"right".into()).unwrap();
        assert_eq!(again.address(), wallet.address());
        let refused = LocalWallet::from_keystore(&path, &"wrong".into()).err().unwrap();
        assert_eq!(refused.code(), "wrong_passphrase");
        assert_eq!(wallet.save_keystore(&path, &"right".into()).unwrap_err().code(), "file_exists");
    }

    #[tokio::test]
    async fn nothing_is_signed_without_consent() {
        let wallet = LocalWallet::generate().confirmed_by(std::sync::Arc::new(|wish| wish.sentence != "no"));
        assert!(wallet.sign_message("x", Wish { sentence: "yes" }).await.is_ok());
        let refused = wallet.sign_typed(B256::ZERO, Wish { sentence: "no" }).await.unwrap_err();
        assert_eq!(refused.code(), "not_confirmed");
    }
}
