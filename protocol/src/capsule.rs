//! Capsules: a 32-byte secret sealed to one public key, 117 bytes, byte for byte reproducible.
//!
//! ```text
//! off len
//!   0   1  version 0x01
//!   1   2  KEM 0x0016, DHKEM(secp256k1, HKDF-SHA256)
//!   3   1  kind
//!   4  65  enc, the encapsulated key, uncompressed
//!  69  48  ciphertext, AES-256-GCM
//! ```
//!
//! HPKE (RFC 9180) base mode with HKDF-SHA256 and AES-256-GCM; `info = "medlock/v1/capsule\0" ‖ bytes 0..4`, `aad` =
//! the [`Binding`]. The ephemeral key pair is not random but derived: `DeriveKeyPair(HKDF-Expand(secret,
//! "medlock/v1/capsule-ephemeral\0" ‖ bytes 0..4 ‖ recipient key ‖ aad))`. This is safe because every secret is 32
//! uniform bytes. Everyone who has the secret can make the same capsule again and compare the two.

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    codes::{KEM_SECP256K1, ScopeKind},
    hpke,
    identity::{IdentityKey, PublicKey},
    kdf,
    secret::{CategorySecret, DataKey, GuardianShare, NoteKey, ReaderShare, ReleaseShare, Secret},
    split::RecordVersion,
};

/// The length of a capsule, in bytes.
pub const CAPSULE_LEN: usize = 117;
const HEADER_LEN: usize = 4;
const CIPHERTEXT_AT: usize = 69;
const VERSION: u8 = 0x01;

/// The kind of secret in a capsule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CapsuleKind {
    /// A data key, sealed to the patient. It is part of the envelope.
    Owner = 1,
    /// S, sealed to a grantee or to a category key.
    ReaderShare = 2,
    /// The secret from which a category key derives, sealed to a grantee.
    CategoryKey = 3,
    /// B, sealed to the operator.
    ReleaseShare = 4,
    /// The key of a note, sealed to the patient.
    NoteKey = 5,
    /// A share of the seed, sealed to a guardian (reserved).
    GuardianShare = 6,
}

impl CapsuleKind {
    fn from_code(code: u8) -> Option<Self> {
        [Self::Owner, Self::ReaderShare, Self::CategoryKey, Self::ReleaseShare, Self::NoteKey, Self::GuardianShare]
            .into_iter()
            .find(|kind| *kind as u8 == code)
    }
}

/// A secret that can be sealed in capsules of one kind.
pub trait Sealable: Secret {
    /// The kind of capsule for this secret.
    const KIND: CapsuleKind;
}

impl Sealable for DataKey {
    const KIND: CapsuleKind = CapsuleKind::Owner;
}
impl Sealable for ReaderShare {
    const KIND: CapsuleKind = CapsuleKind::ReaderShare;
}
impl Sealable for CategorySecret {
    const KIND: CapsuleKind = CapsuleKind::CategoryKey;
}
impl Sealable for ReleaseShare {
    const KIND: CapsuleKind = CapsuleKind::ReleaseShare;
}
impl Sealable for NoteKey {
    const KIND: CapsuleKind = CapsuleKind::NoteKey;
}
impl Sealable for GuardianShare {
    const KIND: CapsuleKind = CapsuleKind::GuardianShare;
}

/// The values that a capsule is bound to. It opens only when all of them are the same as when it was sealed.
///
/// As bytes (111): chain id 8 ‖ contract 20 ‖ patient 20 ‖ recipient 20 ‖ key epoch 4 ‖ scope kind 1 ‖ scope id 32 ‖
/// version 2 ‖ grant epoch 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The contract whose state the capsule belongs to.
    pub contract: Address,
    /// The patient whose data the capsule is about.
    pub patient: Address,
    /// The address whose key the capsule is sealed to.
    pub recipient: Address,
    /// The epoch of that key.
    pub key_epoch: u32,
    /// The kind of the scope.
    pub scope_kind: ScopeKind,
    /// The record id, the category, or zero.
    pub scope_id: B256,
    /// The version of the record; 0 when there is none.
    pub version: u16,
    /// The epoch of the grant, as in the event `Granted`; 0 when there is no grant.
    pub grant_epoch: u32,
}

impl Binding {
    /// Returns the binding of the owner capsule in an envelope: contract = RecordRegistry, recipient = the patient.
    #[must_use]
    pub fn owner(of: &RecordVersion, patient: Address, key_epoch: u32) -> Self {
        Self::of_version(of, patient, patient, key_epoch)
    }

    /// Returns the binding of a release share: contract = RecordRegistry, recipient = the operator.
    #[must_use]
    pub fn release_share(of: &RecordVersion, patient: Address, operator: Address, operator_key_epoch: u32) -> Self {
        Self::of_version(of, patient, operator, operator_key_epoch)
    }

    /// Returns the binding of a reader share in the bundle of a grant over a record: contract = RecordRegistry,
    /// recipient = the grantee.
    ///
    /// `grant_epoch` is the epoch that the grant will have on chain: one more than the epoch in its message.
    #[must_use]
    pub fn reader_share(
        of: &RecordVersion,
        patient: Address,
        grantee: Address,
        grantee_key_epoch: u32,
        grant_epoch: u32,
    ) -> Self {
        Self { grant_epoch, ..Self::of_version(of, patient, grantee, grantee_key_epoch) }
    }

    /// Returns the binding of a note to a patient: contract = GrantRegistry, recipient = the patient, scope = all.
    #[must_use]
    pub fn note(chain_id: u64, grant_registry: Address, patient: Address, patient_key_epoch: u32) -> Self {
        Self {
            chain_id,
            contract: grant_registry,
            patient,
            recipient: patient,
            key_epoch: patient_key_epoch,
            scope_kind: ScopeKind::All,
            scope_id: B256::ZERO,
            version: 0,
            grant_epoch: 0,
        }
    }

    fn of_version(of: &RecordVersion, patient: Address, recipient: Address, key_epoch: u32) -> Self {
        Self {
            chain_id: of.chain_id,
            contract: of.registry,
            patient,
            recipient,
            key_epoch,
            scope_kind: ScopeKind::Record,
            scope_id: of.record.0,
            version: of.version,
            grant_epoch: 0,
        }
    }

    /// Returns the HPKE associated data.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 111] {
        let mut bytes = [0; 111];
        bytes[0..8].copy_from_slice(&self.chain_id.to_be_bytes());
        bytes[8..28].copy_from_slice(self.contract.as_slice());
        bytes[28..48].copy_from_slice(self.patient.as_slice());
        bytes[48..68].copy_from_slice(self.recipient.as_slice());
        bytes[68..72].copy_from_slice(&self.key_epoch.to_be_bytes());
        bytes[72] = self.scope_kind as u8;
        bytes[73..105].copy_from_slice(self.scope_id.as_slice());
        bytes[105..107].copy_from_slice(&self.version.to_be_bytes());
        bytes[107..111].copy_from_slice(&self.grant_epoch.to_be_bytes());
        bytes
    }
}

/// The reason why a capsule cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CapsuleError {
    /// The length, version, KEM or kind is wrong, or the encapsulated key is not on the curve.
    #[error("malformed capsule")]
    Malformed,
    /// The capsule is sealed to another key or has another binding.
    #[error("the capsule is not for this key and purpose")]
    NoMatch,
    /// The capsule opens, but sealing its content again gives other bytes, so it was not sealed as the protocol
    /// requires.
    #[error("the capsule was not sealed as the protocol requires")]
    Commitment,
}

/// A capsule: 117 bytes with a known version, KEM and kind, and an encapsulated key that is on the curve.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Capsule([u8; CAPSULE_LEN]);

impl Capsule {
    /// Checks length, version, KEM, kind and encapsulated key.
    ///
    /// # Errors
    /// [`CapsuleError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CapsuleError> {
        let bytes: [u8; CAPSULE_LEN] = bytes.try_into().map_err(|_| CapsuleError::Malformed)?;
        let kem = u16::from_be_bytes([bytes[1], bytes[2]]);
        if bytes[0] != VERSION || kem != KEM_SECP256K1 || CapsuleKind::from_code(bytes[3]).is_none() {
            return Err(CapsuleError::Malformed);
        }
        PublicKey::from_bytes(&bytes[HEADER_LEN..CIPHERTEXT_AT]).map_err(|_| CapsuleError::Malformed)?;
        Ok(Self(bytes))
    }

    /// Returns the 117 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; CAPSULE_LEN] {
        &self.0
    }

    /// Returns the kind of the secret inside.
    #[must_use]
    pub fn kind(&self) -> CapsuleKind {
        CapsuleKind::from_code(self.0[3]).expect("checked when made")
    }

    /// Seals a secret. The same secret, recipient and binding always give the same bytes.
    #[must_use]
    pub fn seal<S: Sealable>(secret: &S, recipient: &PublicKey, binding: &Binding) -> Self {
        let header = header(S::KIND);
        let aad = binding.to_bytes();
        let ikm = Zeroizing::new(kdf::expand(
            secret.expose(),
            kdf::CAPSULE_EPHEMERAL,
            &[&header, recipient.as_bytes(), &aad],
        ));
        let (shared_secret, enc) = hpke::encap(&hpke::derive_key_pair(&ikm), recipient);
        let ciphertext = hpke::seal(&shared_secret, &info(header), &aad, secret.expose());

        let mut bytes = [0; CAPSULE_LEN];
        bytes[..HEADER_LEN].copy_from_slice(&header);
        bytes[HEADER_LEN..CIPHERTEXT_AT].copy_from_slice(&enc);
        bytes[CIPHERTEXT_AT..].copy_from_slice(&ciphertext);
        Self(bytes)
    }

    /// Opens the capsule, and checks that sealing its content again gives the same bytes.
    ///
    /// # Errors
    /// [`CapsuleError::Malformed`] for a capsule of another kind, [`CapsuleError::NoMatch`] for another key or
    /// binding, [`CapsuleError::Commitment`] when sealing the content again gives other bytes.
    pub fn open<S: Sealable>(&self, recipient: &IdentityKey, binding: &Binding) -> Result<S, CapsuleError> {
        if self.kind() != S::KIND {
            return Err(CapsuleError::Malformed);
        }
        let enc = PublicKey::from_bytes(&self.0[HEADER_LEN..CIPHERTEXT_AT]).map_err(|_| CapsuleError::Malformed)?;
        let ciphertext = self.0[CIPHERTEXT_AT..].try_into().expect("a capsule has 117 bytes");
        let shared_secret = hpke::decap(&enc, recipient);
        let opened = hpke::open(&shared_secret, &info(header(S::KIND)), &binding.to_bytes(), ciphertext)
            .ok_or(CapsuleError::NoMatch)?;
        let secret = S::from_bytes(*opened);
        if self.verify(&secret, recipient.public_key(), binding) { Ok(secret) } else { Err(CapsuleError::Commitment) }
    }

    /// Returns whether [`Capsule::seal`] gives this capsule for the secret, recipient and binding. Takes constant time.
    #[must_use]
    pub fn verify<S: Sealable>(&self, secret: &S, recipient: &PublicKey, binding: &Binding) -> bool {
        Self::seal(secret, recipient, binding).0.ct_eq(&self.0).into()
    }
}

fn header(kind: CapsuleKind) -> [u8; HEADER_LEN] {
    let kem = KEM_SECP256K1.to_be_bytes();
    [VERSION, kem[0], kem[1], kind as u8]
}

fn info(header: [u8; HEADER_LEN]) -> Vec<u8> {
    [kdf::CAPSULE, &header].concat()
}

impl std::fmt::Display for Capsule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "0x{}", hex::encode(self.0))
    }
}

impl std::fmt::Debug for Capsule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Capsule({self})")
    }
}

impl std::str::FromStr for Capsule {
    type Err = CapsuleError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; CAPSULE_LEN];
        let digits = text.strip_prefix("0x").ok_or(CapsuleError::Malformed)?;
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| CapsuleError::Malformed)?;
        Self::from_bytes(&bytes)
    }
}

impl Serialize for Capsule {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Capsule {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
