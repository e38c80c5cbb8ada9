//! Access requests: a practitioner asks with a note, the patient approves or denies.

use alloy::primitives::Address;
use protocol::{
    bodies::grants::RequestState,
    codes::{Purpose, Right},
    ids::{RecordId, RequestId},
};
use serde::Serialize;

use crate::{
    act::Way,
    client::Client,
    error::ClientError,
    grants::{Granted, Scope},
    unlock::Keys,
    wallet::Wallet,
};

/// What is asked.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// Whom.
    pub patient: Address,
    /// READ or WRITE.
    pub right: Right,
    /// Over what.
    pub scope: Scope,
    /// For what.
    pub purposes: Vec<Purpose>,
    /// The wished end, unix seconds.
    pub until: u64,
    /// The reason; only the patient can read it.
    pub reason: String,
    /// How long the request stays open, seconds.
    pub open_seconds: u64,
}

/// Asks a patient.
///
/// # Errors
/// [`crate::Kind::KeyNotRegistered`], [`crate::Kind::WrongPublicKey`], and what wallet and server refuse.
pub async fn ask(client: &Client, wallet: &dyn Wallet, new: &NewRequest) -> Result<RequestId, ClientError> {
    let _ = (client, wallet, new);
    Err(crate::error::being_written())
}

/// A request whose signature was checked.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// Names it.
    pub id: RequestId,
    /// Who asks.
    #[serde(with = "protocol::hex_text")]
    pub requester: Address,
    /// Who is asked.
    #[serde(with = "protocol::hex_text")]
    pub patient: Address,
    /// READ or WRITE.
    pub right: Right,
    /// Over what.
    pub scope: Scope,
    /// For what.
    pub purposes: Vec<Purpose>,
    /// The wished end, unix seconds.
    pub until: u64,
    /// The reason, for the patient whose keys are given.
    pub reason: Option<String>,
    /// Whether the requester is accredited now, from the chain.
    pub accredited: bool,
    /// Where it stands.
    pub state: RequestState,
    /// Unix seconds.
    pub created_at: u64,
}

/// Requests to and from this person, newest first; opens the reasons when keys are given.
///
/// # Errors
/// What the server refuses. A request whose signature does not hold is left out.
pub async fn list(client: &Client, keys: Option<&Keys>) -> Result<Vec<Request>, ClientError> {
    let _ = (client, keys);
    Err(crate::error::being_written())
}

/// How the patient narrows or changes what was asked.
#[derive(Clone, Debug, Default)]
pub struct Approval {
    /// Which records instead of those asked for. READ over a category or everything needs them named here, or grants
    /// each record that is there now.
    pub records: Option<Vec<RecordId>>,
    /// Another end, unix seconds.
    pub until: Option<u64>,
    /// Other purposes.
    pub purposes: Option<Vec<Purpose>>,
    /// How the grant gets to the chain.
    pub way: Way,
}

/// Approves: grants what was asked, as narrowed.
///
/// # Errors
/// See [`crate::grants::grant`]; [`crate::Kind::NotFound`] for a request that is not open.
pub async fn approve(
    client: &Client,
    wallet: &dyn Wallet,
    keys: &Keys,
    request: RequestId,
    approval: &Approval,
) -> Result<Granted, ClientError> {
    let _ = (client, wallet, keys, request, approval);
    Err(crate::error::being_written())
}

/// Denies.
///
/// # Errors
/// What wallet and server refuse.
pub async fn deny(client: &Client, wallet: &dyn Wallet, request: RequestId) -> Result<(), ClientError> {
    let _ = (client, wallet, request);
    Err(crate::error::being_written())
}
