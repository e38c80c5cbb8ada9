//! Granting, revoking, and the patient's catch-up.

use alloy::primitives::Address;
use protocol::{
    bodies::grants::{GrantSide, GrantView},
    codes::{Category, Purpose, Right},
    ids::{GrantId, RecordId, RequestId, Tag},
};
use serde::Serialize;

use crate::{act::{Settled, Way}, client::Client, error::ClientError, unlock::Keys, wallet::Wallet};

/// What a grant covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One record (READ only).
    Record(RecordId),
    /// One category (WRITE only, until category keys exist).
    Category(Category),
    /// Everything (WRITE only, until category keys exist).
    All,
}

/// What is granted.
#[derive(Clone, Debug)]
pub struct NewGrants {
    /// To whom.
    pub grantee: Address,
    /// READ or WRITE.
    pub right: Right,
    /// One scope or several, at most [`protocol::codes::MAX_SCOPES`].
    pub scopes: Vec<Scope>,
    /// For what; not empty.
    pub purposes: Vec<Purpose>,
    /// First second, unix.
    pub not_before: u64,
    /// First second after, unix.
    pub not_after: u64,
    /// The request that this answers.
    pub request: Option<RequestId>,
    /// How it gets to the chain.
    pub way: Way,
}

/// What was granted.
#[derive(Clone, Debug, Serialize)]
pub struct Granted {
    /// One for each scope, in order.
    pub grants: Vec<GrantId>,
    /// The grantee's tag.
    pub tag: Tag,
    /// How it got to the chain.
    pub settled: Settled,
}

/// Grants a right to one person over several scopes with one signature.
///
/// # Errors
/// [`crate::Kind::KeyNotRegistered`], [`crate::Kind::WrongPublicKey`], [`crate::Kind::Commitment`] for a record whose envelope does
/// not follow the protocol, and what wallet, server and chain refuse.
pub async fn grant(client: &Client, wallet: &dyn Wallet, keys: &Keys, new: &NewGrants) -> Result<Granted, ClientError> {
    let _ = (client, wallet, keys, new);
    Err(crate::error::being_written())
}

/// Grants given or received. Terms and state are read from the chain, not from the server.
///
/// # Errors
/// [`crate::Kind::WrongAnswer`].
pub async fn list(client: &Client, side: GrantSide, record: Option<RecordId>) -> Result<Vec<GrantView>, ClientError> {
    let _ = (client, side, record);
    Err(crate::error::being_written())
}

/// What ends.
#[derive(Clone, Debug)]
pub enum Ending {
    /// Everything that this person may do; over one scope if given. Works from the seed and the chain alone.
    Person {
        /// Who.
        grantee: Address,
        /// Over what; everything if absent.
        scope: Option<Scope>,
    },
    /// These grants.
    Grants(Vec<GrantId>),
    /// Everything that everybody may do.
    Everything,
}

/// What a person whose grants ended could have kept.
#[derive(Clone, Debug, Serialize)]
pub struct Revoked {
    /// How many grants the message named; for everything, how many stood.
    pub ended: usize,
    /// Records that they opened before, from the log: what they could have kept.
    pub opened_before: Vec<RecordId>,
    /// How it got to the chain.
    pub settled: Settled,
}

/// Ends grants. Reads stop as soon as the server has accepted it or it is mined.
///
/// # Errors
/// [`crate::Kind::NotFound`] if nothing stands to be ended, and what wallet, server and chain refuse.
pub async fn revoke(client: &Client, wallet: &dyn Wallet, keys: &Keys, ending: &Ending, way: Way) -> Result<Revoked, ClientError> {
    let _ = (client, wallet, keys, ending, way);
    Err(crate::error::being_written())
}

/// What a catch-up found and did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CaughtUp {
    /// New versions by others whose envelope was checked.
    pub checked: usize,
    /// Versions whose envelope does not follow the protocol: nobody should trust them.
    pub broken: Vec<(RecordId, u16)>,
    /// Release shares deposited again.
    pub shares_deposited: usize,
    /// Grants whose bundle got later versions.
    pub bundles_extended: usize,
}

/// The patient's part after others have added versions: checks their envelopes, deposits the right release shares, and
/// extends the bundles of active READ grants. To be called after signing in.
///
/// # Errors
/// What the server refuses.
pub async fn catch_up(client: &Client, keys: &Keys) -> Result<CaughtUp, ClientError> {
    let _ = (client, keys);
    Err(crate::error::being_written())
}
