//! Grants and their bundles: `/v1/grants`.

mod give;
mod readable;
mod standing;
mod view;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use protocol::{
    bodies::{
        Page,
        grants::{BundleBody, CatchUpBody, GrantBody, GrantQuery, GrantView, RevokeBody},
        relay::ActionView,
    },
    capsule::CAPSULE_LEN,
    ids::GrantId,
    messages::Action,
};

pub(crate) use readable::{active, mirrored, readable};
pub(crate) use standing::ending;

use crate::{
    actions,
    app::App,
    caller::Caller,
    error::ApiError,
    extract::{Json, Path, Query},
    store::received,
    work,
};

/// Gives grants: stores the capsules for the grantee, then relays the signed message.
///
/// Without a message the grants must already be on chain, and only their capsules are stored.
///
/// **Who may call:** the patient.
#[utoipa::path(post, path = "/v1/grants", tag = "grants", request_body = GrantBody, responses(
    (status = 200, body = Option<ActionView>, description = "The bundles were kept; nothing was relayed."),
    (status = 201, body = Option<ActionView>, description = "Mined."),
    (status = 202, body = Option<ActionView>, description = "Accepted, and not mined yet."),
))]
pub(crate) async fn post_grant(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<GrantBody>,
) -> Result<(StatusCode, Json<Option<ActionView>>), ApiError> {
    let signed = body.action.clone();
    let verified = match &signed {
        Some(signed) => {
            give::check_message(&caller, signed, &body, app.clock.now())?;
            Some((signed, app.relay.verify(signed).await?))
        }
        None => None,
    };
    let kept = give::check_form(body).await?;
    match verified {
        Some((signed, verified)) => {
            let epochs = give::check_hashes(signed, &kept)?;
            let keep = give::keep(&app, &caller, signed, &kept, &epochs);
            actions::answer(app.relay.relay_after(verified, caller.submitter(), keep).await?, StatusCode::CREATED)
        }
        None => {
            give::put_in_again(&app, &caller, &kept).await?;
            Ok((StatusCode::OK, Json(None)))
        }
    }
}

/// Lists the grants that the caller gave or received, newest first, without their capsules.
///
/// Received grants are on shelves. Grants from strangers and from blocked senders have separate shelves.
///
/// **Who may call:** any signed-in address.
#[utoipa::path(get, path = "/v1/grants", tag = "grants", params(GrantQuery), responses((status = 200, body = Page<GrantView>)))]
pub(crate) async fn list_grants(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<GrantQuery>,
) -> Result<Json<Page<GrantView>>, ApiError> {
    view::list(&app, &caller, &query).await.map(Json)
}

/// Returns the capsules of one grant.
///
/// **Who may call:** the patient who gave the grant, and its grantee.
#[utoipa::path(get, path = "/v1/grants/{grant}/bundle", tag = "grants", params(("grant" = String, Path, pattern = "^0x[0-9a-fA-F]{64}$")),
    responses((status = 200, body = BundleBody)))]
pub(crate) async fn get_bundle(
    State(app): State<App>,
    caller: Caller,
    Path(grant): Path<GrantId>,
) -> Result<Response, ApiError> {
    let bundle = view::bundle(&app, &caller, grant).await?;
    // Serialized on the worker thread, because it may be long.
    work::run(bundle.capsules.len() * CAPSULE_LEN, move || Ok(Json(bundle).into_response())).await
}

/// Hides a received grant from the caller's lists.
///
/// The grant remains valid, and can still be found by its record.
///
/// **Who may call:** its grantee.
#[utoipa::path(put, path = "/v1/grants/{grant}/hidden", tag = "grants", params(("grant" = String, Path, pattern = "^0x[0-9a-fA-F]{64}$")),
    responses((status = 204)))]
pub(crate) async fn hide_grant(
    State(app): State<App>,
    caller: Caller,
    Path(grant): Path<GrantId>,
) -> Result<StatusCode, ApiError> {
    received::hide(&app.database, &app.at_rest, caller.address, grant, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows a hidden grant again.
///
/// **Who may call:** its grantee.
#[utoipa::path(delete, path = "/v1/grants/{grant}/hidden", tag = "grants", params(("grant" = String, Path, pattern = "^0x[0-9a-fA-F]{64}$")),
    responses((status = 204)))]
pub(crate) async fn unhide_grant(
    State(app): State<App>,
    caller: Caller,
    Path(grant): Path<GrantId>,
) -> Result<StatusCode, ApiError> {
    received::hide(&app.database, &app.at_rest, caller.address, grant, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Adds capsules of later versions to an active grant (catch-up).
///
/// **Who may call:** the patient who gave the grant.
#[utoipa::path(put, path = "/v1/grants/{grant}/bundle", tag = "grants", params(("grant" = String, Path, pattern = "^0x[0-9a-fA-F]{64}$")),
    request_body = CatchUpBody, responses((status = 204)))]
pub(crate) async fn put_bundle(
    State(app): State<App>,
    caller: Caller,
    Path(grant): Path<GrantId>,
    Json(body): Json<CatchUpBody>,
) -> Result<StatusCode, ApiError> {
    give::catch_up(&app, &caller, grant, body.bundle).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends grants.
///
/// Reads stop as soon as the message is accepted, before it is mined.
///
/// **Who may call:** any signed-in address. The message must have the patient's signature.
#[utoipa::path(post, path = "/v1/grants/revoke", tag = "grants", request_body = RevokeBody, responses(
    (status = 200, body = Option<ActionView>, description = "Mined."),
    (status = 202, body = Option<ActionView>, description = "Accepted; reads are refused already."),
))]
pub(crate) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<RevokeBody>,
) -> Result<(StatusCode, Json<Option<ActionView>>), ApiError> {
    if !matches!(body.action.action, Action::Revoke(_) | Action::RevokeAll(_)) {
        return Err(ApiError::invalid("the message is not a Revoke or RevokeAll; send it to /v1/actions"));
    }
    actions::answer(app.relay.relay(&body.action, caller.submitter()).await?, StatusCode::OK)
}
