//! Counts requests by network and session, and delays callers that exceed their limit.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{Extensions, HeaderMap, StatusCode, header},
    middleware::Next,
    response::Response,
};
use hyper::body::Body as _;
use protocol::error_code::ErrorCode;

use crate::{
    app::App,
    caller,
    error::ApiError,
    network::{self, RequestNetwork},
    places::Full,
    rates::{Payer, limited},
};

/// Charges the body of a request after it was received and before it is processed.
pub(crate) fn charge_body(app: &App, extensions: &Extensions, bytes: usize) {
    if let Some(payer) = extensions.get::<Payer>() {
        app.rates.charge(payer, bytes);
    }
}

/// Counts every request by network address, before any other work. Attempts to sign in are counted separately, because
/// they write for strangers. A request also needs a place among those in progress. The answer holds the place until its
/// last byte is taken.
pub(crate) async fn by_network(State(app): State<App>, mut request: Request, next: Next) -> Result<Response, ApiError> {
    let Some(network) = network_of(&app, request.headers(), request.extensions()) else {
        return Ok(next.run(request).await);
    };
    let payer = Payer { network, session: caller::session_named(request.headers()) };
    let is_login = matches!(request.uri().path(), "/v1/auth/challenge" | "/v1/auth/login");
    if let Err(wait) = app.rates.count(&payer, is_login) {
        hold_back(&app).await;
        return Err(limited(wait));
    }
    let place = app.requests.take(network).map_err(|full| match full {
        Full::ForThis => ApiError::new(ErrorCode::RateLimited, "too many requests at a time").retry_after(1),
        Full::ForAll => ApiError::new(ErrorCode::Unavailable, "the server is busy").retry_after(1),
    })?;
    request.extensions_mut().insert(place.clone());
    request.extensions_mut().insert(RequestNetwork(network));
    request.extensions_mut().insert(payer.clone());
    let mut response = next.run(request).await;
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        hold_back(&app).await;
    }
    // A streamed answer has no length, or comes from the content store.
    let length = response.body().size_hint().exact().filter(|_| is_from_memory(response.headers()));
    app.rates.charge(&payer, length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0));
    response.extensions_mut().insert(place);
    Ok(response)
}

/// Returns the network that a request comes from; `None` where there is no socket, as in route tests.
fn network_of(app: &App, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(socket)| socket.ip());
    let limits = &app.settings.limits;
    let Some(name) = limits.forwarded_header.as_deref() else { return peer.map(network::of) };
    if peer.is_some_and(|peer| !limits.is_proxy(peer)) {
        // A client that does not come through the proxy could write anything there.
        if headers.contains_key(name) {
            app.metrics.forwarded_ignored("it does not come from a proxy that the settings name");
        }
        return peer.map(network::of);
    }
    let seen = network::forwarded(headers, name);
    if seen.is_none() && peer.is_some() {
        app.metrics.forwarded_ignored("its last entry is no address");
    }
    seen.or(peer).map(network::of)
}

/// Delays the refusal, because a caller that gets it at once would try again at once.
async fn hold_back(app: &App) {
    tokio::time::sleep(Duration::from_millis(app.settings.limits.refusal_milliseconds)).await;
}

fn is_from_memory(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|media_type| media_type.as_bytes().starts_with(b"application/json"))
}
