//! Published encryption keys: `/v1/keys/{address}`.

use axum::extract::State;
use protocol::{bodies::people::PublishedKey, error_code::ErrorCode};

use crate::{
    account::identity_key,
    app::App,
    caller::Caller,
    error::ApiError,
    extract::{AddressInPath, Json, Path},
};

/// Returns a person's current identity key.
///
/// Clients compare its hash with the chain.
///
/// **Who may call:** any signed-in address.
#[utoipa::path(get, path = "/v1/keys/{address}", tag = "people", params(("address" = String, Path, description = "The address of the owner: 0x and 40 hex digits.", pattern = "^0x[0-9a-fA-F]{40}$")),
    responses((status = 200, body = PublishedKey)))]
pub(crate) async fn published_key(
    State(app): State<App>,
    _caller: Caller,
    Path(AddressInPath(owner)): Path<AddressInPath>,
) -> Result<Json<PublishedKey>, ApiError> {
    let key = identity_key(&app, owner).await?.ok_or_else(|| {
        ApiError::new(ErrorCode::KeyNotRegistered, "this address has not published an encryption key")
    })?;
    Ok(Json(PublishedKey {
        owner: key.owner,
        epoch: key.epoch,
        kem: key.kem,
        key: key.key,
        key_hash: key.key_hash,
        since: key.place.block_time,
    }))
}
