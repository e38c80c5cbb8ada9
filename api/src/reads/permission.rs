//! Decides whether a read is allowed now. It asks the contracts at the head block, and checks the revocations and
//! tombstones that this server has accepted and that are not on chain yet.

use alloy::primitives::{Address, aliases::U40};
use contracts::record_registry::RecordRegistry::Record;
use protocol::{
    codes::{RecordStatus, Right, ScopeKind},
    error_code::ErrorCode,
    grants::{Asked, Verdict, scopes_of},
    ids::{GrantId, Tag},
    reads::ReadRequest,
};

use crate::{app::App, chain::Block, error::ApiError, relay::Revocations};

/// A permission, and the facts that it is based on.
pub(super) struct Permission {
    /// The block at which the contracts were asked.
    pub(super) block: Block,
    /// Unix seconds: the later of our clock and that block's time.
    pub(super) time: u64,
    /// The patient of the record.
    pub(super) patient: Address,
    record: Record,
    /// Unix seconds at which the permission ends if nothing else changes.
    pub(super) allowed_until: u64,
}

/// A scope of a grant that covers the record.
type Scope = (ScopeKind, alloy::primitives::B256);

/// Checks the permission.
///
/// # Errors
/// Returns `unknown_record`, `record_tombstoned`, `no_grant`, `grant_expired`, `grant_revoked` or `not_accredited`, or
/// `unavailable` when the chain node does not answer or its head is too old.
pub(super) async fn ask(app: &App, request: &ReadRequest) -> Result<Permission, ApiError> {
    let block = app.chain_view.head().await?;
    let now = app.clock.now();
    if let Some(max) = app.settings.limits.head_age_seconds_max
        && now.saturating_sub(block.time) > max
    {
        return Err(ApiError::new(ErrorCode::Unavailable, "the chain's head is too old to check the permission"));
    }
    // On an idle chain the block time stops while grants expire.
    let time = now.max(block.time);
    let registry = app.chain_view.record_registry();
    let asked = registry
        .isAllowed(request.record.0, request.grantee, request.salt.0, request.purpose.bit(), U40::from(time))
        .block(block.id());
    let (record, answer) = tokio::join!(app.chain_view.find_record(request.record, block.id()), asked.call());
    let record = readable(record?, request.version)?;
    let answer = answer?;
    if !answer.allowed {
        return Err(why_not(app, request, &record, &block, time).await?);
    }
    let allowed_until = answer.notAfter.to::<u64>();
    let permission = Permission { block, time, patient: record.patient, record, allowed_until };
    permission.expect_unrevoked(app, request).await?;
    Ok(permission)
}

impl Permission {
    /// Checks again whether this server has accepted a message that ends the grant or closes the record, also since the
    /// permission was given.
    ///
    /// # Errors
    /// Returns `grant_revoked` or `record_tombstoned`, or `unavailable` when a service does not answer.
    pub(super) async fn expect_unrevoked(&self, app: &App, request: &ReadRequest) -> Result<(), ApiError> {
        let revocations = app.relay.revocations_at(self.patient, &self.block).await?;
        if revocations.records.contains(&request.record) {
            return Err(withdrawn());
        }
        refuse_revoked(app, request, &self.record, &revocations, (&self.block, self.time)).await
    }
}

/// Returns the record, if it has this version and may still be read.
fn readable(record: Option<Record>, version: u16) -> Result<Record, ApiError> {
    let unknown = |detail| ApiError::new(ErrorCode::UnknownRecord, detail);
    let record = record.ok_or_else(|| unknown("there is no such record on chain"))?;
    if record.status == RecordStatus::Tombstoned.code() {
        return Err(withdrawn());
    }
    if version > record.version {
        return Err(unknown("the record does not have this version"));
    }
    Ok(record)
}

fn withdrawn() -> ApiError {
    ApiError::new(ErrorCode::RecordTombstoned, "the record was withdrawn")
}

/// Refuses a read whose grants or record are ended by an accepted message. A signed revocation counts from the moment
/// this server has accepted it.
async fn refuse_revoked(
    app: &App,
    request: &ReadRequest,
    record: &Record,
    revocations: &Revocations,
    (block, time): (&Block, u64),
) -> Result<(), ApiError> {
    let revoked = || ApiError::new(ErrorCode::GrantRevoked, "the patient has revoked the grant");
    if revocations.records.contains(&request.record) {
        return Err(ApiError::new(ErrorCode::RecordTombstoned, "the record was withdrawn"));
    }
    if revocations.is_empty() {
        return Ok(());
    }
    if revocations.all {
        return Err(revoked());
    }
    let tag = request.tag();
    let scopes = scopes_of(request.record, record.category);
    let stands = |(kind, id): &Scope| !revocations.grants.contains(&GrantId::derive(record.patient, tag, *kind, *id));
    if scopes.iter().all(stands) {
        return Ok(());
    }
    // One of the grants that could allow it has ended. Another one may still allow it.
    for (kind, id) in scopes.into_iter().filter(stands) {
        let (asked, when) = ((Right::Read, Some(request.purpose)), (time, block.id()));
        if app.chain_view.is_granted(record.patient, tag, (kind, id), asked, when).await? {
            return Ok(());
        }
    }
    Err(revoked())
}

/// Finds the reason why the contracts refuse, for a precise code.
async fn why_not(
    app: &App,
    request: &ReadRequest,
    record: &Record,
    block: &Block,
    time: u64,
) -> Result<ApiError, ApiError> {
    let tag: Tag = request.tag();
    let [one, category, all] = scopes_of(request.record, record.category);
    let (one, category, all, patient_epoch) = tokio::try_join!(
        app.chain_view.terms_of(record.patient, tag, one, block.id()),
        app.chain_view.terms_of(record.patient, tag, category, block.id()),
        app.chain_view.terms_of(record.patient, tag, all, block.id()),
        app.chain_view.patient_epoch_of(record.patient, block.id()),
    )?;
    let asked = Asked { right: Right::Read, purpose: Some(request.purpose), patient_epoch, time };
    let verdicts = [one, category, all].map(|terms| terms.verdict(&asked));
    // The best verdict decides, because it belongs to the grant that the reader would have used.
    let best = verdicts.into_iter().max().unwrap_or(Verdict::NeverGranted);
    Ok(match best {
        Verdict::NeverGranted | Verdict::OtherRight => {
            ApiError::new(ErrorCode::NoGrant, "the patient has not granted this access")
        }
        Verdict::OtherPurpose => ApiError::new(ErrorCode::NoGrant, "the grant is for another purpose"),
        Verdict::Revoked => ApiError::new(ErrorCode::GrantRevoked, "the patient has revoked the grant"),
        Verdict::OutsidePeriod => {
            ApiError::new(ErrorCode::GrantExpired, "the grant's period is over, or has not begun")
        }
        // The grant permits it, so the reason can only be the reader's accreditation.
        Verdict::Permitted => ApiError::new(ErrorCode::NotAccredited, "no accreditor vouches for the reader now"),
    })
}
