//! Blocked senders: `/v1/blocks`. One list for each person, for all that others may send: their grants wait on a shelf of
//! their own, their requests are refused, and nothing of theirs reaches the feed.
//!
//! Whoever takes something from one person for another asks [`is_blocked`] first. A blocked sender is told what everybody
//! is told who has sent too much.

use alloy::primitives::Address;
use axum::{extract::State, http::StatusCode};
use mongodb::{
    Collection, Database,
    bson::{Document, doc},
};
use protocol::{
    bodies::{Page, PageQuery, people::BlockView},
    error_code::ErrorCode,
    hex_text,
};
use serde::{Deserialize, Serialize};

use crate::{
    at_rest::{Lookup, Sealed, Use},
    caller::Caller,
    error::ApiError,
    extract::{AddressInPath, Json, Path, Query, page_limit},
    grants,
    paging::{self, Place, newest_first},
    state::App,
    store::{collection, find_id, index, is_duplicate},
};

/// A blocked sender. `_id`: blind index of who blocks whom ([`Lookup::Block`]).
#[derive(Clone, Serialize, Deserialize)]
struct BlockDoc {
    #[serde(rename = "_id")]
    id: String,
    /// Blind index of who blocks ([`Lookup::Blocker`]).
    owner: String,
    /// Whom: [`Blocked`].
    sealed: Sealed,
    /// Unix seconds.
    since: i64,
}

/// The sealed part.
#[derive(Serialize, Deserialize)]
struct Blocked {
    /// Who blocks.
    #[serde(with = "hex_text")]
    owner: Address,
    /// Whom.
    #[serde(with = "hex_text")]
    address: Address,
}

fn pair(owner: Address, blocked: Address) -> Vec<u8> {
    [owner.as_slice(), blocked.as_slice()].concat()
}

/// The filter for one block.
fn of_pair(app: &App, owner: Address, blocked: Address) -> Document {
    doc! { "_id": app.at_rest.find(Lookup::Block, pair(owner, blocked)) }
}

/// The filter for all blocks of a person.
fn of_owner(app: &App, owner: Address) -> Document {
    doc! { "owner": app.at_rest.find(Lookup::Blocker, owner) }
}

fn blocks(database: &Database) -> Collection<BlockDoc> {
    database.collection(collection::BLOCKS)
}

/// Creates the index of the list.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    blocks(database).create_index(index(doc! { "owner": 1, "since": -1, "_id": -1 })).await?;
    Ok(())
}

/// Whether `owner` wants nothing of `sender`.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn is_blocked(app: &App, owner: Address, sender: Address) -> Result<bool, ApiError> {
    Ok(blocks(&app.database).find_one(of_pair(app, owner, sender)).await?.is_some())
}

/// Lists whom the caller has blocked, newest first.
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
    let own = of_owner(&app, caller.address);
    let mut found = newest_first(&blocks(&app.database), own, "since", after.as_ref(), limit + 1).await?;
    let has_more = paging::cut(&mut found, limit);
    let place = |block: &BlockDoc| Place { at: block.since, id: block.id.clone() }.cursor();
    let next = found.last().filter(|_| has_more).map(place);
    let items = found.iter().filter_map(|block| {
        let since = u64::try_from(block.since).unwrap_or(0);
        let blocked: Blocked = app.at_rest.open(Use::Block, &block.id, &block.sealed).ok()?;
        if blocked.owner != caller.address {
            return None;
        }
        Some((place(block), BlockView { address: blocked.address, since }))
    });
    paging::page(items, limit, next).map(Json)
}

/// Blocks a sender: their grants wait on the shelf `blocked`, their requests are refused, their doings reach no feed.
/// Grants that stand go on to count.
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
        return Err(ApiError::invalid("nobody blocks themselves"));
    }
    let max = app.settings.limits.blocks_max;
    if blocks(&app.database).count_documents(of_owner(&app, caller.address)).await? >= max {
        return Err(ApiError::new(ErrorCode::OutOfRange, format!("at most {max} senders are blocked at a time")));
    }
    let pair = pair(caller.address, address);
    if find_id(&blocks(&app.database), &app.at_rest.older(Lookup::Block, &pair)).await?.is_none() {
        let id = app.at_rest.blind(Lookup::Block, pair);
        let new = BlockDoc {
            owner: app.at_rest.blind(Lookup::Blocker, caller.address),
            sealed: app.at_rest.seal(Use::Block, &id, &Blocked { owner: caller.address, address }),
            id,
            since: i64::try_from(app.clock.now()).unwrap_or(i64::MAX),
        };
        match blocks(&app.database).insert_one(new).await {
            Err(error) if !is_duplicate(&error) => return Err(error.into()),
            _ => {}
        }
    }
    grants::sort_again(&app, caller.address, address).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a block. What the sender has granted meanwhile is found on its shelf again.
///
/// **Who may call:** any signed-in address, for itself.
#[utoipa::path(delete, path = "/v1/blocks/{address}", tag = "people", params(("address" = String, Path, pattern = "^0x[0-9a-fA-F]{40}$")),
    responses((status = 204)))]
pub(crate) async fn unblock(
    State(app): State<App>,
    caller: Caller,
    Path(AddressInPath(address)): Path<AddressInPath>,
) -> Result<StatusCode, ApiError> {
    blocks(&app.database).delete_many(of_pair(&app, caller.address, address)).await?;
    grants::sort_again(&app, caller.address, address).await?;
    Ok(StatusCode::NO_CONTENT)
}
