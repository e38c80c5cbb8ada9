use alloy::{
    primitives::{Address, B256, Bytes},
    sol_types::SolCall,
};
use protocol::{
    deployment::{ContractName, Deployment},
    messages::{self, Action, SignedAction},
};

use crate::{
    access_log::AccessLog, accreditation::Accreditation, grant_registry::GrantRegistry, key_registry::KeyRegistry,
    record_registry::RecordRegistry,
};

/// Returns the contract and the calldata with which anyone can submit a signed action (the `…BySig` functions).
///
/// Returns `None` for a checkpoint, which also needs the preimage of the stored head: see [`checkpoint_call`].
#[must_use]
pub fn call_of(signed: &SignedAction, deployment: &Deployment) -> Option<(Address, Bytes)> {
    /// Makes the signer's authorisation, in the type that the contract uses for it.
    macro_rules! auth {
        ($contract:ident, $message:expr) => {
            $contract::Authorization {
                nonce: $message.nonce,
                deadline: $message.deadline,
                signature: signed.signature.clone(),
            }
        };
    }
    let data = match &signed.action {
        Action::AddAccreditor(m) => Accreditation::addAccreditorBySigCall {
            accreditor: m.accreditor,
            epoch: m.epoch,
            auth: auth!(Accreditation, m),
        }
        .abi_encode(),
        Action::RemoveAccreditor(m) => {
            Accreditation::removeAccreditorBySigCall { accreditor: m.accreditor, auth: auth!(Accreditation, m) }
                .abi_encode()
        }
        Action::Accredit(m) => Accreditation::accreditBySigCall {
            accreditor: m.accreditor,
            practitioner: m.practitioner,
            roles: m.roles,
            validFrom: m.validFrom,
            validUntil: m.validUntil,
            epoch: m.epoch,
            accreditorEpoch: m.accreditorEpoch,
            auth: auth!(Accreditation, m),
        }
        .abi_encode(),
        Action::Suspend(m) => Accreditation::suspendBySigCall {
            accreditor: m.accreditor,
            practitioner: m.practitioner,
            auth: auth!(Accreditation, m),
        }
        .abi_encode(),
        Action::RegisterKey(m) => KeyRegistry::registerKeyBySigCall {
            owner: m.owner,
            slot: m.slot,
            epoch: m.epoch,
            kem: m.kem,
            key: m.key.clone(),
            auth: auth!(KeyRegistry, m),
        }
        .abi_encode(),
        Action::RegisterRecord(m) => RecordRegistry::registerRecordBySigCall {
            uploader: m.uploader,
            record: new_record(m),
            auth: auth!(RecordRegistry, m),
        }
        .abi_encode(),
        Action::RegisterVersion(m) => RecordRegistry::registerVersionBySigCall {
            uploader: m.uploader,
            version: new_version(m),
            auth: auth!(RecordRegistry, m),
        }
        .abi_encode(),
        Action::Supersede(m) => RecordRegistry::supersedeBySigCall {
            patient: m.patient,
            record: m.record,
            version: m.version,
            auth: auth!(RecordRegistry, m),
        }
        .abi_encode(),
        Action::Tombstone(m) => RecordRegistry::tombstoneBySigCall {
            patient: m.patient,
            record: m.record,
            epoch: m.epoch,
            auth: auth!(RecordRegistry, m),
        }
        .abi_encode(),
        Action::LiftTombstone(m) => RecordRegistry::liftTombstoneBySigCall {
            patient: m.patient,
            record: m.record,
            epoch: m.epoch,
            auth: auth!(RecordRegistry, m),
        }
        .abi_encode(),
        Action::Retract(m) => RecordRegistry::retractBySigCall {
            uploader: m.uploader,
            record: m.record,
            version: m.version,
            salt: m.salt,
            writeSalt: m.writeSalt,
            auth: auth!(RecordRegistry, m),
        }
        .abi_encode(),
        Action::Grant(m) => {
            GrantRegistry::grantBySigCall { patient: m.patient, newGrant: new_grant(m), auth: auth!(GrantRegistry, m) }
                .abi_encode()
        }
        Action::Revoke(m) => {
            GrantRegistry::revokeBySigCall { patient: m.patient, grants: grant_refs(m), auth: auth!(GrantRegistry, m) }
                .abi_encode()
        }
        Action::RevokeAll(m) => {
            GrantRegistry::revokeAllBySigCall { patient: m.patient, auth: auth!(GrantRegistry, m) }.abi_encode()
        }
        Action::Checkpoint(_) => return None,
    };
    Some((deployment.address_of(signed.action.contract()), data.into()))
}

/// Returns the contract and the calldata with which the signer executes an action in a separate transaction. Nonce and
/// deadline of the message are not used.
///
/// Returns `None` for a checkpoint, which operators always send signed.
#[must_use]
pub fn direct_call_of(action: &Action, deployment: &Deployment) -> Option<(Address, Bytes)> {
    let data = match action {
        Action::AddAccreditor(m) => {
            Accreditation::addAccreditorCall { accreditor: m.accreditor, epoch: m.epoch }.abi_encode()
        }
        Action::RemoveAccreditor(m) => Accreditation::removeAccreditorCall { accreditor: m.accreditor }.abi_encode(),
        Action::Accredit(m) => Accreditation::accreditCall {
            practitioner: m.practitioner,
            roles: m.roles,
            validFrom: m.validFrom,
            validUntil: m.validUntil,
            epoch: m.epoch,
            accreditorEpoch: m.accreditorEpoch,
        }
        .abi_encode(),
        Action::Suspend(m) => Accreditation::suspendCall { practitioner: m.practitioner }.abi_encode(),
        Action::RegisterKey(m) => {
            KeyRegistry::registerKeyCall { slot: m.slot, epoch: m.epoch, kem: m.kem, key: m.key.clone() }.abi_encode()
        }
        Action::RegisterRecord(m) => RecordRegistry::registerRecordCall { record: new_record(m) }.abi_encode(),
        Action::RegisterVersion(m) => RecordRegistry::registerVersionCall { version: new_version(m) }.abi_encode(),
        Action::Supersede(m) => RecordRegistry::supersedeCall { record: m.record, version: m.version }.abi_encode(),
        Action::Tombstone(m) => RecordRegistry::tombstoneCall { record: m.record }.abi_encode(),
        Action::LiftTombstone(m) => RecordRegistry::liftTombstoneCall { record: m.record, epoch: m.epoch }.abi_encode(),
        Action::Retract(m) => {
            RecordRegistry::retractCall { record: m.record, version: m.version, salt: m.salt, writeSalt: m.writeSalt }
                .abi_encode()
        }
        Action::Grant(m) => GrantRegistry::grantCall { newGrant: new_grant(m) }.abi_encode(),
        Action::Revoke(m) => GrantRegistry::revokeCall { grants: grant_refs(m) }.abi_encode(),
        Action::RevokeAll(_) => GrantRegistry::revokeAllCall {}.abi_encode(),
        Action::Checkpoint(_) => return None,
    };
    Some((deployment.address_of(action.contract()), data.into()))
}

/// Returns the contract and the calldata with which anyone can submit a signed checkpoint.
///
/// `accesses` is the batch whose hash is in the message ([`messages::accesses_hash`]); the contract refuses every other
/// batch. `previous`, `size` and `root` are the preimage of the stored head that the message replaces; all are zero for
/// an empty log.
#[must_use]
pub fn checkpoint_call(
    message: &messages::Checkpoint,
    accesses: &[messages::Access],
    signature: &Bytes,
    (previous, size, root): (B256, u64, B256),
    deployment: &Deployment,
) -> (Address, Bytes) {
    let data = AccessLog::checkpointBySigCall {
        operator: message.operator,
        current: AccessLog::Head { previous, size, root },
        root: message.root,
        accesses: accesses
            .iter()
            .map(|access| AccessLog::Access {
                record: access.record,
                tag: access.tag,
                purposes: access.purposes,
                leaf: access.leaf,
            })
            .collect(),
        auth: AccessLog::Authorization {
            nonce: message.nonce,
            deadline: message.deadline,
            signature: signature.clone(),
        },
    }
    .abi_encode();
    (deployment.address_of(ContractName::AccessLog), data.into())
}

fn new_record(m: &messages::RegisterRecord) -> RecordRegistry::NewRecord {
    RecordRegistry::NewRecord {
        patient: m.patient,
        salt: m.salt,
        category: m.category,
        codec: m.codec,
        digest: m.digest,
        writeSalt: m.writeSalt,
    }
}

fn new_version(m: &messages::RegisterVersion) -> RecordRegistry::NewVersion {
    RecordRegistry::NewVersion {
        record: m.record,
        version: m.version,
        codec: m.codec,
        digest: m.digest,
        salt: m.salt,
        writeSalt: m.writeSalt,
    }
}

fn new_grant(m: &messages::Grant) -> GrantRegistry::NewGrant {
    GrantRegistry::NewGrant {
        tag: m.tag,
        rights: m.rights,
        purposes: m.purposes,
        notBefore: m.notBefore,
        notAfter: m.notAfter,
        patientEpoch: m.patientEpoch,
        scopes: m
            .scopes
            .iter()
            .map(|scope| GrantRegistry::Scope {
                kind: scope.kind,
                id: scope.id,
                epoch: scope.epoch,
                bundleHash: scope.bundleHash,
            })
            .collect(),
    }
}

fn grant_refs(m: &messages::Revoke) -> Vec<GrantRegistry::GrantRef> {
    m.grants.iter().map(|grant| GrantRegistry::GrantRef { tag: grant.tag, kind: grant.kind, id: grant.id }).collect()
}
