//! Extractors that refuse with a problem and a stable code; axum's own extractors answer with plain text. Their
//! messages never repeat more than [`crate::error::REPEATED_CHARS_MAX`] characters of the input.

use alloy::primitives::Address;
use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Response},
};
use protocol::error_code::ErrorCode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{app::App, body, error::ApiError, rate_limit, work};

/// A JSON body of a request or an answer.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + Send + 'static> FromRequest<App> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::new(ErrorCode::UnsupportedMediaType, "the body must be application/json"));
        }
        let limits = &app.settings.limits;
        let bytes_max = body::bytes_max(limits, request.uri().path());
        let (parts, body) = request.into_parts();
        let bytes = body::read(body, bytes_max, limits).await?;
        rate_limit::charge_body(app, &parts.extensions, bytes.len());
        work::run(bytes.len(), move || parsed(&bytes)).await.map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// Parses exactly one JSON value. The error message begins with the name of the field.
fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value =
        serde_path_to_error::deserialize(&mut json).map_err(|error| ApiError::unreadable("the body", &error))?;
    json.end().map_err(|error| ApiError::unreadable("the body", &error))?;
    Ok(value)
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        axum::extract::Query::<T>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|rejection| ApiError::unreadable("the query", &rejection.body_text()))
    }
}

/// The parts of the path.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        axum::extract::Path::<T>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(path)| Self(path))
            .map_err(|rejection| ApiError::unreadable("the path", &rejection.body_text()))
    }
}

/// An address in a path: `0x` and 40 hex digits.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub struct AddressInPath(#[serde(with = "protocol::hex_text")] pub Address);

/// A version in a path: decimal digits.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub struct VersionInPath(#[serde(deserialize_with = "protocol::digits::deserialize")] pub u16);

/// Returns the number of items on a page: `limit` if it is 1 to 500, or 100 if it is absent.
///
/// # Errors
/// Returns `out_of_range`.
pub fn page_limit(limit: Option<u32>) -> Result<u32, ApiError> {
    match limit {
        None => Ok(100),
        Some(limit @ 1..=500) => Ok(limit),
        Some(_) => Err(ApiError::new(ErrorCode::OutOfRange, "limit must be 1 to 500")),
    }
}
