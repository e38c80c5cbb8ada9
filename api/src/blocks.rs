//! Blocked senders: `/v1/blocks`. Each person has one list, and it applies to everything that others can send: grants
//! wait on a separate shelf, requests are refused, and nothing appears in the feed.
//!
//! Code that accepts something from one person for another calls [`blocks::is_blocked`] first. A blocked sender gets
//! the same answer as one that has sent too much.

use axum::{extract::State, http::StatusCode};
use protocol::{
    bodies::{Page, PageQuery, people::BlockView},
    error_code::ErrorCode,
};

use crate::{
    app::App,
    caller::Caller,
    error::ApiError,
    extract::{AddressInPath, Json, Path, Query, page_limit},
    paging::{self, Place, newest_first},
    relations,
    store::blocks,
};

/// Lists the addresses that the caller has blocked, newest first.
///
/// **Who may call:** any signed-in address; it sees its own list.
#[utoipa::path(get, path = "/v1/blocks", tag = "people", params(PageQuery), responses((status = 200, body = Page<BlockView>)))]
pub(crate) async fn list_blocks(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<BlockView>>, ApiError> {
    let limit = page_limit(query.limit)? as usize;
    let after = Place::parse_some(query.cursor.as_deref())?;
    let own = blocks::of_owner(&app.at_rest, caller.address);
    let mut found = newest_first(&blocks::blocks(&app.database), own, "since", after.as_ref(), limit + 1).await?;
    let has_more = paging::cut(&mut found, limit);
    let place = |block: &blocks::BlockDoc| Place { at: block.since, id: block.id.clone() }.cursor();
    let next = found.last().filter(|_| has_more).map(place);
    let items = found.iter().filter_map(|block| {
        let since = u64::try_from(block.since).unwrap_or(0);
        let address = block.blocked_by(&app.at_rest, caller.address)?;
        Some((place(block), BlockView { address, since }))
    });
    paging::page(items, limit, next).map(Json)
}

/// Blocks a sender.
///
/// Its grants wait on the shelf `blocked`, its requests are refused, and its actions do not appear in the caller's feed.
/// Existing grants remain valid.
///
/// **Who may call:** any signed-in address, for itself.
#[utoipa::path(put, path = "/v1/blocks/{address}", tag = "people", params(("address" = String, Path, pattern = "^0x[0-9a-fA-F]{40}$")),
    responses((status = 204)))]
pub(crate) async fn block(
    State(app): State<App>,
    caller: Caller,
    Path(AddressInPath(address)): Path<AddressInPath>,
) -> Result<StatusCode, ApiError> {
    if address == caller.address {
        return Err(ApiError::invalid("you cannot block yourself"));
    }
    let max = app.settings.limits.blocks_max;
    if blocks::count(&app.database, &app.at_rest, caller.address).await? >= max {
        return Err(ApiError::new(ErrorCode::OutOfRange, format!("at most {max} senders are blocked at a time")));
    }
    blocks::insert(&app.database, &app.at_rest, (caller.address, address), app.clock.now()).await?;
    relations::sort_again(&app, caller.address, address).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a block.
///
/// Grants that the sender gave in the meantime return to their shelf.
///
/// **Who may call:** any signed-in address, for itself.
#[utoipa::path(delete, path = "/v1/blocks/{address}", tag = "people", params(("address" = String, Path, pattern = "^0x[0-9a-fA-F]{40}$")),
    responses((status = 204)))]
pub(crate) async fn unblock(
    State(app): State<App>,
    caller: Caller,
    Path(AddressInPath(address)): Path<AddressInPath>,
) -> Result<StatusCode, ApiError> {
    blocks::delete(&app.database, &app.at_rest, caller.address, address).await?;
    relations::sort_again(&app, caller.address, address).await?;
    Ok(StatusCode::NO_CONTENT)
}
