//! The caller of a request, as an extractor: the session and its account.

use alloy::primitives::{Address, B256, Bytes};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use p256::ecdsa::VerifyingKey;
use sha2::{Digest, Sha256};

use crate::{
    app::App,
    error::ApiError,
    network::RequestNetwork,
    relay::Submitter,
    store::sessions::{self, SessionDoc, SessionId, SignedIn},
};

/// The session cookie of browsers. The prefix `__Host-` makes them require Secure, Path=/ and no Domain.
pub const SESSION_COOKIE: &str = "__Host-medlock";

/// A signed-in caller.
#[derive(Clone)]
pub struct Caller {
    /// The caller's address.
    pub address: Address,
    /// The id of the session.
    pub session: SessionId,
    /// The key that verifies the caller's read requests.
    pub session_key: VerifyingKey,
    /// The login message that names the session key.
    pub login_message: String,
    /// The wallet's signature over it.
    pub login_signature: Bytes,
    /// Unix seconds.
    pub expires_at: u64,
    /// The caller's network, as limits count it. `None` where there is no socket.
    pub network: Option<std::net::IpAddr>,
}

impl Caller {
    /// Returns the SHA-256 of the login message, as read requests name it.
    #[must_use]
    pub fn login_hash(&self) -> B256 {
        B256::from_slice(&Sha256::digest(self.login_message.as_bytes()))
    }

    /// Returns the caller as a submitter of actions.
    pub(crate) const fn submitter(&self) -> Submitter {
        Submitter { address: self.address, network: self.network }
    }

    /// Returns the caller's address in the mirror's spelling.
    #[must_use]
    pub fn hex(&self) -> String {
        format!("{:#x}", self.address)
    }
}

/// The two ways in which a request can carry its token.
enum Carried<'a> {
    Bearer(&'a str),
    Cookie(&'a str),
}

fn carried(headers: &HeaderMap) -> Option<Carried<'_>> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    if let Some(value) = lines.next() {
        // With two header lines, a proxy may have checked the other one.
        if lines.next().is_some() {
            return None;
        }
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then_some(Carried::Bearer(token.trim()));
    }
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(SESSION_COOKIE)?.strip_prefix('='))
        .map(Carried::Cookie)
}

/// Returns the id of the session to which the request's token would belong. Does not check that there is such a
/// session.
pub(crate) fn session_named(headers: &HeaderMap) -> Option<SessionId> {
    let (Carried::Bearer(token) | Carried::Cookie(token)) = carried(headers)?;
    Some(SessionId::of(token))
}

/// Returns the session and its account, unless it has ended.
async fn find_session(app: &App, id: &SessionId) -> Result<Option<(SessionDoc, SignedIn)>, ApiError> {
    let Some(session) = sessions::find(&app.database, id).await? else { return Ok(None) };
    let who = session.who(&app.at_rest)?;
    Ok((who.expires_at > app.clock.now()).then_some((session, who)))
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        // A layer around the route has already looked it up. Nothing else can insert it.
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let token = match carried(&parts.headers) {
            None => return Err(ApiError::not_signed_in()),
            Some(Carried::Bearer(token)) => token,
            Some(Carried::Cookie(token)) => {
                if !parts.method.is_safe() {
                    require_same_origin(&parts.headers, app)?;
                }
                token
            }
        };
        let found = find_session(app, &SessionId::of(token)).await?;
        let (session, who) = found.ok_or_else(ApiError::not_signed_in)?;
        app.rates.count_address(who.address)?;
        let point = hex::decode(&who.session_key).map_err(ApiError::internal)?;
        let session_key = VerifyingKey::from_sec1_bytes(&point).map_err(ApiError::internal)?;
        Ok(Self {
            address: who.address,
            session: session.id,
            session_key,
            login_message: who.login_message,
            login_signature: who.login_signature,
            expires_at: who.expires_at,
            network: parts.extensions.get::<RequestNetwork>().map(|RequestNetwork(network)| *network),
        })
    }
}

/// Refuses requests with the session cookie from other origins. A browser also sends cookies with requests that other
/// sites make, but those have another origin or none.
fn require_same_origin(headers: &HeaderMap, app: &App) -> Result<(), ApiError> {
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok());
    let ours = app.settings.public_url.trim_end_matches('/');
    let allowed = |origin: &str| origin == ours || app.settings.limits.cors_origin.iter().any(|other| other == origin);
    if origin.is_some_and(allowed) {
        return Ok(());
    }
    Err(ApiError::forbidden("a request with the session cookie must come from this server's own pages"))
}
