//! Every URL, in one place, and the OpenAPI document that follows from them.

use axum::{Router, middleware};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{error::ApiError, request_id, state::App};

#[derive(OpenApi)]
#[openapi(info(title = "medlock", description = "The blind server of medlock: sign-in, relay, blobs, records, grants, reads, log, events."))]
struct ApiDoc;

/// The documented routes.
fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(ApiDoc::openapi())
}

/// The OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    documented().split_for_parts().1
}

/// The whole server as one service.
pub fn app(state: App) -> Router {
    let (router, _) = documented().split_for_parts();
    router
        .fallback(async || ApiError::not_found("there is no such route"))
        .with_state(state)
        .layer(middleware::from_fn(request_id::assign))
}
