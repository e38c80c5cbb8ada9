//! Release shares, which the operator gives out after a read is in the log.
//!
//! A share arrives in a capsule that is sealed to the operator. It is opened and checked at once, and stored encrypted
//! under the operator's own key. The uploader deposits it once. The patient may replace it at any time, and the
//! patient's share takes precedence.

use std::collections::BTreeSet;

use alloy::primitives::Address;
use mongodb::{Collection, bson::doc};
use protocol::{
    error_code::ErrorCode,
    ids::RecordId,
    mirror::{self, VersionDoc, version_id},
    secret::ReleaseShare,
};
use subtle::ConstantTimeEq;

use crate::{
    app::App,
    error::ApiError,
    operator::share_id,
    store::shares::{self, ShareDoc},
};

/// A share that somebody deposits for a record version.
#[derive(Clone, Copy)]
pub(super) struct Deposit<'a> {
    pub(super) record: RecordId,
    pub(super) version: u16,
    pub(super) patient: Address,
    pub(super) depositor: Address,
    /// Whether the deposit may replace a different share of the same depositor.
    pub(super) may_replace: bool,
    /// 1,172 bytes, sealed to the operator.
    pub(super) capsule: &'a [u8],
}

/// Opens the capsule and stores the share durably.
///
/// # Errors
/// Returns `invalid_capsule` when it does not open for this record version, and `already_exists` when it may not be
/// replaced.
pub(super) async fn deposit(app: &App, deposit: Deposit<'_>) -> Result<(), ApiError> {
    let Deposit { record, version, patient, depositor, may_replace, capsule } = deposit;
    let share = app.operator.open_release_share(capsule, patient, record, version).map_err(|error| {
        ApiError::new(ErrorCode::InvalidCapsule, "the release share is not sealed to this operator for this version")
            .because(error)
    })?;
    let id = share_id((record, version), depositor);
    if !may_replace && let Some(known) = shares::find(&app.database, &id).await? {
        let known = open(app, &known)?;
        return if bool::from(known.expose().ct_eq(share.expose())) {
            Ok(())
        } else {
            Err(ApiError::new(
                ErrorCode::AlreadyExists,
                "the uploader can deposit a release share only once; only the patient can replace it",
            ))
        };
    }
    let sealed = app.operator.encrypt_at_rest((record, version), depositor, &share).into();
    let deposited_at = i64::try_from(app.clock.now()).unwrap_or(i64::MAX);
    let document = ShareDoc { id, record, version: version.into(), depositor, sealed, deposited_at };
    Ok(shares::put(&app.database, document).await?)
}

/// Returns the share of a version: the patient's own deposit if there is one, otherwise the deposit of the uploader who
/// registered the version. A deposit for a version that somebody else then registered is ignored.
///
/// # Errors
/// Returns `internal` when it cannot be opened with this operator's secret.
pub(crate) async fn find(
    app: &App,
    record: RecordId,
    version: u16,
    patient: Address,
) -> Result<Option<ReleaseShare>, ApiError> {
    let found = shares::of_version(&app.database, record, version).await?;
    // Only the patient and the first uploader can deposit, so there are at most two.
    if let Some(own) = found.iter().find(|share| share.depositor == patient) {
        return open(app, own).map(Some);
    }
    let Some(other) = found.first() else { return Ok(None) };
    let versions: Collection<VersionDoc> = app.database.collection(mirror::collection::VERSIONS);
    let registered = versions.find_one(doc! { "_id": version_id(record, version) }).await?;
    // The mirror may not have seen the version's block yet.
    let is_its = registered.is_none_or(|registered| registered.uploader == other.depositor);
    if is_its { open(app, other).map(Some) } else { Ok(None) }
}

/// Returns the versions for which one of these depositors has deposited a share.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(super) async fn deposited(
    app: &App,
    asked: BTreeSet<(RecordId, u16, Address)>,
) -> Result<BTreeSet<(RecordId, u16)>, ApiError> {
    let ids: Vec<String> =
        asked.into_iter().map(|(record, version, depositor)| share_id((record, version), depositor)).collect();
    Ok(shares::versions_of(&app.database, ids).await?)
}

fn open(app: &App, share: &ShareDoc) -> Result<ReleaseShare, ApiError> {
    let version = u16::try_from(share.version).map_err(ApiError::internal)?;
    app.operator.decrypt_at_rest((share.record, version), share.depositor, &share.sealed).map_err(ApiError::internal)
}
