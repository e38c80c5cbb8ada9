//! The operator's keys: one signs receipts and checkpoints, others open release shares, and others encrypt data in the
//! database.

use std::{path::Path, sync::Arc};

use alloy::{
    primitives::{Address, B256, Bytes},
    signers::{SignerSync, local::PrivateKeySigner},
};
use anyhow::{Context, bail};
use hkdf::Hkdf;
use protocol::{
    capsule::{Binding, Capsule, CapsuleError},
    deployment::{ContractName, Deployment},
    identity::IdentityKey,
    ids::RecordId,
    mirror::version_id,
    operator_keys,
    secret::ReleaseShare,
    split::RecordVersion,
};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::at_rest::{AtRest, AtRestError, Sealed, Secrets, Use};

/// Everything that only the operator can do. It has no `Debug`.
pub struct Operator {
    signer: PrivateKeySigner,
    /// The encryption keys of the deployment file with their epochs, newest first.
    release_keys: Vec<(u32, IdentityKey)>,
    at_rest: Arc<AtRest>,
    chain_id: u64,
    registry: Address,
}

impl Operator {
    /// Reads the operator's key and secrets.
    ///
    /// # Errors
    /// Returns an error when a file cannot be read, the key is not the one that the deployment names, or the secrets do
    /// not give one of its encryption keys.
    pub fn open(key_file: &Path, secret_file: &Path, deployment: &Deployment) -> anyhow::Result<Self> {
        let signer = read_signer(key_file)?;
        if signer.address() != deployment.operator {
            bail!("the operator's key is not the one that the deployment file names");
        }
        deployment.operator_key().context("create the next key with: medlock-api add-operator-key")?;
        let secrets = read_secrets(secret_file)?;
        let mut release_keys = Vec::new();
        for listed in operator_keys::check(deployment)?.into_iter().rev() {
            let ours = secrets.newest_first().map(|secret| release_key(secret, listed.epoch));
            let key = ours.into_iter().find(|key| *key.public_key() == listed.key).with_context(|| {
                format!("the secret file does not have the secret of the operator's encryption key {}", listed.epoch)
            })?;
            release_keys.push((listed.epoch, key));
        }
        Ok(Self {
            signer,
            release_keys,
            at_rest: Arc::new(AtRest::new(&secrets, deployment)),
            chain_id: deployment.chain_id,
            registry: deployment.address_of(ContractName::RecordRegistry),
        })
    }

    /// Returns the address that signs receipts and checkpoints.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.signer.address()
    }

    /// Returns the keys that encrypt data in the database.
    #[must_use]
    pub const fn at_rest(&self) -> &Arc<AtRest> {
        &self.at_rest
    }

    /// Signs an EIP-712 hash: 65 bytes r ‖ s ‖ v, low s, v 27 or 28.
    #[must_use]
    pub fn sign(&self, hash: B256) -> Bytes {
        let signature = self.signer.sign_hash_sync(&hash).expect("signing 32 bytes with a local key cannot fail");
        Bytes::copy_from_slice(&signature.as_bytes())
    }

    /// Opens the capsule of a release share B for one record version of `patient`. It may be sealed to any key of the
    /// deployment file; nearly all are sealed to the newest one.
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
        let capsule = Capsule::from_bytes(capsule)?;
        for (epoch, key) in &self.release_keys {
            match capsule.open(key, &Binding::release_share(&of, patient, self.address(), *epoch)) {
                Err(CapsuleError::NoMatch) => {}
                outcome => return outcome,
            }
        }
        Err(CapsuleError::NoMatch)
    }

    /// Encrypts a share for the database, bound to its record version and its depositor.
    #[must_use]
    pub fn encrypt_at_rest(&self, of: (RecordId, u16), depositor: Address, share: &ReleaseShare) -> Vec<u8> {
        let id = share_id(of, depositor);
        self.at_rest.seal_bytes(Use::ReleaseShare, &id, share.expose()).as_bytes().to_vec()
    }

    /// Decrypts a share that [`Operator::encrypt_at_rest`] encrypted.
    ///
    /// # Errors
    /// [`AtRestError`].
    pub fn decrypt_at_rest(
        &self,
        of: (RecordId, u16),
        depositor: Address,
        stored: &[u8],
    ) -> Result<ReleaseShare, AtRestError> {
        let id = share_id(of, depositor);
        let opened = self.at_rest.open_bytes(Use::ReleaseShare, &id, &Sealed::from_bytes(stored))?;
        let share: &[u8; 32] = opened.as_slice().try_into().map_err(|_| AtRestError)?;
        Ok(ReleaseShare::from_bytes(*share))
    }
}

/// Returns the `_id` of a share of a record version.
pub(crate) fn share_id((record, version): (RecordId, u16), depositor: Address) -> String {
    format!("{}:{depositor:#x}", version_id(record, version))
}

/// Returns the encryption key of an epoch. Its private key is derived from a secret:
/// `HKDF-SHA256(secret, "medlock/v1/operator/release-key\0" ‖ epoch u32)`.
pub(crate) fn release_key(secret: &[u8; 32], epoch: u32) -> IdentityKey {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, secret)
        .expand_multi_info(&[b"medlock/v1/operator/release-key\0", &epoch.to_be_bytes()], key.as_mut_slice())
        .expect("32 bytes are below HKDF's limit");
    IdentityKey::derive(&key)
}

/// Reads the operator's secrets.
///
/// # Errors
/// Returns an error when the file cannot be read or contains anything else.
pub(crate) fn read_secrets(path: &Path) -> anyhow::Result<Secrets> {
    warn_if_readable_by_others(path);
    Secrets::read(path)
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
/// Returns an error when the file cannot be read or does not hold a key.
pub fn read_signer(path: &Path) -> anyhow::Result<PrivateKeySigner> {
    let secret = read_secret(path)?;
    PrivateKeySigner::from_slice(secret.as_slice())
        .map_err(|_| anyhow::anyhow!("the key file {} does not hold a secp256k1 key", path.display()))
}
