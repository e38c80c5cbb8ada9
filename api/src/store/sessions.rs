//! Sessions in the database.

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

/// SHA-256 of a session's token, hex. It identifies the session, but cannot be used as its token.
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

/// A session in the database. `_id`: its [`SessionId`]. It is deleted when it ends.
#[derive(Clone, Serialize, Deserialize)]
pub struct SessionDoc {
    /// SHA-256 of the token.
    #[serde(rename = "_id")]
    pub id: SessionId,
    /// Blind index of the address ([`Lookup::SessionAddress`]).
    pub address: String,
    /// The account and its login: [`SignedIn`].
    pub sealed: Sealed,
    /// Unix seconds.
    pub created_at: u64,
    /// The time at which the database deletes it. The exact time at which it expires is sealed.
    pub delete_at: mongodb::bson::DateTime,
}

/// The part of a session that only the operator can read.
#[derive(Clone, Serialize, Deserialize)]
pub struct SignedIn {
    /// The signed-in address.
    #[serde(with = "protocol::hex_text")]
    pub address: Address,
    /// The session key, uncompressed point, hex.
    pub session_key: String,
    /// The login message, for log leaves.
    pub login_message: String,
    /// The wallet's signature over it.
    #[serde(with = "protocol::hex_text")]
    pub login_signature: Bytes,
    /// Unix seconds until which the session is valid.
    pub expires_at: u64,
}

impl SessionDoc {
    /// Returns a session that begins at `now` (Unix seconds).
    pub(crate) fn new(at_rest: &AtRest, now: u64, id: SessionId, who: &SignedIn) -> Self {
        Self {
            address: at_rest.blind(Lookup::SessionAddress, who.address),
            sealed: at_rest.seal(Use::Session, &id.0, who),
            id,
            created_at: now,
            delete_at: Clock::date_at(who.expires_at),
        }
    }

    /// Opens the session.
    ///
    /// # Errors
    /// Returns `internal` when this operator did not seal it.
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

/// Returns the session with this id, or `None`.
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

/// Ends the oldest sessions of an address, so that `keep` are left, including `newest`.
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
