//! Relayed actions.

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};

use crate::{error_code::Problem, ids::ActionId};

/// The state of a relayed action. `accepted`: stored durably, and a transaction will follow. `sent`: a transaction was
/// sent and is not mined yet. `mined`: the transaction succeeded. `failed`: the action can no longer succeed; `problem`
/// says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionState {
    /// The action is stored durably. A transaction will follow, even after a restart of the server.
    Accepted,
    /// A transaction was sent and is not mined yet.
    Sent,
    /// The transaction was mined and succeeded.
    Mined,
    /// The action can no longer succeed; `problem` says why.
    Failed,
}

/// The reason why an accepted action is not mined yet. `room`: other actions are sent first. `fees`: the gas price is
/// higher than the limit of the server. `funds`: the relayer does not have enough ether. Nothing is lost: the server
/// keeps trying until the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// Other actions come first.
    Room,
    /// The gas price is higher than the limit of this server's relayer.
    Fees,
    /// The relayer does not have enough ether.
    Funds,
}

/// The state of a signed action that the server relays. `GET /v1/actions/{id}` returns the later states.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ActionView {
    /// The id of the action.
    pub id: ActionId,
    /// The state of the action.
    pub state: ActionState,
    /// The reason why it is not mined yet, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// The transaction, once it was sent.
    #[serde(default, with = "crate::hex_text::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub tx_hash: Option<B256>,
    /// The block, once the transaction was mined.
    pub block_number: Option<u64>,
    /// The reason why it failed.
    pub problem: Option<Problem>,
}
