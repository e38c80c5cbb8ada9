//! Whether somebody may upload for a patient now. It ends with the accreditation, with the WRITE grant, and from the moment
//! that this server has accepted a message that revokes that grant.

use alloy::primitives::{Address, B256, aliases::U40};
use protocol::{
    codes::{Right, Role, ScopeKind},
    error_code::ErrorCode,
    ids::{GrantId, Salt, Tag},
};

use crate::{
    chain::{self, Block},
    error::ApiError,
    state::App,
};

/// Somebody who uploads for a patient, and how it opens its WRITE tag.
#[derive(Clone, Copy)]
pub(super) struct Uploader {
    pub(super) address: Address,
    pub(super) patient: Address,
    pub(super) category: u16,
    pub(super) write_salt: Salt,
}

impl Uploader {
    /// Asks the contracts at the head block, and what this server has accepted since.
    ///
    /// # Errors
    /// `not_accredited`, `no_grant`, `grant_revoked`; `unavailable` when a part does not answer.
    pub(super) async fn expect_allowed(&self, app: &App) -> Result<(), ApiError> {
        let head = chain::head(app).await?;
        if !chain::is_accredited_in(app, self.address, Role::mask(&UPLOADERS), &head).await? {
            return Err(ApiError::new(ErrorCode::NotAccredited, "nobody vouches for this uploader now"));
        }
        if self.standing(app, &head).await?.is_empty() {
            let detail = "the patient has not allowed this uploader to add records";
            return Err(ApiError::new(ErrorCode::NoGrant, detail));
        }
        self.expect_unrevoked(app).await
    }

    /// Asks only for revocations that this server has accepted: for a message that the contracts judge anyway.
    ///
    /// # Errors
    /// `grant_revoked`; `unavailable` when a part does not answer.
    pub(super) async fn expect_unrevoked(&self, app: &App) -> Result<(), ApiError> {
        let head = chain::head(app).await?;
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

    /// The WRITE grants that permit it at a block.
    async fn standing(&self, app: &App, at: &Block) -> Result<Vec<GrantId>, ApiError> {
        let tag = Tag::derive(self.address, self.write_salt);
        let category = B256::left_padding_from(&self.category.to_be_bytes());
        let time = U40::from(app.clock.now().max(at.time));
        let mut standing = Vec::new();
        for (kind, id) in [(ScopeKind::Category, category), (ScopeKind::All, B256::ZERO)] {
            let registry = chain::grant_registry(app);
            let asked = registry.isGranted(self.patient, tag.0, kind.code(), id, Right::Write.bit(), 0, time);
            if asked.block(at.id()).call().await?.granted {
                standing.push(GrantId::derive(self.patient, tag, kind, id));
            }
        }
        Ok(standing)
    }
}

/// The roles that upload (`Roles.UPLOADER` of the contracts).
const UPLOADERS: [Role; 5] = [Role::Doctor, Role::Nurse, Role::Lab, Role::Pharmacy, Role::Emergency];
