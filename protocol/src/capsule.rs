//! Capsules: a 32-byte secret sealed to one public key, byte for byte reproducible.
//!
//! ```text
//!  off  len
//!    0    1  version 0x01
//!    1    2  KEM
//!    3    1  kind
//!    4 Nenc  enc, the encapsulated secret
//! 4+Nenc 48  ciphertext, AES-256-GCM
//! ```
//!
//! Each kind has one KEM ([`crate::kem`]), from which the length follows: 1,172 bytes with MLKEM768-X25519, and 117 bytes
//! with DHKEM(secp256k1), which only slot capsules use.
//!
//! HPKE (RFC 9180) base mode with HKDF-SHA256 and AES-256-GCM; `info = "medlock/v1/capsule\0" ‖ bytes [0,4)`, `aad` =
//! the [`Binding`]. Encapsulation is not random but derived from the secret, the recipient's key and the binding. This is
//! safe because every secret is 32 uniform bytes. Everyone who has the secret can make the same capsule again and so
//! check it.

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::{
    codes::ScopeKind,
    hpke,
    identity::{CategoryKey, CategoryPublicKey, IdentityKey, PublicKey},
    kdf,
    kem::{Decapsulate, Encapsulate},
    secret::{CategorySecret, DataKey, GuardianShare, NoteKey, ReaderShare, ReleaseShare, Secret, SlotShare},
    split::RecordVersion,
};

/// The length of every capsule that is sealed to an identity key or to the operator's key, in bytes.
pub const CAPSULE_LEN: usize = HEADER_LEN + x_wing::CIPHERTEXT_SIZE + CIPHERTEXT_LEN;
/// The length of a slot capsule, in bytes.
pub const SLOT_CAPSULE_LEN: usize = HEADER_LEN + 65 + CIPHERTEXT_LEN;
const HEADER_LEN: usize = 4;
const CIPHERTEXT_LEN: usize = 48;
const VERSION: u8 = 0x01;

/// The kind of secret in a capsule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CapsuleKind {
    /// A data key, sealed to the patient. It is part of the envelope.
    Owner = 1,
    /// S, sealed to a grantee.
    ReaderShare = 2,
    /// The secret from which a category key derives, sealed to a grantee.
    CategoryKey = 3,
    /// B, sealed to the operator.
    ReleaseShare = 4,
    /// The key of a note, sealed to the patient.
    NoteKey = 5,
    /// A share of the seed, sealed to a guardian (reserved).
    GuardianShare = 6,
    /// S, sealed to a category key (reserved).
    Slot = 7,
}

impl CapsuleKind {
    const ALL: [Self; 7] = [
        Self::Owner,
        Self::ReaderShare,
        Self::CategoryKey,
        Self::ReleaseShare,
        Self::NoteKey,
        Self::GuardianShare,
        Self::Slot,
    ];

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == code)
    }

    /// Returns the HPKE KEM id of this kind.
    const fn kem(self) -> u16 {
        match self {
            Self::Slot => CategoryPublicKey::KEM,
            _ => PublicKey::KEM,
        }
    }

    const fn capsule_len(self) -> usize {
        match self {
            Self::Slot => SLOT_CAPSULE_LEN,
            _ => CAPSULE_LEN,
        }
    }

    fn is_encapsulation(self, enc: &[u8]) -> bool {
        match self {
            Self::Slot => CategoryPublicKey::is_well_formed(enc),
            _ => PublicKey::is_well_formed(enc),
        }
    }

    fn header(self) -> [u8; HEADER_LEN] {
        let kem = self.kem().to_be_bytes();
        [VERSION, kem[0], kem[1], self as u8]
    }
}

/// A secret that can be sealed in capsules of one kind.
pub trait Sealable: Secret {
    /// The kind of capsule for this secret.
    const KIND: CapsuleKind;
    /// The public key to which this kind is sealed.
    type PublicKey: Encapsulate;
    /// The private key that opens this kind.
    type PrivateKey: Decapsulate<PublicKey = Self::PublicKey>;
}

macro_rules! sealed_to_identity_keys {
    ($($secret:ident: $kind:ident),+ $(,)?) => {$(
        impl Sealable for $secret {
            const KIND: CapsuleKind = CapsuleKind::$kind;
            type PublicKey = PublicKey;
            type PrivateKey = IdentityKey;
        }
    )+};
}

sealed_to_identity_keys! {
    DataKey: Owner,
    ReaderShare: ReaderShare,
    CategorySecret: CategoryKey,
    ReleaseShare: ReleaseShare,
    NoteKey: NoteKey,
    GuardianShare: GuardianShare,
}

impl Sealable for SlotShare {
    const KIND: CapsuleKind = CapsuleKind::Slot;
    type PublicKey = CategoryPublicKey;
    type PrivateKey = CategoryKey;
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
    /// The version, the KEM, the kind or the length is wrong, or a point is not on the curve.
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

/// A capsule of a known version and kind, with the KEM and the length of its kind.
#[derive(Clone, PartialEq, Eq)]
pub struct Capsule(Box<[u8]>);

impl Capsule {
    /// Checks version, kind, KEM and length, in this order, and the encapsulated key as far as it can be checked without
    /// a private key.
    ///
    /// # Errors
    /// [`CapsuleError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CapsuleError> {
        let header: &[u8; HEADER_LEN] = bytes.first_chunk().ok_or(CapsuleError::Malformed)?;
        let kind = CapsuleKind::from_code(header[3]).ok_or(CapsuleError::Malformed)?;
        if *header != kind.header() || bytes.len() != kind.capsule_len() {
            return Err(CapsuleError::Malformed);
        }
        let (enc, _) = parts(bytes);
        if kind.is_encapsulation(enc) { Ok(Self(bytes.into())) } else { Err(CapsuleError::Malformed) }
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the kind of the secret inside.
    #[must_use]
    pub fn kind(&self) -> CapsuleKind {
        CapsuleKind::from_code(self.0[3]).expect("checked when made")
    }

    /// Seals a secret. The same secret, recipient and binding always give the same bytes.
    #[must_use]
    pub fn seal<S: Sealable>(secret: &S, recipient: &S::PublicKey, binding: &Binding) -> Self {
        let (header, aad) = (S::KIND.header(), binding.to_bytes());
        let (shared_secret, enc) = recipient.encapsulate(secret.expose(), &header, &aad);
        let ciphertext = hpke::seal(S::KIND.kem(), &shared_secret, &info(header), &aad, secret.expose());
        Self([header.as_slice(), &enc, &ciphertext].concat().into())
    }

    /// Opens the capsule, and checks that sealing its content again gives the same bytes.
    ///
    /// # Errors
    /// [`CapsuleError::Malformed`] for a capsule of another kind, [`CapsuleError::NoMatch`] for another key or
    /// binding, [`CapsuleError::Commitment`] when sealing the content again gives other bytes.
    pub fn open<S: Sealable>(&self, recipient: &S::PrivateKey, binding: &Binding) -> Result<S, CapsuleError> {
        if self.kind() != S::KIND {
            return Err(CapsuleError::Malformed);
        }
        let (enc, ciphertext) = parts(&self.0);
        let shared_secret = recipient.decapsulate(enc).ok_or(CapsuleError::NoMatch)?;
        let info = info(S::KIND.header());
        let opened = hpke::open(S::KIND.kem(), &shared_secret, &info, &binding.to_bytes(), ciphertext)
            .ok_or(CapsuleError::NoMatch)?;
        let secret = S::from_bytes(*opened);
        if self.verify(&secret, recipient.public_key(), binding) { Ok(secret) } else { Err(CapsuleError::Commitment) }
    }

    /// Returns whether [`Capsule::seal`] gives this capsule for the secret, recipient and binding. Takes constant time.
    #[must_use]
    pub fn verify<S: Sealable>(&self, secret: &S, recipient: &S::PublicKey, binding: &Binding) -> bool {
        Self::seal(secret, recipient, binding).0.ct_eq(&self.0).into()
    }
}

/// Returns `enc` and the ciphertext of a capsule whose length was checked.
fn parts(capsule: &[u8]) -> (&[u8], &[u8; CIPHERTEXT_LEN]) {
    let (rest, ciphertext) = capsule.split_last_chunk().expect("every capsule is longer than its ciphertext");
    (&rest[HEADER_LEN..], ciphertext)
}

fn info(header: [u8; HEADER_LEN]) -> Vec<u8> {
    [kdf::CAPSULE, &header].concat()
}

impl std::fmt::Display for Capsule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "0x{}", hex::encode(&self.0))
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
        let digits = text.strip_prefix("0x").ok_or(CapsuleError::Malformed)?;
        // Before a long text is decoded.
        if digits.len() > 2 * CAPSULE_LEN {
            return Err(CapsuleError::Malformed);
        }
        Self::from_bytes(&hex::decode(digits).map_err(|_| CapsuleError::Malformed)?)
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
