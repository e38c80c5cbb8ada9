//! Signing in with a wallet (EIP-4361), and signing out.

mod challenge;
mod login;

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use mongodb::Database;
use protocol::bodies::account::{Challenge, LoginBody, SessionToken};
use rand::Rng;
use zeroize::Zeroizing;

use self::challenge::{NonceDoc, origin};
use crate::{
    app::App,
    caller::{Caller, SESSION_COOKIE},
    error::ApiError,
    extract::Json,
    store::{
        collection,
        sessions::{self, SessionDoc, SessionId, SignedIn},
        ttl_index,
    },
    time::Clock,
};

/// Creates the indexes of nonces and sessions.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    database.collection::<NonceDoc>(collection::NONCES).create_index(ttl_index("delete_at")).await?;
    sessions::create_indexes(database).await
}

/// Returns a nonce and all other values that the login message must contain.
///
/// **Who may call:** anyone.
#[utoipa::path(get, path = "/v1/auth/challenge", tag = "account", responses((status = 200, body = Challenge)), security())]
pub(crate) async fn challenge(State(app): State<App>) -> Result<Json<Challenge>, ApiError> {
    let now = app.clock.now();
    let nonce = hex::encode(random_bytes::<16>().as_slice());
    let expires_at = now + app.settings.limits.nonce_seconds;
    let doc =
        NonceDoc { nonce: nonce.clone(), created_at: now, expires_at, delete_at: Clock::date_at(expires_at + 60) };
    app.database.collection(collection::NONCES).insert_one(doc).await?;
    let origin = origin(&app.settings);
    Ok(Json(Challenge {
        nonce,
        domain: origin.domain.to_owned(),
        uri: origin.uri.to_owned(),
        chain_id: app.deployment.chain_id,
        server_time: now,
        nonce_expires_at: expires_at,
        session_seconds_max: app.settings.limits.session_seconds_max,
    }))
}

/// Opens a session for the account that signed the login message.
///
/// The message names the session key, which signs read requests.
///
/// **Who may call:** anyone.
#[utoipa::path(post, path = "/v1/auth/login", tag = "account", request_body = LoginBody,
    responses((status = 200, body = SessionToken)), security())]
pub(crate) async fn login(State(app): State<App>, Json(body): Json<LoginBody>) -> Result<Response, ApiError> {
    let login = login::check(&app, &body).await?;
    let token = Zeroizing::new(hex::encode(random_bytes::<32>().as_slice()));
    let who = SignedIn {
        address: login.address,
        session_key: login.session_key,
        login_message: body.message,
        login_signature: body.signature,
        expires_at: login.expires_at,
    };
    let session = SessionDoc::new(&app.at_rest, app.clock.now(), SessionId::of(&token), &who);
    sessions::insert(&app.database, &session).await?;
    let keep = u64::try_from(app.settings.limits.sessions_max).unwrap_or(u64::MAX);
    sessions::end_oldest(&app.database, &app.at_rest, login.address, keep, &session.id).await?;
    let seconds = login.expires_at.saturating_sub(app.clock.now());
    let answer = SessionToken { token: token.to_string(), address: login.address, expires_at: login.expires_at };
    Ok(with_cookie(Json(answer).into_response(), &token, seconds))
}

/// Ends the caller's session.
///
/// **Who may call:** any signed-in address.
#[utoipa::path(post, path = "/v1/auth/logout", tag = "account", responses((status = 204)))]
pub(crate) async fn logout(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    sessions::delete(&app.database, &caller.session).await?;
    Ok(with_cookie(StatusCode::NO_CONTENT.into_response(), "", 0))
}

/// Sets the session cookie. Browsers keep a `__Host-` cookie only with Secure and Path=/. They treat `http://localhost`
/// and `http://127.0.0.1` as secure, so the same cookie works in a local network. Over plain http elsewhere it is
/// dropped, as intended.
fn with_cookie(mut response: Response, token: &str, seconds: u64) -> Response {
    let cookie = format!("{SESSION_COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    let mut value = HeaderValue::from_str(&cookie).expect("a hex token is visible ASCII");
    value.set_sensitive(true);
    response.headers_mut().insert(header::SET_COOKIE, value);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn random_bytes<const N: usize>() -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    rand::rng().fill_bytes(bytes.as_mut_slice());
    bytes
}
