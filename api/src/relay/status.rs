//! The state of the lines, for readiness and metrics.

use alloy::primitives::{Address, U256};
use mongodb::bson::{doc, to_bson};
use protocol::bodies::relay::{ActionState, Waiting};
use serde::Serialize;

use super::{Relay, action_doc::ActionDoc, error::RelayError, gas, line::Line};
use crate::time::now_ms;

/// The state of one line.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct LineStatus {
    /// The line.
    pub(crate) line: Line,
    /// The relayer's address.
    #[serde(with = "protocol::hex_text")]
    #[schema(value_type = String)]
    pub(crate) relayer: Address,
    /// Whether its balance pays for pending transactions and a reserve.
    pub(crate) has_funds: bool,
    /// Whether the chain's fees are above the relayer's limit, so that transactions wait.
    pub(crate) is_at_fee_ceiling: bool,
    /// The balance in gwei.
    #[serde(skip)]
    pub(crate) balance_gwei: f64,
    /// Number of pending transactions of this replica.
    #[serde(skip)]
    pub(crate) in_flight: usize,
}

impl LineStatus {
    /// Returns whether the line can send.
    pub(crate) const fn is_good(&self) -> bool {
        self.has_funds && !self.is_at_fee_ceiling
    }
}

impl Relay {
    /// Returns the state of the lines, as of a few seconds ago.
    ///
    /// # Errors
    /// Returns an error when the chain does not answer and was never asked.
    pub(crate) async fn lines(&self) -> Result<Vec<LineStatus>, RelayError> {
        let shared = &self.shared;
        shared.market().await?;
        Ok(shared.lines.iter().map(|state| self.line_status(state.line)).collect())
    }

    /// Returns the known state of one line.
    pub(crate) fn line_status(&self, line: Line) -> LineStatus {
        let state = self.shared.lines.of(line);
        let held = self.shared.held_back(line);
        let gwei = state.balance().map_or(0.0, |wei| f64::from(wei / U256::from(1_000_000_000)));
        LineStatus {
            line,
            relayer: state.relayer(),
            has_funds: held != Some(Waiting::Funds),
            is_at_fee_ceiling: held == Some(Waiting::Fees),
            balance_gwei: gwei,
            in_flight: state.in_flight().0,
        }
    }

    /// Returns the number of accepted actions of a line without a transaction.
    ///
    /// # Errors
    /// Returns an error when the database does not answer.
    pub(crate) async fn queued(&self, line: Line) -> Result<u64, RelayError> {
        let accepted = to_bson(&ActionState::Accepted).map_err(mongodb::error::Error::from)?;
        let waiting = doc! { "line": line.as_str(), "state": accepted };
        Ok(self.shared.actions.count_documents(waiting).limit(100_000).await?)
    }

    /// Returns the number of reads that fit into one checkpoint on this chain.
    ///
    /// # Errors
    /// Returns an error when the chain does not answer.
    pub(crate) async fn checkpoint_reads_max(&self) -> Result<usize, RelayError> {
        Ok(gas::accesses_max(self.shared.market().await?.block_gas_limit))
    }

    /// Returns what is known about the duration of checkpoints, in milliseconds: of the last ones from acceptance to
    /// block, of a pending one so far, and the chain's interval between blocks.
    ///
    /// # Errors
    /// Returns an error when the database or the chain node does not answer.
    pub(crate) async fn checkpoint_pace(&self) -> Result<Pace, RelayError> {
        use futures::TryStreamExt;
        /// Number of checkpoints that are read.
        const LAST: i64 = 8;
        let market = self.shared.market().await?;
        let newest = doc! { "line": Line::Checkpoint.as_str() };
        let last: Vec<ActionDoc> = self
            .shared
            .actions
            .find(newest)
            .sort(doc! { "line": 1, "accepted_at": -1 })
            .limit(LAST)
            .await?
            .try_collect()
            .await?;
        let now = now_ms();
        let slowest_ms = last.iter().filter_map(|action| match (&action.state, &action.mined) {
            (ActionState::Mined, Some(mined)) => Some(mined.seen_at - action.accepted_at),
            (ActionState::Accepted | ActionState::Sent, _) => Some(now - action.accepted_at),
            _ => None,
        });
        Ok(Pace {
            slowest_ms: slowest_ms.max().and_then(|ms| u64::try_from(ms).ok()),
            is_one_on_its_way: last.iter().any(|action| !action.is_settled()),
            block_interval_ms: u64::try_from(market.block_interval().as_millis()).unwrap_or(u64::MAX),
            accesses_max: gas::accesses_max(market.block_gas_limit),
        })
    }
}

/// The duration of checkpoints.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) slowest_ms: Option<u64>,
    pub(crate) is_one_on_its_way: bool,
    pub(crate) block_interval_ms: u64,
    /// Number of reads that fit into one checkpoint.
    pub(crate) accesses_max: usize,
}
