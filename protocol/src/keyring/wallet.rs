//! The wallet unlocker: the wallet signs a constant message, and the signature is the key material.
//!
//! `KEK = HKDF-SHA-256(salt = SHA-256(message), IKM = r ‖ low s, info = "medlock/v1/keyring-wallet\0")`.
//! `v` is left out because wallets do not agree on its value. Only wallets that sign deterministically (RFC 6979) can
//! unlock. To check this, the wallet signs twice when the unlocker is added.

use alloy::primitives::{Address, B256, Signature, U256};
use k256::ecdsa;
use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::KeyringError;
use crate::{kdf, secret::KeyEncryptionKey};

/// The statement in every unlock message.
pub const UNLOCK_STATEMENT: &str =
    "Unlock your medlock health records. Sign this only in medlock: whoever has this signature can read all of them.";
const RESOURCE: &str = "urn:medlock:keyring";
const MAX_PART_LEN: usize = 256;

/// The message that a wallet signs to unlock, in the form of EIP-4361. The entry stores the whole text, so the message
/// stays valid when the domain or port of the app changes.
///
/// It can be made only from its parts, or by parsing exactly this form. A wallet is therefore never asked to sign a
/// text in another form that came from a server. It cannot be used as a login message, because its statement and
/// resource are different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletMessage {
    pub(super) owner: Address,
    pub(super) chain_id: u64,
    domain: String,
    uri: String,
    nonce: String,
    issued_at: String,
}

impl WalletMessage {
    /// Makes a new message. `domain` and `uri` identify the app, `issued_at` is an RFC 3339 time in UTC with a
    /// precision of seconds.
    ///
    /// # Errors
    /// [`KeyringError::Malformed`] for a part that is not valid in one line of the message.
    pub fn new(
        owner: Address,
        chain_id: u64,
        domain: &str,
        uri: &str,
        issued_at: &str,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, KeyringError> {
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let message = Self {
            owner,
            chain_id,
            domain: domain.to_owned(),
            uri: uri.to_owned(),
            nonce: hex::encode(nonce),
            issued_at: issued_at.to_owned(),
        };
        if message.is_well_formed() { Ok(message) } else { Err(KeyringError::Malformed) }
    }

    /// Returns the address that signs the message.
    #[must_use]
    pub const fn owner(&self) -> Address {
        self.owner
    }

    /// Returns the SHA-256 hash of the text.
    #[must_use]
    pub fn digest(&self) -> B256 {
        B256::from_slice(&Sha256::digest(self.to_string()))
    }

    fn is_well_formed(&self) -> bool {
        let is_part =
            |part: &str| (1..=MAX_PART_LEN).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_graphic());
        let is_time = self.issued_at.len() == 20
            && self.issued_at.bytes().zip(*b"0000-00-00T00:00:00Z").all(|(is, form)| match form {
                b'0' => is.is_ascii_digit(),
                fixed => is == fixed,
            });
        let is_nonce = self.nonce.len() == 32 && self.nonce.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_part(&self.domain) && is_part(&self.uri) && is_time && is_nonce
    }
}

impl std::fmt::Display for WalletMessage {
    /// Writes the exact text to sign.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} wants you to sign in with your Ethereum account:\n{}\n\n{UNLOCK_STATEMENT}\n\nURI: {}\nVersion: 1\nChain ID: {}\nNonce: {}\nIssued At: {}\nResources:\n- {RESOURCE}",
            self.domain,
            self.owner.to_checksum(None),
            self.uri,
            self.chain_id,
            self.nonce,
            self.issued_at,
        )
    }
}

impl std::str::FromStr for WalletMessage {
    type Err = KeyringError;

    /// Parses a stored message. Refuses every text that does not have exactly this form.
    fn from_str(text: &str) -> Result<Self, KeyringError> {
        let parse = || {
            let lines: Vec<&str> = text.lines().collect();
            let [first, owner, "", UNLOCK_STATEMENT, "", uri, "Version: 1", chain_id, nonce, issued_at, _, _] =
                lines.as_slice()
            else {
                return None;
            };
            Some(Self {
                owner: owner.parse().ok()?,
                chain_id: chain_id.strip_prefix("Chain ID: ")?.parse().ok()?,
                domain: first.strip_suffix(" wants you to sign in with your Ethereum account:")?.to_owned(),
                uri: uri.strip_prefix("URI: ")?.to_owned(),
                nonce: nonce.strip_prefix("Nonce: ")?.to_owned(),
                issued_at: issued_at.strip_prefix("Issued At: ")?.to_owned(),
            })
        };
        parse().filter(|message| message.is_well_formed() && message.to_string() == text).ok_or(KeyringError::Malformed)
    }
}

impl Serialize for WalletMessage {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WalletMessage {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Returns whether two signatures are the same, apart from `v` and the sign of `s`.
///
/// # Errors
/// [`KeyringError::InvalidSignature`] for a signature that is not 65 bytes with r and s in range.
pub fn same_signature(first: &[u8], second: &[u8]) -> Result<bool, KeyringError> {
    Ok(normal_form(first)?.ct_eq(&*normal_form(second)?).into())
}

/// Returns r ‖ low s for 65 bytes r ‖ s ‖ v.
fn normal_form(signature: &[u8]) -> Result<Zeroizing<[u8; 64]>, KeyringError> {
    let bytes: &[u8; 65] = signature.try_into().map_err(|_| KeyringError::InvalidSignature)?;
    let signature = ecdsa::Signature::from_slice(&bytes[..64]).map_err(|_| KeyringError::InvalidSignature)?;
    Ok(Zeroizing::new(signature.normalize_s().to_bytes().into()))
}

/// Checks that the owner has signed the message, then derives the key.
pub(super) fn key_encryption_key(message: &WalletMessage, signature: &[u8]) -> Result<KeyEncryptionKey, KeyringError> {
    let normal = normal_form(signature)?;
    let (r, s) = (U256::from_be_slice(&normal[..32]), U256::from_be_slice(&normal[32..]));
    let text = message.to_string();
    let is_owner = [false, true].into_iter().any(|parity| {
        Signature::new(r, s, parity).recover_address_from_msg(&text).is_ok_and(|signer| signer == message.owner)
    });
    if !is_owner {
        return Err(KeyringError::InvalidSignature);
    }
    Ok(KeyEncryptionKey::from_bytes(*kdf::extract_and_expand(
        message.digest().as_slice(),
        normal.as_slice(),
        kdf::KEYRING_WALLET,
        &[],
    )))
}
