//! Limits for the deadlines and end times of signed messages. Everything that people sign must end at a foreseeable
//! time. The limits are defined only here: servers refuse messages that exceed them, and clients do not sign such
//! messages. The contracts accept any 40-bit time.

use alloy::primitives::{U256, aliases::U40};

use crate::{
    messages::Action,
    statements::{AccessRequest, DenyRequest},
};

/// The number of seconds from now to the deadline that a client sets for a message that takes something away
/// ([`Action::takes_away`]): 30 days. The message then stays valid while it waits because the chain is full or the
/// relayer does not have enough ether.
pub const REVOCATION_SECONDS: u64 = 30 * 86_400;
/// The number of seconds from now to the deadline that a client sets for every other action (an hour).
pub const DEADLINE_SECONDS: u64 = 3_600;
/// The largest number of seconds from now to the deadline of an action (31 days).
pub const DEADLINE_SECONDS_MAX: u64 = REVOCATION_SECONDS + 86_400;
/// The largest number of seconds from now to the end of a grant, of a grant that a request asks for, or of an
/// accreditation (20 years).
pub const AUTHORITY_SECONDS_MAX: u64 = 20 * 366 * 86_400;
/// The largest number of seconds that an access request may wait for an answer, and from now to the deadline of a
/// denial (90 days).
pub const REQUEST_SECONDS_MAX: u64 = 90 * 86_400;

/// An end time or deadline that is too far ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.as_str())]
#[non_exhaustive]
pub enum TooFarAhead {
    /// The deadline of an action; see [`DEADLINE_SECONDS_MAX`].
    Deadline,
    /// The end of a grant; see [`AUTHORITY_SECONDS_MAX`].
    Grant,
    /// The end of an accreditation; see [`AUTHORITY_SECONDS_MAX`].
    Accreditation,
    /// The deadline of a request; see [`REQUEST_SECONDS_MAX`].
    Request,
    /// The end of the grant that a request asks for; see [`AUTHORITY_SECONDS_MAX`].
    Wish,
    /// The deadline of a denial; see [`REQUEST_SECONDS_MAX`].
    Denial,
}

impl TooFarAhead {
    /// Returns the sentence to show to people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deadline => "the deadline is more than 31 days ahead",
            Self::Grant => "a grant must end within 20 years",
            Self::Accreditation => "an accreditation must end within 20 years",
            Self::Request => "the request's deadline is more than 90 days ahead",
            Self::Wish => "the end of the requested access is more than 20 years ahead",
            Self::Denial => "the denial's deadline is more than 90 days ahead",
        }
    }
}

impl Action {
    /// Checks every end time in the message.
    ///
    /// # Errors
    /// Returns the first end that is too far ahead of `now` (Unix seconds).
    pub fn check_ends(&self, now: u64) -> Result<(), TooFarAhead> {
        within(self.deadline(), now, DEADLINE_SECONDS_MAX, TooFarAhead::Deadline)?;
        match self {
            Self::Grant(grant) => check_grant_end(seconds(grant.notAfter), now),
            Self::Accredit(accredit) => check_accreditation_end(seconds(accredit.validUntil), now),
            Self::AddAccreditor(_)
            | Self::RemoveAccreditor(_)
            | Self::Suspend(_)
            | Self::RegisterKey(_)
            | Self::RegisterRecord(_)
            | Self::RegisterVersion(_)
            | Self::Supersede(_)
            | Self::Tombstone(_)
            | Self::LiftTombstone(_)
            | Self::Retract(_)
            | Self::Revoke(_)
            | Self::RevokeAll(_)
            | Self::Checkpoint(_) => Ok(()),
        }
    }

    /// Returns the number of seconds from now to the deadline that a client sets.
    #[must_use]
    pub const fn deadline_seconds(&self) -> u64 {
        if self.takes_away() { REVOCATION_SECONDS } else { DEADLINE_SECONDS }
    }
}

/// Checks the end of a grant, in Unix seconds.
///
/// # Errors
/// [`TooFarAhead::Grant`].
pub fn check_grant_end(end: u64, now: u64) -> Result<(), TooFarAhead> {
    within(U256::from(end), now, AUTHORITY_SECONDS_MAX, TooFarAhead::Grant)
}

/// Checks the end of an accreditation, in Unix seconds.
///
/// # Errors
/// [`TooFarAhead::Accreditation`].
pub fn check_accreditation_end(end: u64, now: u64) -> Result<(), TooFarAhead> {
    within(U256::from(end), now, AUTHORITY_SECONDS_MAX, TooFarAhead::Accreditation)
}

impl AccessRequest {
    /// Checks the deadline and the end of the grant that is asked for.
    ///
    /// # Errors
    /// Returns the first end that is too far ahead of `now` (Unix seconds).
    pub fn check_ends(&self, now: u64) -> Result<(), TooFarAhead> {
        within(self.deadline, now, REQUEST_SECONDS_MAX, TooFarAhead::Request)?;
        within(U256::from(self.until), now, AUTHORITY_SECONDS_MAX, TooFarAhead::Wish)
    }
}

impl DenyRequest {
    /// Checks the deadline.
    ///
    /// # Errors
    /// [`TooFarAhead::Denial`] when the deadline is too far ahead of `now` (Unix seconds).
    pub fn check_ends(&self, now: u64) -> Result<(), TooFarAhead> {
        within(self.deadline, now, REQUEST_SECONDS_MAX, TooFarAhead::Denial)
    }
}

fn within(end: U256, now: u64, seconds_max: u64, otherwise: TooFarAhead) -> Result<(), TooFarAhead> {
    if end > U256::from(now.saturating_add(seconds_max)) { Err(otherwise) } else { Ok(()) }
}

fn seconds(moment: U40) -> u64 {
    moment.to()
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256};

    use super::*;
    use crate::messages::{
        Accredit, AddAccreditor, Checkpoint, Grant, LiftTombstone, RegisterKey, RegisterRecord, RegisterVersion,
        RemoveAccreditor, Retract, Revoke, RevokeAll, Supersede, Suspend, Tombstone,
    };

    const NOW: u64 = 1_777_852_800;

    /// Returns one of each action with this deadline, and with this end where the action has one.
    fn each(deadline: U256, end: U40) -> Vec<Action> {
        let (me, nonce, word) = (Address::repeat_byte(1), U256::from(7), B256::repeat_byte(2));
        vec![
            Action::AddAccreditor(AddAccreditor { owner: me, accreditor: me, epoch: 0, nonce, deadline }),
            Action::RemoveAccreditor(RemoveAccreditor { owner: me, accreditor: me, nonce, deadline }),
            Action::Accredit(Accredit {
                accreditor: me,
                practitioner: me,
                roles: 1,
                validFrom: U40::ZERO,
                validUntil: end,
                epoch: 0,
                accreditorEpoch: 1,
                nonce,
                deadline,
            }),
            Action::Suspend(Suspend { accreditor: me, practitioner: me, nonce, deadline }),
            Action::RegisterKey(RegisterKey {
                owner: me,
                slot: 0,
                epoch: 0,
                kem: 1,
                key: Default::default(),
                nonce,
                deadline,
            }),
            Action::RegisterRecord(RegisterRecord {
                uploader: me,
                patient: me,
                salt: word,
                category: 1,
                codec: 0x55,
                digest: word,
                writeSalt: word,
                nonce,
                deadline,
            }),
            Action::RegisterVersion(RegisterVersion {
                uploader: me,
                record: word,
                version: 1,
                codec: 0x55,
                digest: word,
                salt: word,
                writeSalt: word,
                nonce,
                deadline,
            }),
            Action::Supersede(Supersede { patient: me, record: word, version: 1, nonce, deadline }),
            Action::Tombstone(Tombstone { patient: me, record: word, epoch: 0, nonce, deadline }),
            Action::LiftTombstone(LiftTombstone { patient: me, record: word, epoch: 1, nonce, deadline }),
            Action::Retract(Retract {
                uploader: me,
                record: word,
                version: 1,
                salt: word,
                writeSalt: word,
                nonce,
                deadline,
            }),
            Action::Grant(Grant {
                patient: me,
                tag: word,
                rights: 1,
                purposes: 1,
                notBefore: U40::ZERO,
                notAfter: end,
                patientEpoch: 0,
                scopes: Vec::new(),
                nonce,
                deadline,
            }),
            Action::Revoke(Revoke { patient: me, grants: Vec::new(), nonce, deadline }),
            Action::RevokeAll(RevokeAll { patient: me, nonce, deadline }),
            Action::Checkpoint(Checkpoint {
                operator: me,
                previousHead: word,
                size: 1,
                root: word,
                accessesHash: word,
                nonce,
                deadline,
            }),
        ]
    }

    #[test]
    fn every_action_has_a_deadline_within_reach() {
        let last = U256::from(NOW + DEADLINE_SECONDS_MAX);
        for action in each(last, U40::ZERO) {
            assert_eq!(action.check_ends(NOW), Ok(()), "{}", action.name());
        }
        for deadline in [last + U256::from(1), U256::from(u64::MAX), U256::MAX] {
            for action in each(deadline, U40::ZERO) {
                assert_eq!(action.check_ends(NOW), Err(TooFarAhead::Deadline), "{}", action.name());
            }
        }
    }

    #[test]
    fn every_authority_ends_within_twenty_years() {
        let deadline = U256::from(NOW + DEADLINE_SECONDS);
        let checked = |end: U40| {
            let actions = each(deadline, end);
            actions.iter().filter_map(|action| action.check_ends(NOW).err()).collect::<Vec<_>>()
        };
        let last = U40::from(NOW + AUTHORITY_SECONDS_MAX);
        assert_eq!(checked(last), []);
        for end in [last + U40::from(1), U40::MAX] {
            assert_eq!(checked(end), [TooFarAhead::Accreditation, TooFarAhead::Grant]);
        }
        assert_eq!(check_grant_end(u64::MAX, NOW), Err(TooFarAhead::Grant));
        assert_eq!(check_grant_end(u64::MAX, u64::MAX), Ok(()), "no sum overflows");
    }

    #[test]
    fn requests_and_denials_end_too() {
        let request = |deadline: U256, until: U40| AccessRequest {
            requester: Address::repeat_byte(1),
            patient: Address::repeat_byte(2),
            rights: 1,
            kind: 0,
            scopeId: B256::ZERO,
            purposes: 1,
            until,
            noteHash: B256::ZERO,
            nonce: U256::ZERO,
            deadline,
        };
        let (last, until) = (U256::from(NOW + REQUEST_SECONDS_MAX), U40::from(NOW + AUTHORITY_SECONDS_MAX));
        assert_eq!(request(last, until).check_ends(NOW), Ok(()));
        assert_eq!(request(last + U256::from(1), until).check_ends(NOW), Err(TooFarAhead::Request));
        assert_eq!(request(U256::MAX, until).check_ends(NOW), Err(TooFarAhead::Request));
        assert_eq!(request(last, U40::MAX).check_ends(NOW), Err(TooFarAhead::Wish));
        let denial =
            |deadline| DenyRequest { patient: Address::repeat_byte(2), request: B256::ZERO, deadline }.check_ends(NOW);
        assert_eq!((denial(last), denial(U256::MAX)), (Ok(()), Err(TooFarAhead::Denial)));
    }

    #[test]
    fn revocations_are_valid_for_thirty_days_and_other_actions_for_an_hour() {
        let all = each(U256::ZERO, U40::ZERO);
        let (long, short): (Vec<&Action>, Vec<&Action>) =
            all.iter().partition(|action| action.deadline_seconds() == REVOCATION_SECONDS);
        let names: Vec<&str> = long.iter().map(|action| action.name()).collect();
        assert_eq!(names, ["remove_accreditor", "suspend", "tombstone", "revoke", "revoke_all"]);
        assert!(short.iter().all(|action| action.deadline_seconds() == DEADLINE_SECONDS && !action.takes_away()));
    }
}
