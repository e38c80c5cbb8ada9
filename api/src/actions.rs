//! Signed actions of any kind, and invitations to the relay: `/v1/actions` and `/v1/invitations`.

use alloy::primitives::Address;
use axum::{extract::State, http::StatusCode};
use protocol::{
    bodies::relay::{ActionState, ActionView},
    error_code::ErrorCode,
    ids::ActionId,
    messages::SignedAction,
};

use crate::{
    app::App,
    caller::Caller,
    error::ApiError,
    extract::{AddressInPath, Json, Path},
    records::authority,
    relay::ActionDoc,
};

/// Relays a signed action of any kind except a checkpoint.
///
/// A repeated action gets the same answer, if its signer or its first submitter sends it.
///
/// **Who may call:** any signed-in address, with an action signed by anybody. The caller's gas budget pays.
#[utoipa::path(post, path = "/v1/actions", tag = "actions", request_body = SignedAction, responses(
    (status = 200, body = Option<ActionView>, description = "Mined."),
    (status = 202, body = Option<ActionView>, description = "Accepted, and not mined yet."),
))]
pub(crate) async fn post_action(
    State(app): State<App>,
    caller: Caller,
    Json(signed): Json<SignedAction>,
) -> Result<(StatusCode, Json<Option<ActionView>>), ApiError> {
    let unrevoked = authority::expect_unrevoked(&app, &signed.action);
    let verified = app.relay.verify(&signed).await?;
    answer(app.relay.relay_after(verified, caller.submitter(), unrevoked).await?, StatusCode::OK)
}

/// Returns the status of a relayed action.
///
/// **Who may call:** its signer and its first submitter.
#[utoipa::path(get, path = "/v1/actions/{action}", tag = "actions", params(("action" = String, Path, pattern = "^0x[0-9a-fA-F]{64}$")),
    responses((status = 200, body = ActionView)))]
pub(crate) async fn get_action(
    State(app): State<App>,
    caller: Caller,
    Path(action): Path<ActionId>,
) -> Result<Json<ActionView>, ApiError> {
    let known = app.relay.find(action).await?;
    known
        .filter(|known| known.may_be_seen_by(&app.at_rest, caller.address))
        .map(|known| Json(known.view()))
        .ok_or_else(|| ApiError::not_found("this action does not exist, or is not yours"))
}

/// Invites an account that has no relation to anybody on this server.
///
/// From now on the relay accepts its actions, within the budget of a known account. An unused invitation ends after 90
/// days.
///
/// **Who may call:** an accreditor, the owner of the accreditation contract, and the operator.
#[utoipa::path(put, path = "/v1/invitations/{address}", tag = "actions", params(("address" = String, Path, pattern = "^0x[0-9a-fA-F]{40}$")),
    responses((status = 204)))]
pub(crate) async fn invite(
    State(app): State<App>,
    caller: Caller,
    Path(AddressInPath(address)): Path<AddressInPath>,
) -> Result<StatusCode, ApiError> {
    if !app.relay.may_invite(caller.address).await? {
        return Err(ApiError::forbidden("only an accreditor or the operator can invite"));
    }
    if address == Address::ZERO {
        return Err(ApiError::new(ErrorCode::OutOfRange, "the zero address cannot be invited"));
    }
    app.relay.invite(address).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the answer to a relayed action: the status `mined` when it is mined, and 202 before.
///
/// # Errors
/// Returns the code with which it failed.
pub(crate) fn answer(action: ActionDoc, mined: StatusCode) -> Result<(StatusCode, Json<Option<ActionView>>), ApiError> {
    match (action.state, &action.failure) {
        (ActionState::Failed, Some(failure)) => Err(ApiError::new(failure.code, failure.detail.clone())),
        (ActionState::Failed, None) => Err(ApiError::new(ErrorCode::WouldRevert, "the contract refused the action")),
        (ActionState::Mined, _) => Ok((mined, Json(Some(action.view())))),
        (ActionState::Accepted | ActionState::Sent, _) => Ok((StatusCode::ACCEPTED, Json(Some(action.view())))),
    }
}
