//! Relayed actions.

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};

use crate::{error_code::Problem, ids::ActionId};

/// Where a relayed action stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionState {
    /// Stored durably; a transaction will follow, also after a restart.
    Accepted,
    /// A transaction is on its way.
    Sent,
    /// Mined and successful.
    Mined,
    /// It can no longer succeed; `problem` says why.
    Failed,
}

/// Why an action that was accepted is not mined for now. Nothing is lost: it goes on by itself, until its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// Others go first.
    Room,
    /// The chain costs more than this server's relayer pays.
    Fees,
    /// The relayer has too little ether.
    Funds,
}

/// `POST /v1/actions` takes a [`crate::messages::SignedAction`]; `GET /v1/actions/{id}` asks again.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ActionView {
    /// Names the action.
    pub id: ActionId,
    /// Where it stands.
    pub state: ActionState,
    /// Why it is not mined for now, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// The transaction, once sent.
    #[serde(default, with = "crate::hex_text::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub tx_hash: Option<B256>,
    /// The block, once mined.
    pub block_number: Option<u64>,
    /// Why it failed.
    pub problem: Option<Problem>,
}
