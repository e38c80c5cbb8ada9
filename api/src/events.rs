//! The event feed: `GET /v1/events`.
//!
//! An entry is written once for each person it concerns, and carries a number from one counter. Counter and entry are
//! written in the same transaction, so that numbers become visible in their order: whoever has seen number *n* has
//! missed nothing below it, on whatever replica, and goes on from there with `Last-Event-ID`.

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

/// Starts what feeds the feed; it ends with the server.
pub(crate) fn start(app: &App) {
    tokio::spawn(stream::tell_connections(app.clone()));
    tokio::spawn(mirror_events::follow(app.clone()));
}

/// The caller's events as server-sent events: from `Last-Event-ID` on, or from now on without one. Comments are
/// heartbeats. Each event is a reason to look again, never a permission.
///
/// **Who may call:** any signed-in address; it sees what concerns it.
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
            id.ok_or_else(|| ApiError::invalid("Last-Event-ID is not one that this server gave"))?
        }
        None => feed::newest(&app.database).await?,
    };
    let connection = app
        .feed
        .connect(&caller.session, app.settings.limits.feeds_max)
        .ok_or_else(|| ApiError::new(ErrorCode::RateLimited, "this session has too many open feeds").retry_after(10))?;
    let heartbeat = std::time::Duration::from_secs(app.settings.limits.heartbeat_seconds.max(1));
    // Subscribed before the first look, so that nothing falls in between.
    let news = app.feed.subscribe();
    let events = stream::events(stream::Reader { app, caller, news, after, waiting: VecDeque::new(), connection });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(heartbeat)).into_response())
}
