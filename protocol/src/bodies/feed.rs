//! The event feed: `GET /v1/events`. It consists of server-sent events, and a client can resume it with
//! `Last-Event-ID`.

use serde::{Deserialize, Serialize};

/// The kind of an event. An event is a reason to load the current state again; it never grants a permission.
/// `record_registered`: a record of yours, or shared with you, has a new version. `record_status_changed`: its status
/// changed. `record_retracted`: its uploader says that it must not be relied on. `granted`, `revoked`: a grant by you
/// or to you was given, or ended. `key_registered`: you published a key. `request_opened`: somebody asked you for
/// access. `request_answered`: your request was approved or denied. `accessed`: a record of yours was opened.
/// `action_settled`: one of your relayed actions was mined or failed. `accreditation_changed`: your accreditation
/// changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedKind {
    /// A record of yours, or shared with you, has a new version.
    RecordRegistered,
    /// The status of a record of yours, or shared with you, changed.
    RecordStatusChanged,
    /// The uploader of a record of yours, or shared with you, says that it must not be relied on.
    RecordRetracted,
    /// A grant was given by you or to you.
    Granted,
    /// A grant by you or to you ended.
    Revoked,
    /// You published a key.
    KeyRegistered,
    /// Somebody asked you for access.
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
    /// The id of the event, which grows; pass it as `Last-Event-ID`. Its form may change.
    pub id: String,
    /// The kind of the event.
    pub kind: FeedKind,
    /// The id of the record, grant, request, action or leaf that the event is about (hex).
    pub subject: String,
    /// The time of the event, in Unix seconds.
    pub time: u64,
}
