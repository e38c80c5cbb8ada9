//! Bytes that only their owner can open: `/v1/keyring` and `/v1/address-book`.
//!
//! Each has an `ETag`, the hash of its content. A write names the revision it replaces, so that two devices cannot
//! overwrite each other unseen, and the same content put twice changes nothing.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use mongodb::bson::{Binary, doc, spec::BinarySubtype};
use protocol::{bodies::account::PrivateBlob, error_code::ErrorCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    caller::Caller,
    error::ApiError,
    extract::Json,
    state::App,
    store::{collection, is_duplicate},
};

/// One private blob. `_id`: kind `:` owner.
#[derive(Serialize, Deserialize)]
struct PrivateBlobDoc {
    #[serde(rename = "_id")]
    id: String,
    /// SHA-256 of the content, hex.
    revision: String,
    content: Binary,
    /// Unix seconds.
    written_at: u64,
}

#[derive(Clone, Copy)]
enum Kind {
    Keyring,
    AddressBook,
}

impl Kind {
    fn id(self, caller: &Caller) -> String {
        let kind = match self {
            Self::Keyring => "keyring",
            Self::AddressBook => "address-book",
        };
        format!("{kind}:{}", caller.hex())
    }
}

/// Whether the caller has a keyring and an address book here, so that a client need not ask for what is not there.
pub(crate) async fn kept(app: &App, caller: &Caller) -> Result<(bool, bool), ApiError> {
    let blobs = app.database.collection::<PrivateBlobDoc>(collection::PRIVATE_BLOBS);
    let (keyring, book) = (Kind::Keyring.id(caller), Kind::AddressBook.id(caller));
    let has = async |id: &str| Ok::<_, ApiError>(blobs.count_documents(doc! { "_id": id }).await? > 0);
    Ok((has(&keyring).await?, has(&book).await?))
}

/// Gives the caller's keyring.
///
/// **Who may call:** any signed-in address; it sees its own.
#[utoipa::path(get, path = "/v1/keyring", tag = "account", responses((status = 200, body = PrivateBlob)))]
pub(crate) async fn get_keyring(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    get(&app, &Kind::Keyring.id(&caller)).await
}

/// Writes the caller's keyring: `If-Match` names the revision it replaces, `If-None-Match: *` writes the first.
///
/// **Who may call:** any signed-in address; it writes its own.
#[utoipa::path(put, path = "/v1/keyring", tag = "account", request_body = PrivateBlob, responses((status = 204)),
    params(("If-Match" = Option<String>, Header), ("If-None-Match" = Option<String>, Header)))]
pub(crate) async fn put_keyring(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(blob): Json<PrivateBlob>,
) -> Result<Response, ApiError> {
    put(&app, Kind::Keyring.id(&caller), &headers, &blob).await
}

/// Gives the caller's address book.
///
/// **Who may call:** any signed-in address; it sees its own.
#[utoipa::path(get, path = "/v1/address-book", tag = "account", responses((status = 200, body = PrivateBlob)))]
pub(crate) async fn get_address_book(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    get(&app, &Kind::AddressBook.id(&caller)).await
}

/// Writes the caller's address book: `If-Match` names the revision it replaces, `If-None-Match: *` writes the first.
///
/// **Who may call:** any signed-in address; it writes its own.
#[utoipa::path(put, path = "/v1/address-book", tag = "account", request_body = PrivateBlob, responses((status = 204)),
    params(("If-Match" = Option<String>, Header), ("If-None-Match" = Option<String>, Header)))]
pub(crate) async fn put_address_book(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(blob): Json<PrivateBlob>,
) -> Result<Response, ApiError> {
    put(&app, Kind::AddressBook.id(&caller), &headers, &blob).await
}

async fn get(app: &App, id: &str) -> Result<Response, ApiError> {
    let blobs = app.database.collection::<PrivateBlobDoc>(collection::PRIVATE_BLOBS);
    let blob = blobs.find_one(doc! { "_id": id }).await?.ok_or_else(|| ApiError::not_found("nothing is stored yet"))?;
    let body = PrivateBlob { content: BASE64_STANDARD.encode(&blob.content.bytes) };
    Ok(with_etag(Json(body).into_response(), &blob.revision))
}

/// What a write replaces.
enum Precondition {
    Nothing,
    Revision(String),
}

fn precondition(headers: &HeaderMap) -> Result<Precondition, ApiError> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::trim);
    match (text(header::IF_MATCH), text(header::IF_NONE_MATCH)) {
        (None, Some("*")) => Ok(Precondition::Nothing),
        (Some(etag), None) => etag
            .strip_prefix('"')
            .and_then(|etag| etag.strip_suffix('"'))
            .map(|revision| Precondition::Revision(revision.to_owned()))
            .ok_or_else(|| ApiError::invalid("If-Match must be the ETag of the revision that is replaced")),
        _ => Err(ApiError::new(
            ErrorCode::PreconditionFailed,
            "send If-Match with the revision that is replaced, or If-None-Match: * for the first",
        )),
    }
}

async fn put(app: &App, id: String, headers: &HeaderMap, blob: &PrivateBlob) -> Result<Response, ApiError> {
    let precondition = precondition(headers)?;
    let bytes = BASE64_STANDARD.decode(&blob.content).map_err(|_| ApiError::invalid("content is not base64"))?;
    let bytes_max = app.settings.limits.private_blob_bytes_max;
    if bytes.len() > bytes_max {
        return Err(ApiError::new(ErrorCode::TooLarge, format!("at most {bytes_max} bytes are kept here")));
    }
    let revision = hex::encode(Sha256::digest(&bytes));
    let content = Binary { subtype: BinarySubtype::Generic, bytes };
    let doc = PrivateBlobDoc { id, revision, content, written_at: app.clock.now() };
    let blobs = app.database.collection::<PrivateBlobDoc>(collection::PRIVATE_BLOBS);
    let written = match precondition {
        Precondition::Nothing => match blobs.insert_one(&doc).await {
            Ok(_) => true,
            Err(error) if is_duplicate(&error) => false,
            Err(error) => return Err(error.into()),
        },
        Precondition::Revision(replaced) => {
            let current = doc! { "_id": &doc.id, "revision": replaced };
            blobs.replace_one(current, &doc).await?.matched_count == 1
        }
    };
    // The same content again, after an answer was lost, is no conflict.
    if !written && blobs.find_one(doc! { "_id": &doc.id, "revision": &doc.revision }).await?.is_none() {
        return Err(ApiError::new(ErrorCode::PreconditionFailed, "another revision is stored by now"));
    }
    Ok(with_etag(StatusCode::NO_CONTENT.into_response(), &doc.revision))
}

fn with_etag(mut response: Response, revision: &str) -> Response {
    let etag = HeaderValue::from_str(&format!("\"{revision}\"")).expect("hex in quotes is visible ASCII");
    response.headers_mut().insert(header::ETAG, etag);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
