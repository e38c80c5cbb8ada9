//! The server's log entries.

use std::collections::HashSet;

use protocol::{
    bodies::log::{LogEntry, LogQuery},
    codes::Purpose,
    ids::RecordId,
};

use crate::{
    api::ServerError,
    chain::{AnchoredAccess, ChainError},
    client::Client,
};

/// The age at which an entry of the server's log must be on chain, if its leaf is not known, which has the exact time.
pub(super) const ANCHOR_SECONDS_MAX: u64 = 600;

/// Filters of the log.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// Only reads of this record.
    pub record: Option<RecordId>,
    /// Only reads for this purpose.
    pub purpose: Option<Purpose>,
    /// Only reads from this second on.
    pub from: Option<u64>,
    /// Only reads before this second.
    pub until: Option<u64>,
}

/// The log as the server tells it, newest first: of one's own records and reads; for auditors of all, without readers.
/// [`listed`](super::listed) compares it with the chain.
///
/// # Errors
/// [`ServerError`].
pub async fn log(client: &Client, filter: &LogFilter) -> Result<Vec<LogEntry>, ServerError> {
    let query = LogQuery {
        record: filter.record,
        purpose: filter.purpose,
        from: filter.from,
        until: filter.until,
        ..LogQuery::default()
    };
    client.api()?.log(&query).await
}

/// The ids of one's own records, from the chain.
pub(super) async fn own_records(client: &Client) -> Result<HashSet<RecordId>, ChainError> {
    let versions = client.chain().versions_of(client.address()).await?;
    Ok(versions.iter().map(|version| version.record).collect())
}

/// Returns whether the chain has this very entry.
pub(super) fn is_same(entry: &LogEntry, access: &AnchoredAccess) -> bool {
    access.record == entry.record && access.tag == entry.tag && access.purposes == entry.purpose.bit()
}
