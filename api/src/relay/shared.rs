//! The state that the tasks of the relay share.

use std::sync::{Arc, Mutex, PoisonError};

use alloy::{
    providers::{DynProvider, Provider},
    transports::TransportError,
};
use mongodb::{Collection, Database};
use protocol::{bodies::relay::Waiting, deployment::Deployment};
use tokio::sync::{broadcast, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::{
    accounts::Standings,
    action_doc::ActionDoc,
    error::RelayError,
    limits::RelayLimits,
    line::{Line, Lines},
    market::Market,
    transaction::Fees,
};
use crate::{at_rest::AtRest, chain::ChainView, time::Clock};

/// The state that the relay's tasks share.
pub(super) struct Shared {
    pub(super) database: Database,
    pub(super) actions: Collection<ActionDoc>,
    pub(super) provider: DynProvider,
    pub(super) chain_view: ChainView,
    pub(super) deployment: Arc<Deployment>,
    pub(super) lines: Lines,
    pub(super) at_rest: Arc<AtRest>,
    pub(super) clock: Clock,
    pub(super) limits: RelayLimits,
    pub(super) standings: Standings,
    /// Every outcome, for callers who wait on this replica.
    pub(super) settled: broadcast::Sender<Arc<ActionDoc>>,
    /// Set while this replica sends. Cancelled when it may no longer send.
    pub(super) leading: watch::Sender<Option<CancellationToken>>,
    /// The recent state of the chain, once it was read.
    pub(super) market: Mutex<Option<Market>>,
}

/// A job for the sender of a line.
pub(super) enum Job {
    /// Store this new action, with a transaction if this replica sends, and answer once it is durable.
    Accept(Box<ActionDoc>, oneshot::Sender<Result<ActionDoc, RelayError>>),
}

impl Shared {
    /// Returns the number of transactions of a line's relayer that are mined.
    pub(super) async fn mined_nonces(&self, line: Line) -> Result<u64, TransportError> {
        self.provider.get_transaction_count(self.lines.of(line).relayer()).latest().await
    }

    /// Returns the chain's state, at most a few seconds old.
    pub(super) async fn market(&self) -> Result<Market, TransportError> {
        match self.known_market() {
            Some(market) if market.is_fresh() => Ok(market),
            _ => self.ask_market().await,
        }
    }

    /// Returns the chain's last known state without asking the chain.
    pub(super) fn known_market(&self) -> Option<Market> {
        self.market.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Updates the chain's state and the relayers' balances.
    pub(super) async fn ask_market(&self) -> Result<Market, TransportError> {
        let market = Market::ask(&self.provider, self.known_market()).await?;
        for line in self.lines.iter() {
            line.set_balance(self.provider.get_balance(line.relayer()).latest().await?);
        }
        *self.market.lock().unwrap_or_else(PoisonError::into_inner) = Some(market.clone());
        Ok(market)
    }

    /// Returns the fees for a new transaction of this line.
    pub(super) async fn fees(&self, line: Line) -> Result<Fees, TransportError> {
        Ok(self.market().await?.fees(line, self.limits.fee_ceiling))
    }

    /// Returns the reason why a line sends nothing now, if there is one.
    pub(super) fn held_back(&self, line: Line) -> Option<Waiting> {
        let market = self.known_market()?;
        if market.is_above(self.limits.fee_ceiling) {
            return Some(Waiting::Fees);
        }
        let max_fee = market.fees(line, self.limits.fee_ceiling).max_fee;
        self.lines.of(line).is_poor(max_fee).then_some(Waiting::Funds)
    }
}
