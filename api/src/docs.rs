//! The OpenAPI document and a page that displays it. All files of the page are served from here.

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

/// The parts of the document that do not come from the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "medlock",
        description = "The server of medlock. It stores encrypted data that it cannot read, relays messages that others \
            have signed, and keeps the log of reads. Every error is a problem (RFC 9457) with a stable `code`."
    ),
    // Schemas that no body names: the problem of every answer, and a list that only a query parameter uses.
    components(schemas(
        protocol::error_code::Problem,
        protocol::error_code::ErrorCode,
        protocol::bodies::grants::GrantSide,
        protocol::bodies::grants::ShelfQuery
    )),
    modifiers(&Sessions)
)]
pub(crate) struct ApiDoc;

/// The two ways to send a session. Routes that need no session declare it themselves.
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

/// Returns the whole document, with the problems that each operation may return.
pub(crate) fn complete(openapi: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    problems::describe(openapi)
}

/// Returns the routes `/openapi.json` and `/docs`. The document does not contain them.
pub(crate) fn router(openapi: &utoipa::openapi::OpenApi) -> Router<App> {
    // Serialized once, because anybody may request it as often as the limits allow.
    let document = Bytes::from(serde_json::to_vec(openapi).expect("the document is plain data"));
    let answer = async move || ([(header::CONTENT_TYPE, "application/json")], document.clone());
    Router::new()
        .route("/openapi.json", axum::routing::get(answer))
        .merge(SwaggerUi::new("/docs").config(Config::from("/openapi.json")))
}

/// Checks that the OpenAPI document lists every answer, because clients are generated from it. A debug build panics on
/// an unlisted answer, so tests find it.
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
    // The document describes no methods that the route does not have.
    if status == StatusCode::METHOD_NOT_ALLOWED || documented.has(method, route, status.as_u16(), code) {
        return;
    }
    tracing::error!(%method, route, %status, code = code.map(ErrorCode::as_str), "an undocumented answer");
    debug_assert!(false, "{method} {route} answered {status} {code:?}, which api/src/docs/problems.rs does not list");
}
