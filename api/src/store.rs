//! MongoDB: the connection, the names of the API's own collections, and their indexes.
//!
//! The indexer writes the mirror's collections ([`protocol::mirror::collection`]); the API only reads them. Each of the
//! API's own collections is written by one module, named beside it here. `tests/imports.rs` checks this.

pub(crate) mod blocks;
pub(crate) mod bundles;
pub(crate) mod feed;
pub(crate) mod leaves;
pub(crate) mod received;
pub(crate) mod requests;
pub mod sessions;
pub(crate) mod shares;

use std::{path::Path, time::Duration};

use anyhow::Context;
use futures::TryStreamExt;
use mongodb::{
    Client, Collection, Database, IndexModel,
    bson::{Document, doc},
    error::ErrorKind,
    event::{EventHandler, command::CommandEvent},
    options::{
        ClientOptions, ClusteredIndex, IndexOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
    },
};
use protocol::deployment::Deployment;
use secrecy::{ExposeSecret, SecretString};

/// Names of the API's own collections.
pub mod collection {
    /// Login nonces: `auth`.
    pub const NONCES: &str = "api_nonces";
    /// Sessions: `store/sessions`.
    pub const SESSIONS: &str = "api_sessions";
    /// Keyrings and address books: `private_blobs`.
    pub const PRIVATE_BLOBS: &str = "api_private_blobs";
    /// Signed profiles: `directory`.
    pub const PROFILES: &str = "api_profiles";
    /// The ledger of pins: `blobs`.
    pub const PINS: &str = "api_pins";
    /// Stored answers: `idempotency`.
    pub const ANSWERS: &str = "api_answers";
    /// Leases: `lease`.
    pub const LEASES: &str = "api_leases";
    /// Relayed actions: `relay`.
    pub const ACTIONS: &str = "api_actions";
    /// Release shares, encrypted at rest: `store/shares`.
    pub const RELEASE_SHARES: &str = "api_release_shares";
    /// The capsules of grants: `store/bundles`.
    pub const BUNDLES: &str = "api_bundles";
    /// Received grants, with the data that opens their tags: `store/received`.
    pub const RECEIVED: &str = "api_received";
    /// Relations between people: `relations`.
    pub const RELATIONS: &str = "api_relations";
    /// Blocked senders: `store/blocks`.
    pub const BLOCKS: &str = "api_blocks";
    /// Daily counts: `daily`.
    pub const DAILY: &str = "api_daily";
    /// Access requests: `store/requests`.
    pub const REQUESTS: &str = "api_requests";
    /// Leaves of the operator's log and their places: `store/leaves`. In the log's own database.
    pub const LEAVES: &str = "log_leaves";
    /// The state of the log at each checkpoint: `sequencer`. In the log's own database.
    pub const POSITIONS: &str = "log_positions";
    /// Gas that the relayers spent for each account and network, and in total: `relay`.
    pub const BUDGETS: &str = "api_budgets";
    /// Accounts that an accreditor or the operator has invited: `relay`.
    pub const INVITATIONS: &str = "api_invitations";
    /// Ended grants and records whose data will be destroyed: `retire`.
    pub const ENDS: &str = "api_ends";
    /// The event feed: `store/feed`.
    pub const FEED: &str = "api_feed";
    /// Check values of the operator's secrets: `at_rest`.
    pub const SECRETS: &str = "api_secrets";
    /// Check values of the operator's secrets, in the log's own database: `at_rest`.
    pub const LOG_SECRETS: &str = "log_secrets";
    /// The feed's counter, and its place in the mirror's events: `store/feed`.
    pub const FEED_CURSOR: &str = "api_feed_cursor";
}

/// Reads a deployment file.
///
/// # Errors
/// Returns an error when the file cannot be read or does not have the expected form.
pub fn read_deployment(path: &Path) -> anyhow::Result<Deployment> {
    let json = std::fs::read(path).with_context(|| format!("cannot read the deployment file {}", path.display()))?;
    Deployment::parse(&json).with_context(|| format!("the deployment file {} cannot be used", path.display()))
}

/// Connects with majority read and write concern, and reads from the primary, whatever the URI says. A secondary that
/// lags behind would not have a revocation that another replica of this server has just accepted.
///
/// `observer` receives every command that is sent to the database. Tests use it.
///
/// # Errors
/// Returns an error when the URI is invalid.
pub async fn connect(
    uri: &SecretString,
    database: &str,
    seconds_max: u64,
    observer: Option<EventHandler<CommandEvent>>,
) -> mongodb::error::Result<Database> {
    let mut options = ClientOptions::parse(uri.expose_secret()).await?;
    let wait = Duration::from_secs(seconds_max);
    options.app_name = Some("medlock-api".to_owned());
    options.server_selection_timeout = Some(wait);
    options.connect_timeout = Some(wait);
    options.read_concern = Some(ReadConcern::majority());
    options.write_concern = Some(WriteConcern::majority());
    options.command_event_handler = observer;
    options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
    Ok(Client::with_options(options)?.database(database))
}

/// Creates a collection whose documents are stored in the order of their ids, if it does not exist. Grants arrive in
/// the order in which they are on chain, so the order of arrival would identify them. If the ids are blind indexes,
/// only the server's own log then shows which document came first. MongoDB stores documents in this way; the embedded
/// server accepts the setting but keeps the order of arrival.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn create_clustered(database: &Database, name: &str) -> mongodb::error::Result<()> {
    /// The error code of `NamespaceExists`.
    const EXISTS: i32 = 48;
    if database.list_collection_names().await?.iter().any(|known| known == name) {
        return Ok(());
    }
    match database.create_collection(name).clustered_index(ClusteredIndex::default()).await {
        Err(error) if matches!(&*error.kind, ErrorKind::Command(error) if error.code == EXISTS) => Ok(()),
        outcome => outcome,
    }
}

/// Returns an index over `keys`.
#[must_use]
pub fn index(keys: Document) -> IndexModel {
    IndexModel::builder().keys(keys).build()
}

/// Returns a unique index over `keys`.
#[must_use]
pub fn unique_index(keys: Document) -> IndexModel {
    IndexModel::builder().keys(keys).options(IndexOptions::builder().unique(true).build()).build()
}

/// Returns an index that deletes a document when the date in `field` has passed.
#[must_use]
pub fn ttl_index(field: &str) -> IndexModel {
    let options = IndexOptions::builder().expire_after(Duration::ZERO).build();
    IndexModel::builder().keys(doc! { field: 1 }).options(options).build()
}

/// Returns whether a write failed because a unique key already existed.
#[must_use]
pub fn is_duplicate(error: &mongodb::error::Error) -> bool {
    use mongodb::error::WriteFailure;
    match &*error.kind {
        ErrorKind::Write(WriteFailure::WriteError(error)) => error.code == 11_000,
        ErrorKind::Command(error) => error.code == 11_000,
        ErrorKind::InsertMany(error) => {
            error.write_errors.as_ref().is_some_and(|errors| errors.iter().all(|error| error.code == 11_000))
        }
        _ => false,
    }
}

/// Returns the id among these that exists in the collection. Returns `None` without a query when there are no ids. A
/// unique document whose id is a blind index keeps the id that an older secret gave it
/// ([`crate::at_rest::AtRest::older`]).
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn find_id<T: Send + Sync>(
    collection: &Collection<T>,
    ids: &[String],
) -> mongodb::error::Result<Option<String>> {
    if ids.is_empty() {
        return Ok(None);
    }
    let named = collection.clone_with_type::<Document>();
    let found = named.find_one(doc! { "_id": { "$in": ids } }).projection(doc! { "_id": 1 }).await?;
    Ok(found.and_then(|found| found.get_str("_id").ok().map(str::to_owned)))
}

/// Deletes the oldest of the documents that `owned` selects, so that `keep` are left.
///
/// The field `by` orders the documents by age. `newest` is the `_id` of the document that was just written. It always
/// stays, because others may have the same second.
pub(crate) async fn end_surplus(
    documents: &Collection<Document>,
    mut owned: Document,
    by: &str,
    keep: u64,
    newest: &str,
) -> mongodb::error::Result<()> {
    owned.insert("_id", doc! { "$ne": newest });
    let others = documents.find(owned).sort(doc! { by: -1 }).skip(keep.saturating_sub(1)).projection(doc! { "_id": 1 });
    let surplus: Vec<Document> = others.await?.try_collect().await?;
    let ids: Vec<&str> = surplus.iter().filter_map(|document| document.get_str("_id").ok()).collect();
    if !ids.is_empty() {
        documents.delete_many(doc! { "_id": { "$in": ids } }).await?;
    }
    Ok(())
}

/// Serde form of a whole value as one JSON text, for signed messages and bodies with numbers that BSON cannot hold.
pub mod json_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};

    /// Serializes the value as JSON text.
    pub fn serialize<T: Serialize, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&serde_json::to_string(value).map_err(serde::ser::Error::custom)?)
    }

    /// Deserializes the value from JSON text.
    pub fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        let text = String::deserialize(from)?;
        serde_json::from_str(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_primary_answers_whatever_the_uri_says() {
        let uri = "mongodb://127.0.0.1:1/?directConnection=true&readPreference=secondary&readConcernLevel=local&w=1";
        let database = connect(&uri.into(), "medlock", 1, None).await.expect("connecting does not wait for a server");
        let primary = SelectionCriteria::ReadPreference(ReadPreference::Primary);
        assert_eq!(database.selection_criteria(), Some(&primary));
        assert_eq!(database.read_concern(), Some(&ReadConcern::majority()));
        assert_eq!(database.write_concern(), Some(&WriteConcern::majority()));
    }
}
