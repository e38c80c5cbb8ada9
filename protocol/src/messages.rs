//! The EIP-712 messages that people sign, one for each action of the contracts.
//!
//! Anyone may submit a signed message; the submitter gains no rights. Field names are the Solidity names, because they
//! are part of the signed type (EIP-712). [`Action::sentence`] is the text that a person reads before signing.

use alloy::{
    primitives::{Address, B256, Bytes, Keccak256, Signature, U256},
    sol_types::{SolStruct, SolValue},
};
use serde::{Deserialize, Serialize};

use crate::{
    codes::{Category, MAX_SCOPES, Purpose, Right, Role, ScopeKind},
    deployment::{ContractName, Deployment},
    ids::ActionId,
    typed_data::typed_data,
};

pub use register_key::RegisterKey;

/// The largest number of grants in one Revoke. Clients put far fewer into one message ([`MAX_SCOPES`]). A relayer may
/// accept fewer, because of their gas.
pub const REVOKED_MAX: usize = 1_000;

/// The longest encryption key that `RegisterKey` publishes, in bytes. The slot of the category keys contains a list of
/// keys.
pub const KEY_BYTES_MAX: usize = 8_192;

/// The gas that a contract account may use to check a signature (ERC-1271). It is enough for several owners or a
/// passkey. An account that needs more sends the action itself.
pub const CONTRACT_SIGNATURE_GAS_MAX: u64 = 400_000;

/// The longest signature that a contract account is asked to check, in bytes.
pub const CONTRACT_SIGNATURE_BYTES_MAX: usize = 4_096;

/// The gas limit of that check, which runs another party's code: the cost of a transaction, the cost of the longest
/// signature at the floor price, and the gas that the account may use.
pub const CONTRACT_SIGNATURE_CALL_GAS: u64 =
    21_000 + 40 * (CONTRACT_SIGNATURE_BYTES_MAX as u64 + 200) + CONTRACT_SIGNATURE_GAS_MAX;

typed_data! {
    /// The owner names an accreditor. `epoch` is the accreditor's epoch that this message replaces (0 for the first
    /// time).
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct AddAccreditor { address owner; address accreditor; uint32 epoch; uint256 nonce; uint256 deadline; }

    /// The owner removes an accreditor. The message contains no state and is always accepted.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct RemoveAccreditor { address owner; address accreditor; uint256 nonce; uint256 deadline; }

    /// An accreditor vouches for a practitioner, which also ends a suspension. `epoch` is the practitioner's epoch that
    /// this message replaces (0 for the first time). `accreditorEpoch` is the accreditor's epoch; the accreditation
    /// counts only in this epoch.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Accredit {
        address accreditor; address practitioner; uint8 roles; uint40 validFrom; uint40 validUntil; uint32 epoch;
        uint32 accreditorEpoch; uint256 nonce; uint256 deadline;
    }

    /// An accreditor suspends one of its practitioners. The message contains no state and is always accepted.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Suspend { address accreditor; address practitioner; uint256 nonce; uint256 deadline; }

    /// An uploader registers the first version of a record.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct RegisterRecord {
        address uploader; address patient; bytes32 salt; uint16 category; uint8 codec; bytes32 digest; bytes32 writeSalt;
        uint256 nonce; uint256 deadline;
    }

    /// An uploader registers a further version of a record. `version` is the version that this message replaces.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct RegisterVersion {
        address uploader; bytes32 record; uint16 version; uint8 codec; bytes32 digest; bytes32 salt; bytes32 writeSalt;
        uint256 nonce; uint256 deadline;
    }

    /// A patient marks a record as replaced by something newer. `version` is the newest version.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Supersede { address patient; bytes32 record; uint16 version; uint256 nonce; uint256 deadline; }

    /// A patient closes a record for everybody. `epoch` is the present tombstone epoch of the record. Because of it, a
    /// message that was held back cannot close a record that the patient has closed and opened since.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Tombstone { address patient; bytes32 record; uint32 epoch; uint256 nonce; uint256 deadline; }

    /// A patient opens a tombstoned record again, within the lift period. `epoch` identifies the tombstone that is
    /// lifted.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct LiftTombstone { address patient; bytes32 record; uint32 epoch; uint256 nonce; uint256 deadline; }

    /// The first uploader declares that its versions up to `version` must not be relied on. Nothing is deleted.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Retract {
        address uploader; bytes32 record; uint16 version; bytes32 salt; bytes32 writeSalt; uint256 nonce; uint256 deadline;
    }

    /// One scope of a grant. `epoch` is the grant epoch that the grant replaces.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Scope { uint8 kind; bytes32 id; uint32 epoch; bytes32 bundleHash; }

    /// A patient grants one right to one tag, over one or more scopes.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Grant {
        address patient; bytes32 tag; uint8 rights; uint16 purposes; uint40 notBefore; uint40 notAfter; uint32 patientEpoch;
        Scope[] scopes; uint256 nonce; uint256 deadline;
    }

    /// Identifies one grant of a patient.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct GrantRef { bytes32 tag; uint8 kind; bytes32 id; }

    /// A patient ends grants.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Revoke { address patient; GrantRef[] grants; uint256 nonce; uint256 deadline; }

    /// A patient ends every grant at once.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct RevokeAll { address patient; uint256 nonce; uint256 deadline; }

    /// One key release, as it is stored on chain.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Access { bytes32 record; bytes32 tag; uint16 purposes; bytes32 leaf; }

    /// The operator anchors its log. `previousHead` is the head that this message replaces, `size` the new size,
    /// `accessesHash` the [`accesses_hash`] of the batch, which is submitted together with the message.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Checkpoint {
        address operator; bytes32 previousHead; uint64 size; bytes32 root; bytes32 accessesHash; uint256 nonce; uint256 deadline;
    }
}

/// Returns the hash of a batch that a [`Checkpoint`] contains: keccak256 of the ABI words of all accesses in a row
/// (record, tag, purposes, leaf of the first, then of the second, and so on), as they are in the call data.
#[must_use]
pub fn accesses_hash(accesses: &[Access]) -> B256 {
    let mut hasher = Keccak256::new();
    for access in accesses {
        hasher.update(access.abi_encode());
    }
    hasher.finalize()
}

/// One action of the contracts, unsigned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "message", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// See [`AddAccreditor`].
    AddAccreditor(AddAccreditor),
    /// See [`RemoveAccreditor`].
    RemoveAccreditor(RemoveAccreditor),
    /// See [`Accredit`].
    Accredit(Accredit),
    /// See [`Suspend`].
    Suspend(Suspend),
    /// See [`RegisterKey`].
    RegisterKey(RegisterKey),
    /// See [`RegisterRecord`].
    RegisterRecord(RegisterRecord),
    /// See [`RegisterVersion`].
    RegisterVersion(RegisterVersion),
    /// See [`Supersede`].
    Supersede(Supersede),
    /// See [`Tombstone`].
    Tombstone(Tombstone),
    /// See [`LiftTombstone`].
    LiftTombstone(LiftTombstone),
    /// See [`Retract`].
    Retract(Retract),
    /// See [`Grant`].
    Grant(Grant),
    /// See [`Revoke`].
    Revoke(Revoke),
    /// See [`RevokeAll`].
    RevokeAll(RevokeAll),
    /// See [`Checkpoint`].
    Checkpoint(Checkpoint),
}

/// Evaluates one expression for the message inside an [`Action`], for every type of message.
macro_rules! each {
    ($action:expr, $message:ident => $body:expr) => {
        match $action {
            Action::AddAccreditor($message) => $body,
            Action::RemoveAccreditor($message) => $body,
            Action::Accredit($message) => $body,
            Action::Suspend($message) => $body,
            Action::RegisterKey($message) => $body,
            Action::RegisterRecord($message) => $body,
            Action::RegisterVersion($message) => $body,
            Action::Supersede($message) => $body,
            Action::Tombstone($message) => $body,
            Action::LiftTombstone($message) => $body,
            Action::Retract($message) => $body,
            Action::Grant($message) => $body,
            Action::Revoke($message) => $body,
            Action::RevokeAll($message) => $body,
            Action::Checkpoint($message) => $body,
        }
    };
}

impl Action {
    /// Returns the contract that executes the action.
    #[must_use]
    pub const fn contract(&self) -> ContractName {
        match self {
            Self::AddAccreditor(_) | Self::RemoveAccreditor(_) | Self::Accredit(_) | Self::Suspend(_) => {
                ContractName::Accreditation
            }
            Self::RegisterKey(_) => ContractName::KeyRegistry,
            Self::RegisterRecord(_)
            | Self::RegisterVersion(_)
            | Self::Supersede(_)
            | Self::Tombstone(_)
            | Self::LiftTombstone(_)
            | Self::Retract(_) => ContractName::RecordRegistry,
            Self::Grant(_) | Self::Revoke(_) | Self::RevokeAll(_) => ContractName::GrantRegistry,
            Self::Checkpoint(_) => ContractName::AccessLog,
        }
    }

    /// Returns a stable word for logs and metrics. It contains nothing about a person.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AddAccreditor(_) => "add_accreditor",
            Self::RemoveAccreditor(_) => "remove_accreditor",
            Self::Accredit(_) => "accredit",
            Self::Suspend(_) => "suspend",
            Self::RegisterKey(_) => "register_key",
            Self::RegisterRecord(_) => "register_record",
            Self::RegisterVersion(_) => "register_version",
            Self::Supersede(_) => "supersede",
            Self::Tombstone(_) => "tombstone",
            Self::LiftTombstone(_) => "lift_tombstone",
            Self::Retract(_) => "retract",
            Self::Grant(_) => "grant",
            Self::Revoke(_) => "revoke",
            Self::RevokeAll(_) => "revoke_all",
            Self::Checkpoint(_) => "checkpoint",
        }
    }

    /// Returns whether the action only takes rights or a record away: Revoke, RevokeAll, Suspend, RemoveAccreditor,
    /// Tombstone. Such a message is valid for 30 days and never waits for a message that gives something. All of them
    /// except a signed Tombstone contain no state and are always accepted.
    #[must_use]
    pub const fn takes_away(&self) -> bool {
        match self {
            Self::Revoke(_)
            | Self::RevokeAll(_)
            | Self::Suspend(_)
            | Self::RemoveAccreditor(_)
            | Self::Tombstone(_) => true,
            Self::AddAccreditor(_)
            | Self::Accredit(_)
            | Self::RegisterKey(_)
            | Self::RegisterRecord(_)
            | Self::RegisterVersion(_)
            | Self::Supersede(_)
            | Self::LiftTombstone(_)
            | Self::Retract(_)
            | Self::Grant(_)
            | Self::Checkpoint(_) => false,
        }
    }

    /// Returns the address that must sign the action.
    #[must_use]
    pub const fn signer(&self) -> Address {
        match self {
            Self::AddAccreditor(m) => m.owner,
            Self::RemoveAccreditor(m) => m.owner,
            Self::Accredit(m) => m.accreditor,
            Self::Suspend(m) => m.accreditor,
            Self::RegisterKey(m) => m.owner,
            Self::RegisterRecord(m) => m.uploader,
            Self::RegisterVersion(m) => m.uploader,
            Self::Supersede(m) => m.patient,
            Self::Tombstone(m) => m.patient,
            Self::LiftTombstone(m) => m.patient,
            Self::Retract(m) => m.uploader,
            Self::Grant(m) => m.patient,
            Self::Revoke(m) => m.patient,
            Self::RevokeAll(m) => m.patient,
            Self::Checkpoint(m) => m.operator,
        }
    }

    /// Returns the signer's nonce. Nonces may be used in any order.
    #[must_use]
    pub fn nonce(&self) -> U256 {
        each!(self, m => m.nonce)
    }

    /// Returns the deadline. The action is valid while block time (seconds) is below it.
    #[must_use]
    pub fn deadline(&self) -> U256 {
        each!(self, m => m.deadline)
    }

    /// Returns the 32 bytes that the signer's wallet signs: `keccak256(0x1901 ‖ domain ‖ struct)` (EIP-712).
    #[must_use]
    pub fn signing_hash(&self, deployment: &Deployment) -> B256 {
        let domain = deployment.domain_of(self.contract());
        each!(self, m => m.eip712_signing_hash(&domain))
    }

    /// Returns the id of the action while it is relayed.
    #[must_use]
    pub fn id(&self, deployment: &Deployment) -> ActionId {
        ActionId(self.signing_hash(deployment))
    }

    /// Returns one sentence for the person who signs. It says what the signature allows.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::AddAccreditor(m) => format!("Let {} vouch for practitioners.", m.accreditor),
            Self::RemoveAccreditor(m) => {
                format!("Remove {} as an accreditor, and end all accreditations that it gave.", m.accreditor)
            }
            Self::Accredit(m) => {
                format!(
                    "Vouch for {} as {} until second {}.",
                    m.practitioner,
                    words(&Role::from_mask(m.roles)),
                    m.validUntil
                )
            }
            Self::Suspend(m) => format!("Suspend {}.", m.practitioner),
            Self::RegisterKey(m) => format!("Publish encryption key number {} for my address.", u64::from(m.epoch) + 1),
            Self::RegisterRecord(m) => format!(
                "Add a record of category {} for patient {}.",
                Category::from_code(m.category).map_or("unknown", Category::as_str),
                m.patient
            ),
            Self::RegisterVersion(m) => {
                format!("Add version {} to record {}.", u32::from(m.version) + 1, m.record)
            }
            Self::Supersede(m) => format!("Mark record {} as replaced by a newer one; it stays readable.", m.record),
            Self::Tombstone(m) => {
                format!("Close record {} for everybody; it is destroyed unless I open it again in time.", m.record)
            }
            Self::LiftTombstone(m) => format!("Open record {} again for the people that I share it with.", m.record),
            Self::Retract(m) => {
                format!("Warn everybody not to rely on my versions up to {} of record {}.", m.version, m.record)
            }
            Self::Grant(m) => format!(
                "Allow one person to {} {} for {} until second {}.",
                words(&Right::from_mask(m.rights)),
                scopes(&m.scopes),
                words(&Purpose::from_mask(m.purposes)),
                m.notAfter
            ),
            Self::Revoke(m) => format!("End {} permission(s) that I gave.", m.grants.len()),
            Self::RevokeAll(_) => "End every permission I ever gave.".to_owned(),
            Self::Checkpoint(m) => format!("Anchor the log at {} entries.", m.size),
        }
    }
}

fn words<T: std::fmt::Display>(members: &[T]) -> String {
    let words: Vec<String> = members.iter().map(ToString::to_string).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

fn scopes(scopes: &[Scope]) -> String {
    let of_kind = |kind: ScopeKind| scopes.iter().filter(|scope| scope.kind == kind.code()).count();
    if of_kind(ScopeKind::All) > 0 {
        "everything".to_owned()
    } else if of_kind(ScopeKind::Category) > 0 {
        let names: Vec<&str> = scopes
            .iter()
            .filter(|scope| scope.kind == ScopeKind::Category.code())
            .map(|scope| {
                let code = u16::from_be_bytes([scope.id[30], scope.id[31]]);
                Category::from_code(code).map_or("unknown", Category::as_str)
            })
            .collect();
        format!("records of {}", names.join(", "))
    } else {
        format!("{} record(s)", scopes.len())
    }
}

/// An action with its signature. Anyone can submit it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedAction {
    /// The action. The length of its lists and byte strings is limited.
    #[serde(deserialize_with = "bounded")]
    pub action: Action,
    /// The signature: 65 bytes r ‖ s ‖ v, or a signature that the signer's contract accepts (ERC-1271).
    #[serde(with = "crate::signature_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$", max_length = 16386)]
    pub signature: Bytes,
}

/// Reads an action. Refuses one that is longer than [`Action::is_bounded`] allows, before it is hashed.
fn bounded<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Action, D::Error> {
    let action = Action::deserialize(from)?;
    if action.is_bounded() {
        Ok(action)
    } else {
        Err(serde::de::Error::custom("a list or byte string of the message is too long"))
    }
}

impl Action {
    /// Returns whether lists and byte strings have at most the length in the OpenAPI document: [`MAX_SCOPES`] scopes,
    /// [`REVOKED_MAX`] grants, [`KEY_BYTES_MAX`] bytes.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        match self {
            Self::Grant(message) => message.scopes.len() <= MAX_SCOPES,
            Self::Revoke(message) => message.grants.len() <= REVOKED_MAX,
            Self::RegisterKey(message) => message.key.len() <= KEY_BYTES_MAX,
            _ => true,
        }
    }
}

/// The reason why a signature is not valid.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureError {
    /// The signature is not 65 bytes with v 27 or 28.
    #[error("the signature is malformed")]
    Malformed,
    /// The s of the signature is in the upper half of the group order (EIP-2).
    #[error("the signature has a high s")]
    HighS,
    /// The signature was made by another address.
    #[error("the signature was not made by the named signer")]
    WrongSigner,
}

impl SignedAction {
    /// Checks the signature of an externally owned account, as the contracts do. For contract accounts, use ERC-1271
    /// instead.
    ///
    /// # Errors
    /// See [`SignatureError`].
    pub fn verify(&self, deployment: &Deployment) -> Result<(), SignatureError> {
        verify_signature(self.action.signing_hash(deployment), self.action.signer(), &self.signature)
    }
}

/// Checks that `signature` (65 bytes r ‖ s ‖ v, low s, v 27 or 28) over `hash` was made by `signer`.
///
/// # Errors
/// See [`SignatureError`].
pub fn verify_signature(hash: B256, signer: Address, signature: &[u8]) -> Result<(), SignatureError> {
    let bytes: &[u8; 65] = signature.try_into().map_err(|_| SignatureError::Malformed)?;
    if !matches!(bytes[64], 27 | 28) {
        return Err(SignatureError::Malformed);
    }
    let signature = Signature::from_raw_array(bytes).map_err(|_| SignatureError::Malformed)?;
    if signature.normalize_s().is_some() {
        return Err(SignatureError::HighS);
    }
    let recovered = signature.recover_address_from_prehash(&hash).map_err(|_| SignatureError::Malformed)?;
    if recovered == signer && signer != Address::ZERO { Ok(()) } else { Err(SignatureError::WrongSigner) }
}

mod document;
mod register_key;
#[cfg(test)]
mod tests;
