//! Checks whether an account may upload for a patient now. The right ends with the accreditation, with the WRITE grant,
//! and as soon as this server has accepted a message that revokes that grant.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256},
};
use contracts::record_registry::RecordRegistry::Record;
use protocol::{
    codes::{Right, Role, ScopeKind},
    error_code::ErrorCode,
    grants::category_scope_id,
    ids::{GrantId, RecordId, Salt, Tag},
    messages::Action,
};

use crate::{app::App, chain::Block, error::ApiError};

/// Refuses an upload for a patient, or a retraction, if this server has accepted the revocation of the uploader's
/// grant. The contracts check everything else.
///
/// # Errors
/// Returns `grant_revoked`, or `unavailable` when a service does not answer.
pub(crate) async fn expect_unrevoked(app: &App, action: &Action) -> Result<(), ApiError> {
    let record = match action {
        Action::RegisterRecord(first) => RecordId::derive(first.uploader, first.salt.into()),
        Action::RegisterVersion(next) => next.record.into(),
        Action::Retract(retract) => retract.record.into(),
        _ => return Ok(()),
    };
    let on_chain = app.chain_view.find_record(record, BlockId::latest()).await?;
    match Uploader::of(action, on_chain.as_ref()) {
        Some(uploader) => uploader.expect_unrevoked(app).await,
        None => Ok(()),
    }
}

/// An account that uploads for a patient, and the salt that opens its WRITE tag.
#[derive(Clone, Copy)]
pub(super) struct Uploader {
    pub(super) address: Address,
    pub(super) patient: Address,
    pub(super) category: u16,
    pub(super) write_salt: Salt,
}

impl Uploader {
    /// Returns the account that uploads or retracts with this message, unless it is the record's patient. `on_chain` is
    /// the record on chain, if it exists.
    pub(super) fn of(action: &Action, on_chain: Option<&Record>) -> Option<Self> {
        let (address, write_salt, said) = match action {
            Action::RegisterRecord(first) => (first.uploader, first.writeSalt, Some((first.patient, first.category))),
            Action::RegisterVersion(next) => (next.uploader, next.writeSalt, None),
            Action::Retract(retract) => (retract.uploader, retract.writeSalt, None),
            _ => return None,
        };
        // The patient on chain is used. The contracts refuse a message that names another patient.
        let (patient, category) = on_chain.map(|record| (record.patient, record.category)).or(said)?;
        (address != patient).then_some(Self { address, patient, category, write_salt: write_salt.into() })
    }

    /// Asks the contracts at the head block, and checks the revocations that this server has accepted since.
    ///
    /// # Errors
    /// Returns `not_accredited`, `no_grant` or `grant_revoked`, or `unavailable` when a service does not answer.
    pub(super) async fn expect_allowed(&self, app: &App) -> Result<(), ApiError> {
        let head = app.chain_view.head().await?;
        let time = app.clock.now().max(head.time);
        if !app.chain_view.is_accredited_at(self.address, Role::mask(&Role::UPLOADERS), time, head.id()).await? {
            return Err(ApiError::new(ErrorCode::NotAccredited, "no accreditor vouches for this uploader now"));
        }
        if self.standing(app, &head).await?.is_empty() {
            let detail = "the patient has not allowed this uploader to add records";
            return Err(ApiError::new(ErrorCode::NoGrant, detail));
        }
        self.expect_unrevoked(app).await
    }

    /// Checks only the revocations that this server has accepted, for a message that the contracts check anyway.
    ///
    /// # Errors
    /// Returns `grant_revoked`, or `unavailable` when a service does not answer.
    pub(super) async fn expect_unrevoked(&self, app: &App) -> Result<(), ApiError> {
        let head = app.chain_view.head().await?;
        let revocations = app.relay.revocations_at(self.patient, &head).await?;
        if revocations.is_empty() {
            return Ok(());
        }
        let standing = self.standing(app, &head).await?;
        let ended = |id: &GrantId| revocations.all || revocations.grants.contains(id);
        if !standing.is_empty() && standing.iter().all(ended) {
            return Err(ApiError::new(ErrorCode::GrantRevoked, "the patient has revoked the grant"));
        }
        Ok(())
    }

    /// Returns the WRITE grants that allow it at a block.
    async fn standing(&self, app: &App, at: &Block) -> Result<Vec<GrantId>, ApiError> {
        let tag = Tag::derive(self.address, self.write_salt);
        let category = category_scope_id(self.category);
        let time = app.clock.now().max(at.time);
        let mut standing = Vec::new();
        for (kind, id) in [(ScopeKind::Category, category), (ScopeKind::All, B256::ZERO)] {
            let (asked, when) = ((Right::Write, None), (time, at.id()));
            if app.chain_view.is_granted(self.patient, tag, (kind, id), asked, when).await? {
                standing.push(GrantId::derive(self.patient, tag, kind, id));
            }
        }
        Ok(standing)
    }
}
