//! The OpenAPI document and the page that shows it, served from here and from nowhere else.

mod problems;

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use protocol::error_code::ErrorCode;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Components, SecurityRequirement,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_swagger_ui::{Config, SwaggerUi};

pub(crate) use self::problems::Documented;
use crate::{app::App, caller::SESSION_COOKIE};

/// What the document says beside the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "medlock",
        description = "The blind server of medlock: it stores what it cannot read, relays what it did not sign, and keeps the log. \
            Every error is a problem (RFC 9457) with a stable `code`."
    ),
    // What no body names: every answer's problem, and a list that only a query parameter uses.
    components(schemas(
        protocol::error_code::Problem,
        protocol::error_code::ErrorCode,
        protocol::bodies::grants::GrantSide,
        protocol::bodies::grants::ShelfQuery
    )),
    modifiers(&Sessions)
)]
pub(crate) struct ApiDoc;

/// The two ways to carry a session. Routes that need none say so themselves.
struct Sessions;

impl Modify for Sessions {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_with(Components::new);
        components.add_security_scheme(
            "session",
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
        );
        components
            .add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE))));
        let none: [&str; 0] = [];
        openapi.security =
            Some(vec![SecurityRequirement::new("session", none), SecurityRequirement::new("cookie", none)]);
    }
}

/// Returns the whole document: with the problems that each operation may answer with.
pub(crate) fn complete(openapi: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    problems::describe(openapi)
}

/// `/openapi.json` and `/docs`. They are not part of the document themselves.
pub(crate) fn router(openapi: &utoipa::openapi::OpenApi) -> Router<App> {
    // Written once: anybody may ask for it, as often as the limits let them.
    let document = Bytes::from(serde_json::to_vec(openapi).expect("the document is plain data"));
    let answer = async move || ([(header::CONTENT_TYPE, "application/json")], document.clone());
    Router::new()
        .route("/openapi.json", axum::routing::get(answer))
        .merge(SwaggerUi::new("/docs").config(Config::from("/openapi.json")))
}

/// Checks that the OpenAPI document lists every answer, because clients are generated from it. A debug build panics
/// otherwise, so that tests notice.
pub(crate) async fn compare(State(documented): State<Arc<Documented>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", |path| path.as_str()).to_owned();
    let method = request.method().clone();
    let response = next.run(request).await;
    expect_documented(&documented, &method, &route, &response);
    response
}

fn expect_documented(documented: &Documented, method: &Method, route: &str, response: &Response) {
    let status = response.status();
    let code = response.extensions().get::<ErrorCode>().copied();
    // Of a method that the route has not, the document says nothing.
    if status == StatusCode::METHOD_NOT_ALLOWED || documented.has(method, route, status.as_u16(), code) {
        return;
    }
    tracing::error!(%method, route, %status, code = code.map(ErrorCode::as_str), "an undocumented answer");
    debug_assert!(false, "{method} {route} answered {status} {code:?}, which api/src/docs/problems.rs does not list");
}
