//! The event feed: `GET /v1/events`.
//!
//! Each entry is written once for each person it concerns, and has a number from one counter. Counter and entry are
//! written in the same transaction, so numbers become visible in their order. A client that has seen number *n* has
//! therefore missed nothing below it, on any replica, and continues from there with `Last-Event-ID`.

mod interest;
mod mirror_events;
mod stream;

use std::collections::VecDeque;

use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{KeepAlive, Sse},
    },
};
use protocol::{bodies::feed::FeedEvent, error_code::ErrorCode};

use crate::{app::App, caller::Caller, error::ApiError, store::feed};

/// Starts the tasks that fill the feed. They end with the server.
pub(crate) fn start(app: &App) {
    tokio::spawn(stream::tell_connections(app.clone()));
    tokio::spawn(mirror_events::follow(app.clone()));
}

/// Streams the caller's events as server-sent events: from `Last-Event-ID` on, or from now on without it.
///
/// Comments are heartbeats. An event only tells the client to read again; it never grants permission.
///
/// **Who may call:** any signed-in address. It sees the events that concern it.
#[utoipa::path(get, path = "/v1/events", tag = "events",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen.", pattern = "^[0-9a-f]{16}$")),
    responses((status = 200, content_type = "text/event-stream", body = FeedEvent)))]
pub(crate) async fn get_events(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let after = match headers.get("last-event-id") {
        Some(id) => {
            let id = id.to_str().ok().and_then(feed::parse_id);
            id.ok_or_else(|| ApiError::invalid("Last-Event-ID is not valid for this server"))?
        }
        None => feed::newest(&app.database).await?,
    };
    let connection = app
        .feed
        .connect(&caller.session, app.settings.limits.feeds_max)
        .ok_or_else(|| ApiError::new(ErrorCode::RateLimited, "this session has too many open feeds").retry_after(10))?;
    let heartbeat = std::time::Duration::from_secs(app.settings.limits.heartbeat_seconds.max(1));
    // Subscribed before the first read, so that no event is missed in between.
    let news = app.feed.subscribe();
    let events = stream::events(stream::Reader { app, caller, news, after, waiting: VecDeque::new(), connection });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(heartbeat)).into_response())
}
