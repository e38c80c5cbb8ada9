//! The header: the first 1,216 bytes of an envelope, which are not encrypted.

use alloy::primitives::{Address, B256};
use subtle::ConstantTimeEq;

use super::{EnvelopeContext, OpenError};
use crate::{
    capsule::{Binding, CAPSULE_LEN, Capsule, CapsuleError},
    identity::{IdentityKey, PublicKey},
    ids::RecordId,
    kdf,
    secret::{DataKey, ReleaseShare},
};

/// The length of the header, in bytes.
pub const HEADER_LEN: usize = CAPSULE_AT + CAPSULE_LEN;
/// The name of the envelope format, which is also the first four bytes of each file.
pub const FORMAT: &str = "MLK2";
const MAGIC: &[u8] = FORMAT.as_bytes();
const SUITE: u8 = 0x01;
const FLAGS: u8 = 0b11;
const CAPSULE_AT: usize = 44;

/// The unencrypted part of an envelope. FLOE authenticates it, so it can be trusted only after a segment or the FLOE
/// header was opened. Servers compare it with the chain before they accept a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The record that the envelope belongs to.
    pub record: RecordId,
    /// The version of the record, from 1.
    pub version: u16,
    /// The epoch of the patient's identity key to which the owner capsule is sealed, from 1.
    pub key_epoch: u32,
    /// The data key, sealed to the patient.
    pub owner_capsule: Capsule,
}

impl Header {
    /// Makes the header of a new envelope and seals the data key to the patient.
    #[must_use]
    pub fn new(
        context: &EnvelopeContext,
        record: RecordId,
        version: u16,
        patient: Address,
        patient_key: (&PublicKey, u32),
        dek: &DataKey,
    ) -> Self {
        let (public_key, key_epoch) = patient_key;
        let binding = Binding::owner(&context.record_version(record, version), patient, key_epoch);
        Self { record, version, key_epoch, owner_capsule: Capsule::seal(dek, public_key, &binding) }
    }

    /// Parses the first 1,216 bytes of a file.
    ///
    /// # Errors
    /// [`OpenError::Header`] when there are fewer bytes, or when one of them does not match the layout.
    pub fn parse(file: &[u8]) -> Result<Self, OpenError> {
        let bytes: &[u8; HEADER_LEN] = file.first_chunk().ok_or(OpenError::Header)?;
        let version = u16::from_be_bytes([bytes[6], bytes[7]]);
        let key_epoch = u32::from_be_bytes([bytes[40], bytes[41], bytes[42], bytes[43]]);
        if !bytes.starts_with(MAGIC) || bytes[4] != SUITE || bytes[5] != FLAGS || version == 0 || key_epoch == 0 {
            return Err(OpenError::Header);
        }
        let owner_capsule = Capsule::from_bytes(&bytes[CAPSULE_AT..]).map_err(|_| OpenError::Header)?;
        if owner_capsule.kind() != crate::capsule::CapsuleKind::Owner {
            return Err(OpenError::Header);
        }
        Ok(Self { record: RecordId(B256::from_slice(&bytes[8..40])), version, key_epoch, owner_capsule })
    }

    /// Returns the 1,216 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[..4].copy_from_slice(MAGIC);
        bytes[4] = SUITE;
        bytes[5] = FLAGS;
        bytes[6..8].copy_from_slice(&self.version.to_be_bytes());
        bytes[8..40].copy_from_slice(self.record.0.as_slice());
        bytes[40..44].copy_from_slice(&self.key_epoch.to_be_bytes());
        bytes[CAPSULE_AT..].copy_from_slice(self.owner_capsule.as_bytes());
        bytes
    }

    /// Checks that the envelope is for the requested record version. A hostile store may serve another one.
    ///
    /// # Errors
    /// [`OpenError::Header`] when it is not.
    pub fn expect(&self, record: RecordId, version: u16) -> Result<(), OpenError> {
        if self.record == record && self.version == version { Ok(()) } else { Err(OpenError::Header) }
    }

    /// Opens the owner capsule with the patient's key, and checks that sealing the data key gives it again.
    ///
    /// # Errors
    /// [`OpenError::NoMatch`] for another key, patient, record, version, epoch, chain or registry;
    /// [`OpenError::Commitment`] for a capsule that does not follow the protocol.
    pub fn open_owner_capsule(
        &self,
        context: &EnvelopeContext,
        patient: Address,
        identity_key: &IdentityKey,
    ) -> Result<DataKey, OpenError> {
        self.owner_capsule.open(identity_key, &self.owner_binding(context, patient)).map_err(|error| match error {
            CapsuleError::Malformed => OpenError::Header,
            CapsuleError::NoMatch => OpenError::NoMatch,
            CapsuleError::Commitment => OpenError::Commitment,
        })
    }

    /// Computes B and the owner capsule again from the data key. A reader who has joined the data key does this, so
    /// that an uploader cannot exclude the patient from a record that others can read. `patient_key` is the patient's
    /// key of [`Header::key_epoch`], from the chain. Patients call this function for each new version, with the share
    /// that they deposited or fetched.
    ///
    /// # Errors
    /// [`OpenError::Commitment`] when B or the owner capsule differs.
    pub fn check_commitment(
        &self,
        context: &EnvelopeContext,
        patient: Address,
        patient_key: &PublicKey,
        dek: &DataKey,
        released: &ReleaseShare,
    ) -> Result<(), OpenError> {
        let expected = dek.release_share(&context.record_version(self.record, self.version));
        let share_holds = expected.ct_eq(released);
        let capsule_holds = self.owner_capsule.verify(dek, patient_key, &self.owner_binding(context, patient));
        if bool::from(share_holds) && capsule_holds { Ok(()) } else { Err(OpenError::Commitment) }
    }

    /// Returns FLOE's associated data: label ‖ header ‖ chain id ‖ RecordRegistry.
    pub(super) fn associated_data(&self, context: &EnvelopeContext) -> Vec<u8> {
        [kdf::ENVELOPE, &self.to_bytes(), &context.chain_id.to_be_bytes(), context.registry.as_slice()].concat()
    }

    fn owner_binding(&self, context: &EnvelopeContext, patient: Address) -> Binding {
        Binding::owner(&context.record_version(self.record, self.version), patient, self.key_epoch)
    }
}
