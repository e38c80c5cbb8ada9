//! Records, versions and release shares: `/v1/records`.

pub(crate) mod authority;
mod list;
mod register;
pub(crate) mod shares;
mod view;

use alloy::eips::BlockId;
use axum::{extract::State, http::StatusCode};
use protocol::{
    bodies::{
        Page, PageQuery,
        records::{RecordQuery, RecordView, RegisterBody, ReleaseShareBody, VersionView},
        relay::ActionView,
    },
    error_code::ErrorCode,
    ids::RecordId,
};

use crate::{
    actions,
    app::App,
    caller::Caller,
    error::ApiError,
    extract::{Json, Path, Query, VersionInPath},
    relations,
};

/// Registers a version of a record: stores its release share, then relays the signed message.
///
/// Without a message the version must already be on chain, and only the share is stored.
///
/// **Who may call:** the uploader in the message. Without a message: the patient, or the first uploader, who can open
/// the record id, registered this version, and may still upload.
#[utoipa::path(post, path = "/v1/records", tag = "records", request_body = RegisterBody, responses(
    (status = 200, body = Option<ActionView>, description = "The release share was kept; nothing was relayed."),
    (status = 201, body = Option<ActionView>, description = "Mined."),
    (status = 202, body = Option<ActionView>, description = "Accepted, and not mined yet."),
))]
pub(crate) async fn post_record(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<RegisterBody>,
) -> Result<(StatusCode, Json<Option<ActionView>>), ApiError> {
    match &body.action {
        Some(signed) => {
            let (registration, verified) = register::verify(&app, &caller, signed, &body).await?;
            let deposit = register::check(&app, &caller, (&signed.action, registration), &body).await?;
            let patient = deposit.patient;
            let kept = async {
                shares::deposit(&app, deposit).await?;
                relations::note(&app, caller.address, patient).await
            };
            actions::answer(app.relay.relay_after(verified, caller.submitter(), kept).await?, StatusCode::CREATED)
        }
        None => {
            register::deposit(&app, &caller, &body).await?;
            Ok((StatusCode::OK, Json(None)))
        }
    }
}

/// Lists the records that the caller owns, uploaded, or was granted, newest first.
///
/// Records that a stranger granted are listed only when `patient` is the stranger's address.
///
/// **Who may call:** any signed-in address.
#[utoipa::path(get, path = "/v1/records", tag = "records", params(RecordQuery), responses((status = 200, body = Page<RecordView>)))]
pub(crate) async fn list_records(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<RecordQuery>,
) -> Result<Json<Page<RecordView>>, ApiError> {
    list::list(&app, &caller, &query).await.map(Json)
}

/// Lists the versions of one record, newest first.
///
/// **Who may call:** everybody who may see the record.
#[utoipa::path(get, path = "/v1/records/{record}/versions", tag = "records", params(("record" = String, Path, pattern = "^0x[0-9a-fA-F]{64}$"), PageQuery),
    responses((status = 200, body = Page<VersionView>)))]
pub(crate) async fn list_versions(
    State(app): State<App>,
    caller: Caller,
    Path(record): Path<RecordId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<VersionView>>, ApiError> {
    view::versions(&app, &caller, record, &query).await.map(Json)
}

/// Returns one record with its newest versions.
///
/// **Who may call:** its patient, its uploaders, and everybody with a grant over it.
#[utoipa::path(get, path = "/v1/records/{record}", tag = "records", params(("record" = String, Path, pattern = "^0x[0-9a-fA-F]{64}$")), responses((status = 200, body = RecordView)))]
pub(crate) async fn get_record(
    State(app): State<App>,
    caller: Caller,
    Path(record): Path<RecordId>,
) -> Result<Json<RecordView>, ApiError> {
    view::get(&app, &caller, record).await.map(Json)
}

/// Restores the release share of a version, or replaces a wrong one.
///
/// **Who may call:** the patient of the record.
#[utoipa::path(put, path = "/v1/records/{record}/versions/{version}/release-share", tag = "records",
    params(("record" = String, Path, pattern = "^0x[0-9a-fA-F]{64}$"), ("version" = u16, Path, minimum = 1, maximum = 65535)), request_body = ReleaseShareBody, responses((status = 204)))]
pub(crate) async fn put_release_share(
    State(app): State<App>,
    caller: Caller,
    Path((record, version)): Path<(RecordId, VersionInPath)>,
    Json(body): Json<ReleaseShareBody>,
) -> Result<StatusCode, ApiError> {
    let VersionInPath(version) = version;
    let on_chain = app.chain_view.find_record(record, BlockId::latest()).await?;
    // A stranger learns nothing here that is not on chain.
    let known = on_chain
        .filter(|on_chain| (1..=on_chain.version).contains(&version))
        .ok_or_else(|| ApiError::new(ErrorCode::UnknownRecord, "there is no such version on chain"))?;
    if known.patient != caller.address {
        return Err(ApiError::forbidden("only the patient can restore a release share"));
    }
    let deposit = shares::Deposit {
        record,
        version,
        patient: known.patient,
        depositor: caller.address,
        may_replace: true,
        capsule: &body.release_share,
    };
    shares::deposit(&app, deposit).await?;
    Ok(StatusCode::NO_CONTENT)
}
