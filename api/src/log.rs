//! The access log: `/v1/log`. Anchored reads come from the mirror of the chain. The reader and the version come from
//! the operator's own evidence.

mod entries;

use axum::extract::State;
use futures::TryStreamExt;
use mongodb::{Collection, bson::doc};
use protocol::{
    bodies::{
        Page, PageQuery,
        log::{CheckpointView, LogEntry, LogEvidence, LogQuery},
    },
    ids::LeafHash,
    mirror::{self, CheckpointDoc},
};

use crate::{
    app::App,
    caller::Caller,
    error::ApiError,
    extract::{Json, Path, Query, page_limit},
    paging,
    store::leaves,
};

/// Lists reads, newest first.
///
/// A patient gets the reads of the patient's own records, with their readers. An accredited auditor gets all anchored
/// reads, without readers.
///
/// **Who may call:** any signed-in address.
#[utoipa::path(get, path = "/v1/log", tag = "log", params(LogQuery), responses((status = 200, body = Page<LogEntry>)))]
pub(crate) async fn list_log(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<LogQuery>,
) -> Result<Json<Page<LogEntry>>, ApiError> {
    entries::list(&app, &caller, &query).await.map(Json)
}

/// Returns the operator's evidence of one read: everything that its leaf hash commits to.
///
/// **Who may call:** the patient of the record, and the reader.
#[utoipa::path(get, path = "/v1/log/leaves/{leaf}", tag = "log", params(("leaf" = String, Path, pattern = "^0x[0-9a-fA-F]{64}$")), responses((status = 200, body = LogEvidence)))]
pub(crate) async fn get_evidence(
    State(app): State<App>,
    caller: Caller,
    Path(leaf): Path<LeafHash>,
) -> Result<Json<LogEvidence>, ApiError> {
    let leaves = leaves::leaves(&app.log_database);
    let nothing = || ApiError::not_found("this leaf does not exist, or does not concern you");
    let found = leaves.find_one(doc! { "_id": leaf.to_string() }).await?.ok_or_else(nothing)?;
    let evidence = found.evidence(&app.at_rest)?;
    if ![evidence.patient, evidence.leaf.request.grantee].contains(&caller.address) {
        return Err(nothing());
    }
    Ok(Json(LogEvidence { leaf: evidence.leaf, hash: found.id }))
}

/// Lists the checkpoints of this deployment's operator, newest first.
///
/// **Who may call:** any signed-in address. Checkpoints are public on chain.
#[utoipa::path(get, path = "/v1/log/checkpoints", tag = "log", params(PageQuery), responses((status = 200, body = Page<CheckpointView>)))]
pub(crate) async fn list_checkpoints(
    State(app): State<App>,
    _caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<CheckpointView>>, ApiError> {
    let limit = page_limit(query.limit)?;
    let operator = app.deployment.operator;
    let before = match query.cursor.as_deref().map(protocol::digits::parse::<u64>) {
        None => u64::MAX,
        Some(Some(size)) => size,
        Some(None) => return Err(ApiError::invalid("cursor is not valid for this server")),
    };
    // The id is ordered by size: operator, then ten digits.
    let range = doc! {
        "$gte": mirror::checkpoint_id(operator, 0),
        "$lt": mirror::checkpoint_id(operator, before.min(9_999_999_999)),
    };
    let checkpoints: Collection<CheckpointDoc> = app.database.collection(mirror::collection::CHECKPOINTS);
    let found = checkpoints.find(doc! { "_id": range }).sort(doc! { "_id": -1 }).limit(i64::from(limit) + 1).await?;
    let mut found: Vec<CheckpointDoc> = found.try_collect().await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = paging::cut(&mut found, limit);
    let next = found.last().filter(|_| has_more).map(|last| last.size.to_string());
    let view = |checkpoint: CheckpointDoc| CheckpointView {
        operator: checkpoint.operator,
        size: checkpoint.size,
        root: checkpoint.root,
        head: checkpoint.head,
        block_number: checkpoint.place.block_number,
        time: checkpoint.place.block_time,
        tx_hash: checkpoint.place.tx_hash,
    };
    let items = found.into_iter().map(|checkpoint| (checkpoint.size.to_string(), view(checkpoint)));
    paging::page(items, limit, next).map(Json)
}
