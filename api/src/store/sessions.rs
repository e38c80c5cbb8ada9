//! Sessions as they are stored.

use alloy::primitives::{Address, Bytes};
use mongodb::{Collection, Database, bson::doc, error::Error};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{collection, end_surplus, index, ttl_index};
use crate::{
    at_rest::{AtRest, Lookup, Sealed, Use},
    error::ApiError,
    time::Clock,
};

/// SHA-256 of a session's token, hex: names the session without being it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub String);

impl SessionId {
    /// Returns the id of the session that `token` opens.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(hex::encode(Sha256::digest(token.as_bytes())))
    }
}

/// A session as it is stored. `_id`: its [`SessionId`]. It goes with its end.
#[derive(Clone, Serialize, Deserialize)]
pub struct SessionDoc {
    /// SHA-256 of the token.
    #[serde(rename = "_id")]
    pub id: SessionId,
    /// Blind index of the address ([`Lookup::SessionAddress`]).
    pub address: String,
    /// Who it is: [`SignedIn`].
    pub sealed: Sealed,
    /// Unix seconds.
    pub created_at: u64,
    /// When the database forgets it. Until when it counts is sealed.
    pub delete_at: mongodb::bson::DateTime,
}

/// What only the operator can read of a session.
#[derive(Clone, Serialize, Deserialize)]
pub struct SignedIn {
    /// Who is signed in.
    #[serde(with = "protocol::hex_text")]
    pub address: Address,
    /// The session key, uncompressed point, hex.
    pub session_key: String,
    /// The login message, for log leaves.
    pub login_message: String,
    /// The wallet's signature over it.
    #[serde(with = "protocol::hex_text")]
    pub login_signature: Bytes,
    /// Unix seconds: the session counts until then.
    pub expires_at: u64,
}

impl SessionDoc {
    /// A session that begins at `now` (unix seconds).
    pub(crate) fn new(at_rest: &AtRest, now: u64, id: SessionId, who: &SignedIn) -> Self {
        Self {
            address: at_rest.blind(Lookup::SessionAddress, who.address),
            sealed: at_rest.seal(Use::Session, &id.0, who),
            id,
            created_at: now,
            delete_at: Clock::date_at(who.expires_at),
        }
    }

    /// Opens it.
    ///
    /// # Errors
    /// `internal` when it was not sealed by this operator.
    pub(crate) fn who(&self, at_rest: &AtRest) -> Result<SignedIn, ApiError> {
        at_rest.open(Use::Session, &self.id.0, &self.sealed).map_err(ApiError::internal)
    }
}

fn sessions(database: &Database) -> Collection<SessionDoc> {
    database.collection(collection::SESSIONS)
}

/// Creates the indexes of sessions.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn create_indexes(database: &Database) -> Result<(), Error> {
    sessions(database).create_index(ttl_index("delete_at")).await?;
    sessions(database).create_index(index(doc! { "address": 1, "created_at": 1 })).await?;
    Ok(())
}

/// Returns the session with this id; `None` when there is none.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn find(database: &Database, id: &SessionId) -> Result<Option<SessionDoc>, Error> {
    sessions(database).find_one(doc! { "_id": &id.0 }).await
}

/// Stores a new session.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn insert(database: &Database, session: &SessionDoc) -> Result<(), Error> {
    sessions(database).insert_one(session).await?;
    Ok(())
}

/// Ends a session.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn delete(database: &Database, id: &SessionId) -> Result<(), Error> {
    sessions(database).delete_one(doc! { "_id": &id.0 }).await?;
    Ok(())
}

/// Ends the oldest sessions of an address, so that `keep` are left, among them `newest`.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn end_oldest(
    database: &Database,
    at_rest: &AtRest,
    address: Address,
    keep: u64,
    newest: &SessionId,
) -> Result<(), Error> {
    let owned = doc! { "address": at_rest.find(Lookup::SessionAddress, address) };
    end_surplus(&sessions(database).clone_with_type(), owned, "created_at", keep, &newest.0).await
}
