//! The form that a grant must have. Clients check it before they ask for a signature, the server before it relays.

use std::collections::HashSet;

use alloy::primitives::{Address, B256};

use crate::{
    codes::{MAX_SCOPES, Right, ScopeKind},
    ends,
};

/// A grant that a patient wants to give.
#[derive(Clone, Copy, Debug)]
pub struct GrantForm<'a> {
    /// The patient, who gives the grant.
    pub patient: Address,
    /// The grantee, who receives it.
    pub grantee: Address,
    /// READ or WRITE.
    pub right: Right,
    /// The kind and id of each scope.
    pub scopes: &'a [(ScopeKind, B256)],
    /// The bit set of purposes.
    pub purposes: u16,
    /// The first second of the period, in Unix seconds.
    pub not_before: u64,
    /// The first second after the period, in Unix seconds.
    pub not_after: u64,
}

/// The first rule that a grant breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantFormError {
    /// The grantee is the zero address or the patient.
    #[error("the grantee must not be the patient or the zero address")]
    Grantee,
    /// There is no scope, or there are more than [`MAX_SCOPES`].
    #[error("a grant must have 1 to {MAX_SCOPES} scopes")]
    ScopeCount,
    /// A scope occurs twice.
    #[error("the same scope occurs twice")]
    ScopeTwice,
    /// A READ grant has a scope that is not a record.
    #[error("a READ grant may only have single records as scopes")]
    ReadScope,
    /// A WRITE grant has a scope that is neither a category nor all.
    #[error("a WRITE grant may only have a category or everything as scopes")]
    WriteScope,
    /// There is no purpose.
    #[error("a grant must have at least one purpose")]
    NoPurpose,
    /// It ends before it begins, or its end is in the past.
    #[error("a grant must end after it begins, and in the future")]
    Period,
    /// It ends too far ahead; see [`ends::AUTHORITY_SECONDS_MAX`].
    #[error("a grant must end within 20 years")]
    TooFarAhead,
}

impl GrantForm<'_> {
    /// Checks every rule in the order of [`GrantFormError`].
    ///
    /// # Errors
    /// Returns the first rule that is broken at `now` (Unix seconds).
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
