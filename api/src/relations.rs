//! Relations between people. They separate the grants and requests of strangers from those of people whom the recipient
//! knows.
//!
//! A person *knows* somebody after granting them something, uploading for them, asking them for access, or accepting
//! their grants. A person for whom an accreditor vouches is never a stranger. All others are strangers. They are
//! limited for each recipient, because new addresses cost nothing.

use alloy::primitives::Address;
use axum::{extract::State, http::StatusCode};
use mongodb::{
    Collection,
    bson::{Document, doc},
};
use protocol::bodies::grants::Shelf;

use crate::{
    app::App,
    at_rest::Lookup,
    caller::Caller,
    error::ApiError,
    extract::{AddressInPath, Path},
    store::{blocks, collection, find_id, is_duplicate, received, requests},
};

/// Returns the name of a relation: who knows whom. Its blind index is the `_id`, and nothing else is stored.
fn pair(owner: Address, other: Address) -> [u8; 40] {
    let mut pair = [0; 40];
    pair[..20].copy_from_slice(owner.as_slice());
    pair[20..].copy_from_slice(other.as_slice());
    pair
}

fn relations(app: &App) -> Collection<Document> {
    app.database.collection(collection::RELATIONS)
}

/// Stores that `owner` knows `other` from now on. The grants of `other` leave the strangers' shelf.
///
/// # Errors
/// Returns an error when a part does not answer.
pub(crate) async fn note(app: &App, owner: Address, other: Address) -> Result<(), ApiError> {
    if owner == other {
        return Ok(());
    }
    let pair = pair(owner, other);
    if find_id(&relations(app), &app.at_rest.older(Lookup::Relation, pair)).await?.is_some() {
        return Ok(());
    }
    match relations(app).insert_one(doc! { "_id": app.at_rest.blind(Lookup::Relation, pair) }).await {
        Ok(_) => sort_again(app, owner, other).await,
        Err(error) if is_duplicate(&error) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Returns whether `sender` is a stranger to `recipient`: no accreditor vouches for it, and the recipient does not know
/// it.
///
/// # Errors
/// Returns an error when a part does not answer.
pub(crate) async fn is_stranger(app: &App, recipient: Address, sender: Address) -> Result<bool, ApiError> {
    let known = doc! { "_id": app.at_rest.find(Lookup::Relation, pair(recipient, sender)) };
    if recipient == sender || relations(app).find_one(known).await?.is_some() {
        return Ok(false);
    }
    let head = app.chain_view.head().await?;
    Ok(!app.chain_view.is_accredited(sender, None, &head).await?)
}

/// Returns the shelf for the grants of `sender` to `recipient`.
///
/// # Errors
/// Returns an error when a part does not answer.
pub(crate) async fn shelf(app: &App, recipient: Address, sender: Address) -> Result<Shelf, ApiError> {
    if blocks::is_blocked(&app.database, &app.at_rest, recipient, sender).await? {
        return Ok(Shelf::Blocked);
    }
    Ok(if is_stranger(app, recipient, sender).await? { Shelf::Strangers } else { Shelf::Known })
}

/// Moves all grants of `sender` to `grantee` to the shelf where they belong now.
///
/// # Errors
/// Returns an error when a part does not answer.
pub(crate) async fn sort_again(app: &App, grantee: Address, sender: Address) -> Result<(), ApiError> {
    let shelf = shelf(app, grantee, sender).await?;
    received::set_shelf(&app.database, &app.at_rest, (grantee, sender), shelf).await
}

/// Accepts a stranger who has granted the caller something or asked for access.
///
/// From now on the caller knows this address: its grants move to the shelf `known`, and the records that it shares
/// appear in `/v1/records`.
///
/// **Who may call:** a person whom that address has granted something or asked for access.
#[utoipa::path(put, path = "/v1/accepted/{address}", tag = "people", params(("address" = String, Path, pattern = "^0x[0-9a-fA-F]{40}$")),
    responses((status = 204)))]
pub(crate) async fn accept(
    State(app): State<App>,
    caller: Caller,
    Path(AddressInPath(address)): Path<AddressInPath>,
) -> Result<StatusCode, ApiError> {
    let has_granted = received::is_any_between(&app.database, &app.at_rest, caller.address, address).await?;
    if !has_granted && !requests::has_asked(&app.database, &app.at_rest, address, caller.address).await? {
        return Err(ApiError::not_found("this address has not shared anything with you or asked you for access"));
    }
    note(&app, caller.address, address).await?;
    Ok(StatusCode::NO_CONTENT)
}
