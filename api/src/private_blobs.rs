//! Encrypted data that only its owner can open: `/v1/keyring` and `/v1/address-book`.
//!
//! Each has an `ETag`, the hash of its content. A write names the revision that it replaces, so that two devices cannot
//! overwrite each other's changes unnoticed. Writing the same content twice changes nothing.
//!
//! The stored content is sealed once more, because somebody with a keyring from a leaked database could try to guess
//! its passphrase.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use mongodb::bson::{Document, doc};
use protocol::{bodies::account::PrivateBlob, error_code::ErrorCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    app::App,
    at_rest::{Lookup, Sealed, Use},
    caller::Caller,
    conditional::{self, Tags},
    error::ApiError,
    extract::Json,
    store::{collection, is_duplicate},
};

/// One private blob. `_id`: blind index of kind and owner ([`Lookup::PrivateBlob`]).
#[derive(Serialize, Deserialize)]
struct PrivateBlobDoc {
    #[serde(rename = "_id")]
    id: String,
    /// SHA-256 of the content, hex.
    revision: String,
    content: Sealed,
}

/// The id of a blob.
#[derive(Deserialize)]
struct Named {
    #[serde(rename = "_id")]
    id: String,
}

#[derive(Clone, Copy)]
enum Kind {
    Keyring,
    AddressBook,
}

impl Kind {
    /// Returns the name of the caller's blob of this kind.
    fn name(self, caller: &Caller) -> Vec<u8> {
        let kind = match self {
            Self::Keyring => b'k',
            Self::AddressBook => b'a',
        };
        [&[kind][..], caller.address.as_slice()].concat()
    }

    /// Returns the filter for the caller's blob of this kind.
    fn of(self, app: &App, caller: &Caller) -> Document {
        doc! { "_id": app.at_rest.find(Lookup::PrivateBlob, self.name(caller)) }
    }
}

/// Returns whether the caller has a keyring and an address book here, so that a client need not ask for missing ones.
pub(crate) async fn kept(app: &App, caller: &Caller) -> Result<(bool, bool), ApiError> {
    let blobs = app.database.collection::<PrivateBlobDoc>(collection::PRIVATE_BLOBS);
    let has = async |kind: Kind| Ok::<_, ApiError>(blobs.count_documents(kind.of(app, caller)).await? > 0);
    Ok((has(Kind::Keyring).await?, has(Kind::AddressBook).await?))
}

/// Returns the caller's keyring.
///
/// **Who may call:** any signed-in address; it sees its own.
#[utoipa::path(get, path = "/v1/keyring", tag = "account",
    params(("If-None-Match" = Option<String>, Header, description = "ETags that the client has already, or `*`.")),
    responses((status = 200, body = PrivateBlob, headers(("ETag" = String))),
        (status = 304, description = "The client has it already.", headers(("ETag" = String)))))]
pub(crate) async fn get_keyring(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    get(&app, Kind::Keyring, &caller, &headers).await
}

/// Writes the caller's keyring.
///
/// `If-Match` names the revision that it replaces, and `If-None-Match: *` writes the first one.
///
/// **Who may call:** any signed-in address; it writes its own.
#[utoipa::path(put, path = "/v1/keyring", tag = "account", request_body = PrivateBlob,
    responses((status = 204, headers(("ETag" = String)))),
    params(("If-Match" = Option<String>, Header), ("If-None-Match" = Option<String>, Header)))]
pub(crate) async fn put_keyring(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(blob): Json<PrivateBlob>,
) -> Result<Response, ApiError> {
    put(&app, Kind::Keyring, &caller, &headers, &blob).await
}

/// Returns the caller's address book.
///
/// **Who may call:** any signed-in address; it sees its own.
#[utoipa::path(get, path = "/v1/address-book", tag = "account",
    params(("If-None-Match" = Option<String>, Header, description = "ETags that the client has already, or `*`.")),
    responses((status = 200, body = PrivateBlob, headers(("ETag" = String))),
        (status = 304, description = "The client has it already.", headers(("ETag" = String)))))]
pub(crate) async fn get_address_book(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    get(&app, Kind::AddressBook, &caller, &headers).await
}

/// Writes the caller's address book.
///
/// `If-Match` names the revision that it replaces, and `If-None-Match: *` writes the first one.
///
/// **Who may call:** any signed-in address; it writes its own.
#[utoipa::path(put, path = "/v1/address-book", tag = "account", request_body = PrivateBlob,
    responses((status = 204, headers(("ETag" = String)))),
    params(("If-Match" = Option<String>, Header), ("If-None-Match" = Option<String>, Header)))]
pub(crate) async fn put_address_book(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(blob): Json<PrivateBlob>,
) -> Result<Response, ApiError> {
    put(&app, Kind::AddressBook, &caller, &headers, &blob).await
}

async fn get(app: &App, kind: Kind, caller: &Caller, headers: &HeaderMap) -> Result<Response, ApiError> {
    let blobs = app.database.collection::<PrivateBlobDoc>(collection::PRIVATE_BLOBS);
    let found = blobs.find_one(kind.of(app, caller)).await?;
    let blob = found.ok_or_else(|| ApiError::not_found("nothing is stored yet"))?;
    if conditional::is_known(headers, &blob.revision) {
        return Ok(conditional::not_modified(&blob.revision, "no-store"));
    }
    let content = app.at_rest.open_bytes(Use::PrivateBlob, &blob.id, &blob.content).map_err(ApiError::internal)?;
    let body = PrivateBlob { content: BASE64_STANDARD.encode(&content) };
    Ok(with_etag(Json(body).into_response(), &blob.revision))
}

/// The condition of a write.
enum Precondition {
    Nothing,
    /// The blob has one of these revisions.
    Revision(Vec<String>),
}

fn precondition(headers: &HeaderMap) -> Result<Precondition, ApiError> {
    let has = |name| headers.contains_key(name);
    let tags = |name| Tags::of(headers, &name);
    match (has(header::IF_MATCH), has(header::IF_NONE_MATCH)) {
        (false, true) if tags(header::IF_NONE_MATCH) == Some(Tags::Any) => Ok(Precondition::Nothing),
        (true, false) => match tags(header::IF_MATCH) {
            Some(these @ Tags::These(_)) => Ok(Precondition::Revision(these.strong())),
            _ => Err(ApiError::invalid("If-Match must be the ETag of the replaced revision")),
        },
        _ => Err(ApiError::new(
            ErrorCode::PreconditionFailed,
            "send If-Match with the replaced revision, or If-None-Match: * for the first one",
        )),
    }
}

async fn put(
    app: &App,
    kind: Kind,
    caller: &Caller,
    headers: &HeaderMap,
    blob: &PrivateBlob,
) -> Result<Response, ApiError> {
    let precondition = precondition(headers)?;
    let bytes = BASE64_STANDARD.decode(&blob.content).map_err(|_| ApiError::invalid("content is not base64"))?;
    let bytes_max = app.settings.limits.private_blob_bytes_max;
    if bytes.len() > bytes_max {
        return Err(ApiError::new(ErrorCode::TooLarge, format!("at most {bytes_max} bytes can be stored here")));
    }
    let revision = hex::encode(Sha256::digest(&bytes));
    let blobs = app.database.collection::<PrivateBlobDoc>(collection::PRIVATE_BLOBS);
    // A blob that was stored under an earlier secret keeps its id.
    let known = blobs.clone_with_type::<Named>().find_one(kind.of(app, caller)).projection(doc! { "_id": 1 }).await?;
    let id = known.map_or_else(|| app.at_rest.blind(Lookup::PrivateBlob, kind.name(caller)), |known| known.id);
    let content = app.at_rest.seal_bytes(Use::PrivateBlob, &id, &bytes);
    let doc = PrivateBlobDoc { id, revision, content };
    let written = match precondition {
        Precondition::Nothing => match blobs.insert_one(&doc).await {
            Ok(_) => true,
            Err(error) if is_duplicate(&error) => false,
            Err(error) => return Err(error.into()),
        },
        Precondition::Revision(replaced) => {
            let current = doc! { "_id": &doc.id, "revision": { "$in": replaced } };
            blobs.replace_one(current, &doc).await?.matched_count == 1
        }
    };
    // Writing the same content again, after an answer was lost, is no conflict.
    if !written && blobs.find_one(doc! { "_id": &doc.id, "revision": &doc.revision }).await?.is_none() {
        return Err(ApiError::new(ErrorCode::PreconditionFailed, "another revision was stored in the meantime"));
    }
    Ok(with_etag(StatusCode::NO_CONTENT.into_response(), &doc.revision))
}

fn with_etag(mut response: Response, revision: &str) -> Response {
    response.headers_mut().insert(header::ETAG, conditional::etag(revision));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
