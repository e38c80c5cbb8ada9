//! All URLs, and the OpenAPI document that is generated from them.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware,
    response::Response,
};
use protocol::error_code::ErrorCode;
use tower_http::{catch_panic::CatchPanicLayer, cors::CorsLayer};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    account, actions, app::App, auth, blobs, blocks, directory, docs, error::ApiError, events, grants, health,
    idempotency, keys, log, observe, private_blobs, protect, rate_limit, reads, records, relations, request_id,
    requests, settings::Settings, web,
};

/// Returns the documented routes: all except those of the document itself.
fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(docs::ApiDoc::openapi())
        // Signing in.
        .routes(routes!(auth::challenge))
        .routes(routes!(auth::login))
        .routes(routes!(auth::logout))
        // The caller's own account, and other people.
        .routes(routes!(account::me))
        .routes(routes!(private_blobs::get_keyring, private_blobs::put_keyring))
        .routes(routes!(private_blobs::get_address_book, private_blobs::put_address_book))
        .routes(routes!(keys::published_key))
        .routes(routes!(directory::list_directory))
        .routes(routes!(directory::put_profile))
        .routes(routes!(relations::accept))
        .routes(routes!(blocks::list_blocks))
        .routes(routes!(blocks::block, blocks::unblock))
        // Blobs.
        .routes(routes!(blobs::upload))
        .routes(routes!(blobs::download, blobs::describe_blob))
        // Actions, records, grants and requests.
        .routes(routes!(actions::post_action))
        .routes(routes!(actions::get_action))
        .routes(routes!(actions::invite))
        .routes(routes!(records::post_record, records::list_records))
        .routes(routes!(records::get_record))
        .routes(routes!(records::list_versions))
        .routes(routes!(records::put_release_share))
        .routes(routes!(grants::post_grant, grants::list_grants))
        .routes(routes!(grants::get_bundle, grants::put_bundle))
        .routes(routes!(grants::hide_grant, grants::unhide_grant))
        .routes(routes!(grants::revoke))
        .routes(routes!(requests::post_request, requests::list_requests))
        .routes(routes!(requests::get_request))
        .routes(routes!(requests::deny_request))
        // Reads, their log, and the feed.
        .routes(routes!(reads::post_read))
        .routes(routes!(log::list_log))
        .routes(routes!(log::get_evidence))
        .routes(routes!(log::list_checkpoints))
        .routes(routes!(events::get_events))
        // The server itself.
        .routes(routes!(account::deployment))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::version))
        .routes(routes!(observe::metrics))
}

/// Returns the OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    docs::complete(documented().split_for_parts().1)
}

/// Returns the OpenAPI document in its committed form: indented JSON with a final line break.
///
/// # Errors
/// Returns an error when it cannot be written as JSON.
pub fn openapi_text() -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(&openapi())? + "\n")
}

/// Returns the whole server as one service. The layers below run from the last to the first.
pub fn app(state: App) -> Router {
    let (router, _) = documented().split_for_parts();
    let limits = &state.settings.limits;
    let documented_answers = Arc::new(docs::Documented::of(openapi()));
    router
        .merge(docs::router(&openapi()))
        .fallback(serve_web)
        .method_not_allowed_fallback(async || {
            ApiError::new(ErrorCode::MethodNotAllowed, "this route has other methods")
        })
        .layer(DefaultBodyLimit::max(limits.body_bytes_max))
        .layer(middleware::from_fn_with_state(state.clone(), protect::in_turn))
        .layer(middleware::from_fn_with_state(state.clone(), idempotency::replay))
        .layer(CatchPanicLayer::custom(protect::panicked))
        .layer(middleware::from_fn_with_state(state.clone(), protect::to_the_end))
        .layer(middleware::from_fn_with_state(state.clone(), protect::time_limit))
        .layer(middleware::from_fn_with_state(state.clone(), rate_limit::by_network))
        .layer(cors(&state.settings))
        .layer(middleware::from_fn(protect::headers))
        .layer(middleware::from_fn_with_state(documented_answers, docs::compare))
        .layer(middleware::from_fn_with_state(state.clone(), observe::request))
        .layer(middleware::from_fn(request_id::assign))
        .with_state(state)
}

/// Answers all other paths: with a file of the web app if there is one, otherwise with a problem.
async fn serve_web(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    app.web.as_ref().ok_or_else(web::no_route)?.answer(&request)
}

/// Allows no other origins, unless the settings name them. Those may use the session cookie.
fn cors(settings: &Settings) -> CorsLayer {
    let origins: Vec<HeaderValue> =
        settings.limits.cors_origin.iter().filter_map(|origin| origin.parse().ok()).collect();
    if origins.is_empty() {
        return CorsLayer::new();
    }
    CorsLayer::new()
        .allow_origin(origins)
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            header::IF_RANGE,
            header::RANGE,
            HeaderName::from_static("last-event-id"),
            idempotency::KEY_HEADER,
        ])
        .expose_headers([
            header::ETAG,
            header::CONTENT_RANGE,
            header::RETRY_AFTER,
            idempotency::REPLAYED_HEADER,
            request_id::HEADER,
        ])
        .max_age(Duration::from_secs(600))
}
