//! The event feed: `GET /v1/events`, server-sent events, resumed with `Last-Event-ID`.

use serde::{Deserialize, Serialize};

/// What happened. Each is a reason to look again, never a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedKind {
    /// A record of yours, or shared with you, has a new version.
    RecordRegistered,
    /// A record of yours, or shared with you, changed its status.
    RecordStatusChanged,
    /// The uploader of a record of yours, or shared with you, says not to rely on it.
    RecordRetracted,
    /// Something was granted by you or to you.
    Granted,
    /// A grant by you or to you ended.
    Revoked,
    /// A key was published by you.
    KeyRegistered,
    /// Somebody asks you for access.
    RequestOpened,
    /// Your request was approved or denied.
    RequestAnswered,
    /// A record of yours was opened.
    Accessed,
    /// One of your relayed actions was mined or failed.
    ActionSettled,
    /// Your accreditation changed.
    AccreditationChanged,
}

/// One event of the feed. The SSE `id` is the same text as `id`, the SSE `event` the kind.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FeedEvent {
    /// Opaque and growing; pass it as `Last-Event-ID`.
    pub id: String,
    /// What happened.
    pub kind: FeedKind,
    /// Names what it is about: a record, grant, request, action or leaf (hex).
    pub subject: String,
    /// Unix seconds.
    pub time: u64,
}
