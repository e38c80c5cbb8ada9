use alloy::sol_types::SolInterface;
use protocol::error_code::ErrorCode;

use crate::{
    access_log::AccessLog::AccessLogErrors, accreditation::Accreditation::AccreditationErrors,
    grant_registry::GrantRegistry::GrantRegistryErrors, key_registry::KeyRegistry::KeyRegistryErrors,
    record_registry::RecordRegistry::RecordRegistryErrors,
};

/// The meaning of a revert of one of the contracts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code.
    pub code: ErrorCode,
    /// The reason of the refusal, in a sentence that contains nothing about a person.
    pub detail: &'static str,
}

/// Decodes revert data. Returns `None` when it is not a custom error of our contracts.
///
/// Tries the errors of all contracts, because a call to one can revert inside another. An error that two contracts
/// share has the same meaning in both.
#[must_use]
pub fn refusal_of(revert: &[u8]) -> Option<Refusal> {
    record(revert)
        .or_else(|| grant(revert))
        .or_else(|| accreditation(revert))
        .or_else(|| key(revert))
        .or_else(|| log(revert))
}

const fn refusal(code: ErrorCode, detail: &'static str) -> Refusal {
    Refusal { code, detail }
}

/// The three errors that every contract inherits from `SignedActions`.
macro_rules! or_shared {
    ($errors:ident, $revert:expr, { $($own:pat => $refusal:expr,)* }) => {
        match $errors::abi_decode($revert).ok()? {
            $errors::ActionExpired(_) => refusal(ErrorCode::Expired, "The action's deadline has passed."),
            $errors::NonceUsed(_) => refusal(ErrorCode::NonceUsed, "This nonce was used or cancelled before."),
            $errors::InvalidSignature(_) => {
                refusal(ErrorCode::InvalidSignature, "The signature is malformed, or another account made it.")
            }
            $($own => $refusal,)*
            #[allow(unreachable_patterns, reason = "inherited library errors differ between contracts")]
            _ => refusal(ErrorCode::WouldRevert, "The contract refuses the action."),
        }
    };
}

fn record(revert: &[u8]) -> Option<Refusal> {
    Some(or_shared!(RecordRegistryErrors, revert, {
        RecordRegistryErrors::UnknownRecord(_) => refusal(ErrorCode::UnknownRecord, "There is no such record on chain."),
        RecordRegistryErrors::RecordExists(_) => refusal(ErrorCode::AlreadyExists, "This record is registered already."),
        RecordRegistryErrors::RecordIsTombstoned(_) => refusal(ErrorCode::RecordTombstoned, "The record was withdrawn."),
        RecordRegistryErrors::StaleVersion(_) => {
            refusal(ErrorCode::StaleState, "The message replaces another version than the current one.")
        },
        RecordRegistryErrors::UploadNotAllowed(_) => {
            refusal(ErrorCode::NoGrant, "The uploader is not accredited, or the patient has not allowed it to add records.")
        },
        RecordRegistryErrors::NotItsPatient(_) => {
            refusal(ErrorCode::Forbidden, "Only the patient of the record may do this.")
        },
        RecordRegistryErrors::NotItsUploader(_) => {
            refusal(ErrorCode::Forbidden, "Only the first uploader of the record, who is not its patient, may do this.")
        },
        RecordRegistryErrors::InvalidStatus(_) => refusal(
            ErrorCode::StaleState,
            "The record does not have the status that this needs: active to be superseded, tombstoned to be lifted.",
        ),
        RecordRegistryErrors::StaleTombstone(_) => {
            refusal(ErrorCode::StaleState, "The record was withdrawn or opened again since this was signed.")
        },
        RecordRegistryErrors::LiftPeriodOver(_) => {
            refusal(ErrorCode::LiftPeriodOver, "The time in which the tombstone could be lifted is over.")
        },
        RecordRegistryErrors::InvalidRetraction(_) => {
            refusal(ErrorCode::StaleState, "There is no such version, or it was retracted already.")
        },
        RecordRegistryErrors::InvalidRecord(_) => {
            refusal(ErrorCode::OutOfRange, "Category, codec, digest or patient is out of range.")
        },
    }))
}

fn grant(revert: &[u8]) -> Option<Refusal> {
    Some(or_shared!(GrantRegistryErrors, revert, {
        GrantRegistryErrors::StaleGrantEpoch(_) => {
            refusal(ErrorCode::StaleState, "The grant was changed or revoked since this was signed.")
        },
        GrantRegistryErrors::StalePatientEpoch(_) => {
            refusal(ErrorCode::StaleState, "The patient revoked everything since this was signed.")
        },
        GrantRegistryErrors::InvalidGrant(_) => {
            refusal(ErrorCode::OutOfRange, "Rights, purposes, period or scopes are out of range.")
        },
    }))
}

fn accreditation(revert: &[u8]) -> Option<Refusal> {
    Some(or_shared!(AccreditationErrors, revert, {
        AccreditationErrors::NotOwner(_) => refusal(ErrorCode::Forbidden, "Only the owner may do this."),
        AccreditationErrors::NotAccreditor(_) => refusal(ErrorCode::Forbidden, "Only an active accreditor may do this."),
        AccreditationErrors::NotItsAccreditor(_) => {
            refusal(ErrorCode::Forbidden, "Only the practitioner's own accreditor may do this.")
        },
        AccreditationErrors::InvalidAccreditation(_) => {
            refusal(ErrorCode::OutOfRange, "Roles are empty or unknown, or the period is empty.")
        },
        AccreditationErrors::StaleAccreditationEpoch(_) => refusal(
            ErrorCode::StaleState,
            "The practitioner was accredited or suspended since this was signed.",
        ),
        AccreditationErrors::StaleAccreditorEpoch(_) => {
            refusal(ErrorCode::StaleState, "The accreditor was named or removed since this was signed.")
        },
    }))
}

fn key(revert: &[u8]) -> Option<Refusal> {
    Some(or_shared!(KeyRegistryErrors, revert, {
        KeyRegistryErrors::StaleKeyEpoch(_) => {
            refusal(ErrorCode::StaleState, "The message replaces another key than the current one.")
        },
        KeyRegistryErrors::InvalidKey(_) => refusal(ErrorCode::OutOfRange, "The key has the wrong length or form."),
        KeyRegistryErrors::UnknownSlot(_) => refusal(ErrorCode::OutOfRange, "There is no such key slot."),
    }))
}

fn log(revert: &[u8]) -> Option<Refusal> {
    Some(or_shared!(AccessLogErrors, revert, {
        AccessLogErrors::StaleHead(_) => refusal(ErrorCode::StaleState, "The log has entries that were added since this was signed."),
        AccessLogErrors::InvalidBatch(_) => refusal(ErrorCode::OutOfRange, "A batch must have 1 to 1,000 entries."),
    }))
}

#[cfg(test)]
mod tests {
    use alloy::{primitives::B256, sol_types::SolError};

    use super::*;
    use crate::{access_log::AccessLog, grant_registry::GrantRegistry, record_registry::RecordRegistry};

    #[test]
    fn custom_errors_map_to_their_codes() {
        let stale = GrantRegistry::StalePatientEpoch { current: 3 }.abi_encode();
        assert_eq!(refusal_of(&stale).map(|r| r.code), Some(ErrorCode::StaleState));
        let unknown = RecordRegistry::UnknownRecord { id: B256::ZERO }.abi_encode();
        assert_eq!(refusal_of(&unknown).map(|r| r.code), Some(ErrorCode::UnknownRecord));
        let expired = AccessLog::ActionExpired { deadline: alloy::primitives::U256::ZERO }.abi_encode();
        assert_eq!(refusal_of(&expired).map(|r| r.code), Some(ErrorCode::Expired));
    }

    #[test]
    fn foreign_revert_data_means_nothing() {
        assert_eq!(refusal_of(&[]), None);
        assert_eq!(refusal_of(&[0xde, 0xad, 0xbe, 0xef]), None);
    }
}
