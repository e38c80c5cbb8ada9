//! Blocked senders in the database.

use alloy::primitives::Address;
use mongodb::{
    Collection, Database,
    bson::{Document, doc},
};
use protocol::hex_text;
use serde::{Deserialize, Serialize};

use super::{collection, find_id, index, is_duplicate};
use crate::at_rest::{AtRest, Lookup, Sealed, Use};

/// A blocked sender. `_id`: blind index of both addresses ([`Lookup::Block`]).
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct BlockDoc {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    /// Blind index of the person who blocks ([`Lookup::Blocker`]).
    owner: String,
    /// Both addresses: [`Blocked`].
    sealed: Sealed,
    /// Unix seconds.
    pub(crate) since: i64,
}

/// The sealed part of a block.
#[derive(Serialize, Deserialize)]
struct Blocked {
    /// The person who blocks.
    #[serde(with = "hex_text")]
    owner: Address,
    /// The blocked sender.
    #[serde(with = "hex_text")]
    address: Address,
}

impl BlockDoc {
    /// Returns the address that `owner` has blocked. Returns `None` when the block does not open, or is somebody
    /// else's.
    pub(crate) fn blocked_by(&self, at_rest: &AtRest, owner: Address) -> Option<Address> {
        let blocked: Blocked = at_rest.open(Use::Block, &self.id, &self.sealed).ok()?;
        (blocked.owner == owner).then_some(blocked.address)
    }
}

fn pair(owner: Address, blocked: Address) -> Vec<u8> {
    [owner.as_slice(), blocked.as_slice()].concat()
}

/// Returns the filter for one block.
fn of_pair(at_rest: &AtRest, owner: Address, blocked: Address) -> Document {
    doc! { "_id": at_rest.find(Lookup::Block, pair(owner, blocked)) }
}

/// Returns the filter for all blocks of a person.
pub(crate) fn of_owner(at_rest: &AtRest, owner: Address) -> Document {
    doc! { "owner": at_rest.find(Lookup::Blocker, owner) }
}

/// Returns the collection of blocks.
pub(crate) fn blocks(database: &Database) -> Collection<BlockDoc> {
    database.collection(collection::BLOCKS)
}

/// Creates the index for the list.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    blocks(database).create_index(index(doc! { "owner": 1, "since": -1, "_id": -1 })).await?;
    Ok(())
}

/// Returns whether `owner` has blocked `sender`.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn is_blocked(
    database: &Database,
    at_rest: &AtRest,
    owner: Address,
    sender: Address,
) -> mongodb::error::Result<bool> {
    Ok(blocks(database).find_one(of_pair(at_rest, owner, sender)).await?.is_some())
}

/// Returns the number of senders that a person has blocked.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn count(database: &Database, at_rest: &AtRest, owner: Address) -> mongodb::error::Result<u64> {
    blocks(database).count_documents(of_owner(at_rest, owner)).await
}

/// Stores that `owner` blocks `address` since `now` (Unix seconds), unless it does already.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn insert(
    database: &Database,
    at_rest: &AtRest,
    (owner, address): (Address, Address),
    now: u64,
) -> mongodb::error::Result<()> {
    let pair = pair(owner, address);
    if find_id(&blocks(database), &at_rest.older(Lookup::Block, &pair)).await?.is_some() {
        return Ok(());
    }
    let id = at_rest.blind(Lookup::Block, pair);
    let new = BlockDoc {
        owner: at_rest.blind(Lookup::Blocker, owner),
        sealed: at_rest.seal(Use::Block, &id, &Blocked { owner, address }),
        id,
        since: i64::try_from(now).unwrap_or(i64::MAX),
    };
    match blocks(database).insert_one(new).await {
        Err(error) if !is_duplicate(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Ends a block.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn delete(
    database: &Database,
    at_rest: &AtRest,
    owner: Address,
    blocked: Address,
) -> mongodb::error::Result<()> {
    blocks(database).delete_many(of_pair(at_rest, owner, blocked)).await?;
    Ok(())
}
