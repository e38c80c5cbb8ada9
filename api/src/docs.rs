//! The OpenAPI document and the page that shows it, served from here and from nowhere else.

mod problems;

use std::sync::LazyLock;

use axum::{Router, body::Bytes, http::header};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Components, SecurityRequirement,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_swagger_ui::{Config, SwaggerUi};

pub(crate) use self::problems::Documented;
use crate::{caller::SESSION_COOKIE, state::App};

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

/// The whole document: with the problems that each operation may answer with.
pub(crate) fn complete(openapi: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    problems::describe(openapi)
}

/// What the document says about answers.
pub(crate) static DOCUMENTED: LazyLock<Documented> = LazyLock::new(|| Documented::of(crate::routes::openapi()));

/// `/openapi.json` and `/docs`. They are not part of the document themselves.
pub(crate) fn router(openapi: &utoipa::openapi::OpenApi) -> Router<App> {
    // Written once: anybody may ask for it, as often as the limits let them.
    let document = Bytes::from(serde_json::to_vec(openapi).expect("the document is plain data"));
    let answer = async move || ([(header::CONTENT_TYPE, "application/json")], document.clone());
    Router::new()
        .route("/openapi.json", axum::routing::get(answer))
        .merge(SwaggerUi::new("/docs").config(Config::from("/openapi.json")))
}
