//! The operator's keys: one signs receipts and checkpoints, one opens release shares, one keeps them encrypted at rest.

use std::path::Path;

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use alloy::{
    primitives::{Address, B256, Bytes},
    signers::{SignerSync, local::PrivateKeySigner},
};
use anyhow::{Context, bail};
use hkdf::Hkdf;
use protocol::{
    capsule::{Binding, Capsule, CapsuleError, OPERATOR_KEY_EPOCH},
    deployment::{ContractName, Deployment},
    identity::IdentityKey,
    ids::RecordId,
    secret::ReleaseShare,
    split::RecordVersion,
};
use rand::Rng;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Everything that only the operator may do. Has no `Debug`.
pub struct Operator {
    signer: PrivateKeySigner,
    release_key: IdentityKey,
    at_rest: Aes256Gcm,
    chain_id: u64,
    registry: Address,
}

/// Length of the nonce before a share at rest.
const NONCE_LEN: usize = 12;
/// Associated data of a share at rest begins with this.
const AT_REST_LABEL: &[u8] = b"medlock/v1/operator/release-share-at-rest";

/// A stored release share cannot be opened: the operator's secret is another one, or the database was tampered with.
#[derive(Debug, thiserror::Error)]
#[error("a stored release share cannot be opened with this operator's secret")]
pub struct AtRestError;

impl Operator {
    /// Reads the operator's key and secret.
    ///
    /// # Errors
    /// When a file cannot be read, or the key is not the one that the deployment names.
    pub fn open(key_file: &Path, secret_file: &Path, deployment: &Deployment) -> anyhow::Result<Self> {
        let signer = read_signer(key_file)?;
        if signer.address() != deployment.operator {
            bail!("the operator's key is not the one that the deployment file names");
        }
        let secret = read_secret(secret_file)?;
        let at_rest = derive(&secret, b"medlock/v1/operator/at-rest");
        Ok(Self {
            signer,
            release_key: IdentityKey::derive(&derive(&secret, b"medlock/v1/operator/release-key")),
            at_rest: Aes256Gcm::new_from_slice(at_rest.as_slice()).expect("the key has 32 bytes"),
            chain_id: deployment.chain_id,
            registry: deployment.address_of(ContractName::RecordRegistry),
        })
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

    /// Opens the capsule of a release share B for one record version of `patient`.
    ///
    /// # Errors
    /// See [`CapsuleError`].
    pub fn open_release_share(
        &self,
        capsule: &[u8],
        patient: Address,
        record: RecordId,
        version: u16,
    ) -> Result<ReleaseShare, CapsuleError> {
        let of = RecordVersion { chain_id: self.chain_id, registry: self.registry, record, version };
        let binding = Binding::release_share(&of, patient, self.address(), OPERATOR_KEY_EPOCH);
        Capsule::from_bytes(capsule)?.open(&self.release_key, &binding)
    }

    /// Encrypts a share for the database: nonce (12) ‖ AES-256-GCM(at-rest key, share), with label ‖ chain id ‖ registry ‖
    /// record ‖ version as associated data, so that no stored share can be moved to another record.
    #[must_use]
    pub fn encrypt_at_rest(&self, record: RecordId, version: u16, share: &ReleaseShare) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        rand::rng().fill_bytes(&mut nonce);
        let aad = self.at_rest_aad(record, version);
        let payload = Payload { msg: share.expose(), aad: &aad };
        let sealed = self.at_rest.encrypt(&nonce.into(), payload).expect("32 bytes are below the limit of AES-GCM");
        [&nonce[..], &sealed].concat()
    }

    /// The inverse of [`Operator::encrypt_at_rest`].
    ///
    /// # Errors
    /// [`AtRestError`].
    pub fn decrypt_at_rest(&self, record: RecordId, version: u16, stored: &[u8]) -> Result<ReleaseShare, AtRestError> {
        let (nonce, sealed) = stored.split_first_chunk::<NONCE_LEN>().ok_or(AtRestError)?;
        let aad = self.at_rest_aad(record, version);
        let opened = self.at_rest.decrypt(&(*nonce).into(), Payload { msg: sealed, aad: &aad });
        let opened = Zeroizing::new(opened.map_err(|_| AtRestError)?);
        let share: [u8; 32] = opened.as_slice().try_into().map_err(|_| AtRestError)?;
        Ok(ReleaseShare::from_bytes(share))
    }

    fn at_rest_aad(&self, record: RecordId, version: u16) -> Vec<u8> {
        [
            AT_REST_LABEL,
            &self.chain_id.to_be_bytes(),
            self.registry.as_slice(),
            record.0.as_slice(),
            &version.to_be_bytes(),
        ]
        .concat()
    }
}

/// HKDF-SHA256(secret, info = label), 32 bytes.
fn derive(secret: &[u8; 32], label: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, secret).expand(label, key.as_mut_slice()).expect("32 bytes are below HKDF's limit");
    key
}

fn read_secret(path: &Path) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    warn_if_readable_by_others(path);
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

fn warn_if_readable_by_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let readable = std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
    if readable {
        tracing::warn!(file = %path.display(), "a key file can be read by others; make it private: chmod 600");
    }
}

/// Reads a private key (32 bytes in hex).
///
/// # Errors
/// When the file cannot be read or does not hold a key.
pub fn read_signer(path: &Path) -> anyhow::Result<PrivateKeySigner> {
    let secret = read_secret(path)?;
    PrivateKeySigner::from_slice(secret.as_slice())
        .map_err(|_| anyhow::anyhow!("the key file {} does not hold a secp256k1 key", path.display()))
}
