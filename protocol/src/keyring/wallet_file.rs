//! The wallet file of the command line: the wallet's private key, protected by the same function as the keyring (SPEC,
//! section 7).
//!
//! The two may have the same passphrase. A weaker function for the wallet file would make the keyring's passphrase
//! easier to guess.

use alloy::primitives::{Address, B256, FixedBytes};
use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{KeyringError, PassphraseParams, passphrase};
use crate::{kdf, sealed_box};

const VERSION: u8 = 1;
/// The longest wallet file, in bytes of JSON.
pub const MAX_WALLET_FILE_LEN: usize = 4 * 1024;

/// A wallet's private key, encrypted with a passphrase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalletFile {
    version: u8,
    #[serde(with = "crate::hex_text")]
    address: Address,
    passphrase: PassphraseParams,
    #[serde(with = "crate::hex_text")]
    nonce: FixedBytes<12>,
    #[serde(with = "crate::hex_text")]
    commitment: B256,
    #[serde(with = "crate::hex_text")]
    ciphertext: FixedBytes<48>,
}

impl WalletFile {
    /// Encrypts a private key with the parameters of SPEC.md and a new salt. Does not check the minimum length of the
    /// passphrase; the caller does, because an older file is replaced even when its passphrase is short. Takes about
    /// half a second.
    ///
    /// # Errors
    /// [`KeyringError::Malformed`] for a passphrase that is longer than a keyring accepts, [`KeyringError::Memory`].
    pub fn seal(
        address: Address,
        private_key: &Zeroizing<[u8; 32]>,
        passphrase: &str,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, KeyringError> {
        let params = PassphraseParams::generate(rng);
        let (key, commitment) = keys(&params, address, passphrase)?;
        let mut nonce = [0; 12];
        rng.fill_bytes(&mut nonce);
        let ciphertext = sealed_box::encrypt(&key, &nonce, &context(&params, address), private_key.as_slice());
        Ok(Self {
            version: VERSION,
            address,
            passphrase: params,
            nonce: nonce.into(),
            commitment,
            ciphertext: FixedBytes::from_slice(&ciphertext),
        })
    }

    /// Parses stored JSON.
    ///
    /// # Errors
    /// [`KeyringError::Malformed`], also for unknown fields and parameters out of range.
    pub fn from_json(json: &[u8]) -> Result<Self, KeyringError> {
        if json.len() > MAX_WALLET_FILE_LEN {
            return Err(KeyringError::Malformed);
        }
        let file: Self = serde_json::from_slice(json).map_err(|_| KeyringError::Malformed)?;
        if file.version == VERSION && file.passphrase.is_in_range() { Ok(file) } else { Err(KeyringError::Malformed) }
    }

    /// Returns the JSON to store.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("a wallet file is texts and numbers")
    }

    /// Returns the address in the file. [`WalletFile::open`] does not check that the key has this address.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Decrypts the private key. The caller must check that the key has the address in the file.
    ///
    /// # Errors
    /// [`KeyringError::NoMatch`] for a wrong passphrase, [`KeyringError::Tag`], [`KeyringError::Memory`].
    pub fn open(&self, passphrase: &str) -> Result<Zeroizing<[u8; 32]>, KeyringError> {
        let (key, commitment) = keys(&self.passphrase, self.address, passphrase)?;
        if !bool::from(commitment.as_slice().ct_eq(self.commitment.as_slice())) {
            return Err(KeyringError::NoMatch);
        }
        let context = context(&self.passphrase, self.address);
        let opened = sealed_box::decrypt(&key, &self.nonce.0, &context, self.ciphertext.as_slice());
        let opened = opened.ok_or(KeyringError::Tag)?;
        Ok(Zeroizing::new(opened.as_slice().try_into().map_err(|_| KeyringError::Tag)?))
    }
}

/// Returns the context: version 1 ‖ address 20 ‖ `02` ‖ parameters 28.
fn context(params: &PassphraseParams, address: Address) -> Vec<u8> {
    [&[VERSION][..], address.as_slice(), &[2], &params.to_bytes()].concat()
}

fn keys(
    params: &PassphraseParams,
    address: Address,
    passphrase: &str,
) -> Result<(Zeroizing<[u8; 32]>, B256), KeyringError> {
    let kek = params.key_encryption_key(passphrase)?;
    let context = context(params, address);
    let key = kdf::expand(kek.expose(), kdf::WALLET_FILE_KEY, &[&context]);
    Ok((key, (*kdf::expand(kek.expose(), kdf::WALLET_FILE_COMMITMENT, &[&context])).into()))
}

/// Checks that a keyring and a wallet file accept a new passphrase.
///
/// # Errors
/// [`KeyringError::PassphraseLength`] when it is too short or too long.
pub fn check_new_passphrase(text: &str) -> Result<(), KeyringError> {
    passphrase::check_length(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (WalletFile, Zeroizing<[u8; 32]>) {
        let key = Zeroizing::new([7; 32]);
        let file = WalletFile::seal(Address::repeat_byte(1), &key, "correct horse", &mut rand::rng()).unwrap();
        (file, key)
    }

    #[test]
    fn a_wallet_file_opens_with_its_passphrase_only() {
        let (file, key) = file();
        let read = WalletFile::from_json(&file.to_json()).unwrap();
        assert_eq!(read, file);
        assert_eq!(*read.open("correct horse").unwrap(), *key);
        assert_eq!(read.open("correct house"), Err(KeyringError::NoMatch));
    }

    #[test]
    fn a_changed_wallet_file_does_not_open() {
        let (file, _) = file();
        let other_address = WalletFile { address: Address::repeat_byte(2), ..file.clone() };
        assert_eq!(other_address.open("correct horse"), Err(KeyringError::NoMatch));
        let mut ciphertext = file.clone();
        ciphertext.ciphertext.0[0] ^= 1;
        assert_eq!(ciphertext.open("correct horse"), Err(KeyringError::Tag));
    }

    #[test]
    fn parameters_are_those_of_the_keyring_and_bounded_before_they_run() {
        let (file, _) = file();
        let json = String::from_utf8(file.to_json()).unwrap();
        assert!(json.contains("\"memory_kib\": 65536") && json.contains("\"iterations\": 3"), "{json}");
        for (from, to) in [("65536", "8"), ("65536", "4294967295"), ("\"lanes\": 1", "\"lanes\": 64")] {
            let changed = json.replace(from, to);
            assert_eq!(WalletFile::from_json(changed.as_bytes()), Err(KeyringError::Malformed), "{to}");
        }
        assert_eq!(WalletFile::from_json(b"{\"version\":3,\"crypto\":{}}"), Err(KeyringError::Malformed));
    }
}
