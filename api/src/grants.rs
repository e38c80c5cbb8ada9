//! Grants and their bundles: `/v1/grants`.

mod bundle_doc;
mod give;
mod outcome;
mod view;

use axum::{extract::State, http::StatusCode};
use protocol::{
    bodies::{
        Page,
        grants::{CatchUpBody, GrantBody, GrantQuery, GrantView, RevokeBody},
        relay::ActionView,
    },
    ids::GrantId,
    messages::Action,
};

pub(crate) use bundle_doc::{BundleDoc, create_indexes};
pub(crate) use outcome::{granted, not_granted};
pub(crate) use view::{ReadScope, read_scopes};

use crate::{
    caller::Caller,
    error::ApiError,
    extract::{Json, Path, Query},
    relay,
    state::App,
};

/// Grants: keeps the capsules for the grantee, then relays the signed message. Without a message the grants must stand on
/// chain already, and only their capsules are kept.
///
/// **Who may call:** the patient.
#[utoipa::path(post, path = "/v1/grants", tag = "grants", request_body = GrantBody, responses(
    (status = 200, body = Option<ActionView>, description = "The bundles were kept; nothing was relayed."),
    (status = 201, body = Option<ActionView>, description = "Mined."),
    (status = 202, body = Option<ActionView>, description = "Accepted and still on its way."),
))]
pub(crate) async fn post_grant(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<GrantBody>,
) -> Result<(StatusCode, Json<Option<ActionView>>), ApiError> {
    match &body.action {
        Some(signed) => {
            let bundles = give::check(&caller, signed, &body)?;
            let kept = give::keep(&app, &caller, &body, &bundles);
            relay::answer(app.relay.relay_after(signed, caller.address, kept).await?, StatusCode::CREATED)
        }
        None => {
            give::put_in_again(&app, &caller, &body).await?;
            Ok((StatusCode::OK, Json(None)))
        }
    }
}

/// Lists the grants that the caller gave or received, newest first.
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

/// Adds capsules of later versions to a standing grant (catch-up).
///
/// **Who may call:** the patient who gave the grant.
#[utoipa::path(put, path = "/v1/grants/{grant}/bundle", tag = "grants", params(("grant" = String, Path)),
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

/// Ends grants. Reads stop as soon as the message is accepted, before it is mined.
///
/// **Who may call:** any signed-in address; the message carries the patient's signature.
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
    relay::answer(app.relay.relay(&body.action, caller.address).await?, StatusCode::OK)
}
