//! The form that a grant must have. Clients check it before they ask for a signature, the server before it relays.

use std::collections::HashSet;

use alloy::primitives::{Address, B256};

use crate::{
    codes::{MAX_SCOPES, Right, ScopeKind},
    ends,
};

/// A grant that somebody wants to give.
#[derive(Clone, Copy, Debug)]
pub struct GrantForm<'a> {
    /// Who grants.
    pub patient: Address,
    /// To whom.
    pub grantee: Address,
    /// READ or WRITE.
    pub right: Right,
    /// Kind and id of each scope.
    pub scopes: &'a [(ScopeKind, B256)],
    /// Bit set of purposes.
    pub purposes: u16,
    /// Unix seconds; the first second.
    pub not_before: u64,
    /// Unix seconds; the first second after.
    pub not_after: u64,
}

/// The first rule that a grant breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantFormError {
    /// The grantee is the zero address or the patient.
    #[error("a grant is for somebody else")]
    Grantee,
    /// No scope, or more than [`MAX_SCOPES`].
    #[error("a grant covers at least one thing and at most {MAX_SCOPES}")]
    ScopeCount,
    /// A scope is named twice.
    #[error("the same thing is named twice")]
    ScopeTwice,
    /// READ is granted for records.
    #[error("reading is granted for single records")]
    ReadScope,
    /// WRITE is granted for a category or all.
    #[error("writing is granted for a category or for everything")]
    WriteScope,
    /// There is no purpose.
    #[error("a grant names at least one purpose")]
    NoPurpose,
    /// It ends before it begins, or it has ended.
    #[error("a grant ends after it begins, and in the future")]
    Period,
    /// It ends too far ahead; see [`ends::AUTHORITY_SECONDS_MAX`].
    #[error("a grant ends within 20 years")]
    TooFarAhead,
}

impl GrantForm<'_> {
    /// Checks every rule in the order of [`GrantFormError`].
    ///
    /// # Errors
    /// The first rule that is broken at `now` (unix seconds).
    pub fn check(&self, now: u64) -> Result<(), GrantFormError> {
        if self.grantee == Address::ZERO || self.grantee == self.patient {
            return Err(GrantFormError::Grantee);
        }
        if self.scopes.is_empty() || self.scopes.len() > MAX_SCOPES {
            return Err(GrantFormError::ScopeCount);
        }
        let different: HashSet<_> = self.scopes.iter().map(|(kind, id)| (kind.code(), id)).collect();
        if different.len() != self.scopes.len() {
            return Err(GrantFormError::ScopeTwice);
        }
        let is_read = self.right == Right::Read;
        if self.scopes.iter().any(|(kind, _)| (*kind == ScopeKind::Record) != is_read) {
            return Err(if is_read { GrantFormError::ReadScope } else { GrantFormError::WriteScope });
        }
        if self.purposes == 0 {
            return Err(GrantFormError::NoPurpose);
        }
        if self.not_after <= self.not_before.max(now) {
            return Err(GrantFormError::Period);
        }
        ends::check_grant_end(self.not_after, now).map_err(|_| GrantFormError::TooFarAhead)
    }
}
