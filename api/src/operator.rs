//! The operator's keys: one signs receipts and checkpoints, one opens release shares, one keeps them encrypted at rest.

use std::path::Path;

use alloy::{
    primitives::{Address, B256, Bytes},
    signers::{SignerSync, local::PrivateKeySigner},
};
use anyhow::{Context, bail};
use hkdf::Hkdf;
use protocol::{deployment::Deployment, identity::IdentityKey};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::settings::Settings;

/// Everything that only the operator may do. Has no `Debug`.
pub struct Operator {
    signer: PrivateKeySigner,
    release_key: IdentityKey,
}

impl Operator {
    /// Reads the operator's key and secret.
    ///
    /// # Errors
    /// When a file cannot be read, or the key is not the one that the deployment names.
    pub fn open(settings: &Settings, deployment: &Deployment) -> anyhow::Result<Self> {
        let signer = read_signer(&settings.operator_key_file, deployment.chain_id)?;
        if signer.address() != deployment.operator {
            bail!("the operator's key is not the one that the deployment file names");
        }
        let secret = read_secret(&settings.operator_secret_file)?;
        Ok(Self { signer, release_key: IdentityKey::derive(&derive(&secret, b"medlock/v1/operator/release-key")) })
    }

    /// Who signs receipts and checkpoints.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.signer.address()
    }

    /// The public key (uncompressed point) to which release shares are sealed.
    #[must_use]
    pub fn public_key(&self) -> Bytes {
        Bytes::copy_from_slice(self.release_key.public_key().as_bytes())
    }

    /// Signs an EIP-712 hash: 65 bytes r ‖ s ‖ v, low s, v 27 or 28.
    #[must_use]
    pub fn sign(&self, hash: B256) -> Bytes {
        let signature = self.signer.sign_hash_sync(&hash).expect("signing 32 bytes with a local key cannot fail");
        Bytes::copy_from_slice(&signature.as_bytes())
    }
}

/// HKDF-SHA256(secret, info = label), 32 bytes.
fn derive(secret: &[u8; 32], label: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, secret).expand(label, key.as_mut_slice()).expect("32 bytes are below HKDF's limit");
    key
}

fn read_secret(path: &Path) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    let text = Zeroizing::new(
        std::fs::read_to_string(path).with_context(|| format!("cannot read the key file {}", path.display()))?,
    );
    let digits = text.trim();
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let mut secret = Zeroizing::new([0; 32]);
    if hex::decode_to_slice(digits, secret.as_mut_slice()).is_err() {
        bail!("the key file {} does not hold 32 bytes in hex", path.display());
    }
    Ok(secret)
}

/// Reads a private key (32 bytes in hex) for signing on `chain_id`.
///
/// # Errors
/// When the file cannot be read or does not hold a key.
pub fn read_signer(path: &Path, _chain_id: u64) -> anyhow::Result<PrivateKeySigner> {
    let secret = read_secret(path)?;
    PrivateKeySigner::from_slice(secret.as_slice())
        .map_err(|_| anyhow::anyhow!("the key file {} does not hold a secp256k1 key", path.display()))
}
