//! Blobs: encrypted envelopes on their way into and out of the content store. The server cannot decrypt them.
//!
//! Invariants:
//! 1. A blob is accepted, served, pinned and unpinned only for the record and version that its own header names.
//! 2. The ledger ([`ledger`]) has a row for every pin: it is written before the first byte is stored, and deleted after
//!    the last pin of its CID is gone.
//! 3. Memory use does not grow with the file: bytes are passed on as they arrive.

mod access;
pub(crate) mod ledger;
mod range;
pub mod sweeper;
mod upload;

use std::borrow::Cow;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{StreamExt, future};
use protocol::{bodies::records::StoredBlob, ids::RecordId};
use serde::Deserialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type},
    },
};

pub(crate) use ledger::create_indexes;

use crate::{
    app::App,
    caller::Caller,
    conditional,
    content::ByteStream,
    error::ApiError,
    extract::{Json, Path, Query},
};

/// A client may keep an envelope, and asks each time whether it may still use it.
const CACHE: &str = "private, no-cache";

/// The record version that an upload is for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadQuery {
    /// The record. It need not be registered yet.
    #[param(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    record: RecordId,
    /// The version, from 1.
    #[param(minimum = 1, maximum = 65535)]
    #[serde(deserialize_with = "protocol::digits::deserialize")]
    version: u16,
}

/// The body of an envelope in the OpenAPI document. `Vec<u8>` would be described as a list of numbers.
pub(crate) struct EnvelopeBytes;

impl PartialSchema for EnvelopeBytes {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .description(Some("The bytes of an envelope, encrypted (SPEC, section 5)."))
            .into()
    }
}

impl ToSchema for EnvelopeBytes {
    fn name() -> Cow<'static, str> {
        "EnvelopeBytes".into()
    }
}

/// Stores an envelope and returns its CID.
///
/// The body is streamed, and `Content-Length` is required. An upload that is never registered is removed after a day.
///
/// **Who may call:** any signed-in address with quota left.
#[utoipa::path(post, path = "/v1/blobs", tag = "blobs", params(UploadQuery),
    request_body(content = EnvelopeBytes, content_type = "application/octet-stream"), responses((status = 201, body = StoredBlob)))]
pub(crate) async fn upload(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<UploadQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<StoredBlob>), ApiError> {
    let length = upload::announced_length(&app, &headers)?;
    let blob = upload::store(&app, caller.address, query.record, query.version, length, body).await?;
    Ok((StatusCode::CREATED, Json(blob)))
}

/// Returns an envelope, or one range of it.
///
/// **Who may call:** the patient, everybody with an active grant over the record, and the uploader until the version is
/// registered.
#[utoipa::path(get, path = "/v1/blobs/{cid}", tag = "blobs",
    params(("cid" = String, Path, description = "CIDv1, base32.", pattern = "^b[a-z2-7]{20,120}$"),
        ("Range" = Option<String>, Header, description = "One range of bytes."),
        ("If-Range" = Option<String>, Header, description = "The range is returned only if the envelope has this ETag."),
        ("If-None-Match" = Option<String>, Header, description = "ETags that the client has already, or `*`.")),
    responses((status = 200, content_type = "application/octet-stream", body = EnvelopeBytes, headers(("ETag" = String))),
        (status = 206, content_type = "application/octet-stream", body = EnvelopeBytes, headers(("ETag" = String), ("Content-Range" = String))),
        (status = 304, description = "The client has it already.", headers(("ETag" = String)))))]
pub(crate) async fn download(
    State(app): State<App>,
    caller: Caller,
    Path(cid): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let blob = access::find(&app, caller.address, &cid).await?;
    if conditional::is_known(&headers, &blob.cid) {
        return Ok(conditional::not_modified(&blob.cid, CACHE));
    }
    let wants_range = conditional::is_range_wanted(&headers, &blob.cid);
    let range = if wants_range { range::of(&headers, blob.size)? } else { None };
    let (offset, length) = range.unwrap_or((0, blob.size));
    let bytes = app.content.get(&blob.cid, offset, length).await.map_err(access::unavailable)?;
    let mut response = (if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK }).into_response();
    *response.body_mut() = Body::from_stream(exactly(bytes, length));
    describe(&mut response, &blob.cid, length);
    if range.is_some() {
        let content_range = format!("bytes {offset}-{}/{}", offset + length - 1, blob.size);
        let value = HeaderValue::from_str(&content_range).expect("digits are visible ASCII");
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    Ok(response)
}

/// Returns the length of an envelope.
///
/// **Who may call:** everybody who may download it.
#[utoipa::path(head, path = "/v1/blobs/{cid}", tag = "blobs",
    params(("cid" = String, Path, description = "CIDv1, base32.", pattern = "^b[a-z2-7]{20,120}$"),
        ("If-None-Match" = Option<String>, Header, description = "ETags that the client has already, or `*`.")),
    responses((status = 200, headers(("ETag" = String))),
        (status = 304, description = "The client has it already.", headers(("ETag" = String)))))]
pub(crate) async fn describe_blob(
    State(app): State<App>,
    caller: Caller,
    Path(cid): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let blob = access::find(&app, caller.address, &cid).await?;
    if conditional::is_known(&headers, &blob.cid) {
        return Ok(conditional::not_modified(&blob.cid, CACHE));
    }
    let mut response = StatusCode::OK.into_response();
    describe(&mut response, &blob.cid, blob.size);
    Ok(response)
}

fn describe(response: &mut Response, cid: &str, length: u64) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
    headers.insert(header::ETAG, conditional::etag(cid));
}

/// Passes on exactly `length` bytes. If the store returns fewer or more, the connection is broken off, so that the
/// client cannot take the received part for the whole.
fn exactly(bytes: ByteStream, length: u64) -> ByteStream {
    let wrong = || Err(std::io::Error::other("the content store returned another length than it announced"));
    let end = futures::stream::once(future::ready(None));
    let pieces = bytes.map(Some).chain(end).scan(Some(length), move |left, piece| {
        let answer = match (piece, *left) {
            (_, None) => return future::ready(None),
            (Some(Ok(piece)), Some(rest)) => match rest.checked_sub(piece.len() as u64) {
                Some(rest) => {
                    *left = Some(rest);
                    Ok(piece)
                }
                None => {
                    *left = None;
                    wrong()
                }
            },
            (Some(Err(error)), Some(_)) => {
                *left = None;
                Err(error)
            }
            (None, Some(0)) => return future::ready(None),
            (None, Some(_)) => {
                *left = None;
                wrong()
            }
        };
        future::ready(Some(answer))
    });
    Box::pin(pieces)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::{StreamExt, stream};

    use super::*;

    async fn passed(pieces: Vec<std::io::Result<Bytes>>, length: u64) -> Result<Vec<u8>, ()> {
        let mut stream = exactly(Box::pin(stream::iter(pieces)), length);
        let mut all = Vec::new();
        while let Some(piece) = stream.next().await {
            all.extend_from_slice(&piece.map_err(|_| ())?);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn only_the_exact_length_ends_without_an_error() {
        let piece = |text: &'static str| Ok(Bytes::from_static(text.as_bytes()));
        assert_eq!(passed(vec![piece("ab"), piece("c")], 3).await, Ok(b"abc".to_vec()));
        assert_eq!(passed(vec![], 0).await, Ok(Vec::new()));
        assert_eq!(passed(vec![piece("ab")], 3).await, Err(()), "too short");
        assert_eq!(passed(vec![piece("ab"), piece("cd")], 3).await, Err(()), "too long");
        let broken = Err(std::io::ErrorKind::ConnectionReset.into());
        assert_eq!(passed(vec![piece("abc"), broken], 3).await, Err(()), "an error after the last byte");
    }
}
