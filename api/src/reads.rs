//! Reads: `POST /v1/reads`.
//!
//! Invariant 3 depends on this order: check everything, write the leaf durably, and only then return the release share
//! and the receipt. Revocations are checked before and after the leaf is written, so a revocation that was accepted
//! before the share is returned always counts. The mirror is never asked for permission.

mod permission;
mod request;

use alloy::primitives::B256;
use axum::extract::State;
use mongodb::{Collection, bson::doc};
use protocol::{
    bodies::reads::{ReadAnswer, ReadBody},
    error_code::ErrorCode,
    ids::LeafHash,
    reads::{Leaf, ReadReceipt, ReadRequest, SignedReceipt},
};
use rand::Rng;

use self::permission::Permission;
use crate::{
    app::App,
    at_rest::Lookup,
    caller::Caller,
    error::ApiError,
    extract::Json,
    records::shares,
    sequencer,
    store::leaves::{self, Evidence, LeafDoc},
};

/// Opens one version of a record: returns the release share and a receipt, once the read is durably in the log.
///
/// A repeated request is checked again and gets the same receipt. A request with the same nonce
/// and different content is refused (`nonce_used`).
///
/// **Who may call:** a grantee with a READ grant of the patient, for a purpose of the grant. The session key must sign
/// the request.
#[utoipa::path(post, path = "/v1/reads", tag = "reads", request_body = ReadBody, responses((status = 200, body = ReadAnswer)))]
pub(crate) async fn post_read(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ReadBody>,
) -> Result<Json<ReadAnswer>, ApiError> {
    request::check(&app, &caller, &body)?;
    let permission = permission::ask(&app, &body.request).await?;
    let patient = permission.patient;
    let share = shares::find(&app, body.request.record, body.request.version, patient)
        .await?
        .ok_or_else(|| ApiError::new(ErrorCode::ShareMissing, "this server has no release share for this version"))?;
    let allowed_until = permission.allowed_until;
    let (leaf, evidence) = append(&app, &caller, body, &permission).await?;
    app.log_wake.wake();
    // A revocation that was accepted in the meantime still stops this read. The log may then list a read that did not
    // happen, but never misses one that did.
    permission.expect_unrevoked(&app, &evidence.leaf.request).await?;
    Ok(Json(ReadAnswer { release_share: B256::from(*share.expose()), leaf, receipt: evidence.receipt, allowed_until }))
}

/// Writes the leaf of a permitted read, or finds the one that the same request created before.
async fn append(
    app: &App,
    caller: &Caller,
    body: ReadBody,
    permission: &Permission,
) -> Result<(LeafHash, Evidence), ApiError> {
    let stored = leaves::leaves(&app.log_database);
    let seconds_ahead = match sequencer::seconds_ahead(app).await {
        Ok(seconds) => seconds,
        // There is no new promise, but the earlier one for the same request still holds.
        Err(behind) => return find(app, &stored, &body.request).await?.ok_or(behind),
    };
    let (id, evidence) = new_leaf(app, caller, body, permission, seconds_ahead);
    let new = LeafDoc::new(&app.at_rest, id, &evidence);
    // The index is unique only among leaves under one secret. The same request may have come before a rotation.
    let request = &evidence.leaf.request;
    if is_known_by_older(app, &stored, request).await? {
        let known = find(app, &stored, request).await?;
        return known.ok_or_else(nonce_used);
    }
    if leaves::append(&app.log_database, &new).await? {
        app.promises.appended();
        return Ok((id, evidence));
    }
    find(app, &stored, &evidence.leaf.request).await?.ok_or_else(nonce_used)
}

fn nonce_used() -> ApiError {
    ApiError::new(ErrorCode::NonceUsed, "this session has used the nonce for another read")
}

/// Returns whether session and nonce created a leaf under an older secret of the operator.
async fn is_known_by_older(app: &App, stored: &Collection<LeafDoc>, request: &ReadRequest) -> Result<bool, ApiError> {
    let older = app.at_rest.older(Lookup::LeafRequest, leaves::name_of(request));
    if older.is_empty() {
        return Ok(false);
    }
    Ok(stored.find_one(doc! { "request": { "$in": older } }).await?.is_some())
}

/// Returns the leaf that this very request created before.
async fn find(
    app: &App,
    stored: &Collection<LeafDoc>,
    request: &ReadRequest,
) -> Result<Option<(LeafHash, Evidence)>, ApiError> {
    let same_nonce = app.at_rest.find(Lookup::LeafRequest, leaves::name_of(request));
    let Some(known) = stored.find_one(doc! { "request": same_nonce }).await? else { return Ok(None) };
    let evidence = known.evidence(&app.at_rest)?;
    Ok((evidence.leaf.request == *request).then_some((known.id, evidence)))
}

fn new_leaf(
    app: &App,
    caller: &Caller,
    body: ReadBody,
    permission: &Permission,
    seconds_ahead: u64,
) -> (LeafHash, Evidence) {
    let mut blinding = B256::ZERO;
    rand::rng().fill_bytes(blinding.as_mut_slice());
    let anchor_by = permission.time + seconds_ahead;
    let leaf = Leaf {
        request: body.request,
        signature: body.signature,
        login_message: caller.login_message.clone(),
        login_signature: caller.login_signature.clone(),
        block_hash: permission.block.hash,
        time: permission.time,
        anchor_by,
        blinding,
    };
    let hash = leaf.hash(&app.deployment);
    let receipt = ReadReceipt {
        operator: app.operator.address(),
        leaf: hash.0,
        record: leaf.request.record.0,
        version: leaf.request.version,
        anchorBy: anchor_by,
    };
    let signature = app.operator.sign(SignedReceipt::signing_hash(&receipt, &app.deployment));
    (hash, Evidence { patient: permission.patient, leaf, receipt: SignedReceipt { receipt, signature } })
}
