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
use crate::{at_rest::AtRest, time::Clock};

/// The state that the relay's tasks share.
pub(super) struct Shared {
    pub(super) database: Database,
    pub(super) actions: Collection<ActionDoc>,
    pub(super) provider: DynProvider,
    pub(super) deployment: Arc<Deployment>,
    pub(super) lines: Lines,
    pub(super) at_rest: Arc<AtRest>,
    pub(super) clock: Clock,
    pub(super) limits: RelayLimits,
    pub(super) standings: Standings,
    /// Every outcome, for whoever waits on this replica.
    pub(super) settled: broadcast::Sender<Arc<ActionDoc>>,
    /// Set while this replica sends; cancelled when it no longer may.
    pub(super) leading: watch::Sender<Option<CancellationToken>>,
    /// The chain as it was a moment ago, once it was asked.
    pub(super) market: Mutex<Option<Market>>,
}

/// Work for the sender of a line.
pub(super) enum Job {
    /// Store this new action, with a transaction if this replica sends, and answer once it is durable.
    Accept(Box<ActionDoc>, oneshot::Sender<Result<ActionDoc, RelayError>>),
}

impl Shared {
    /// Returns how many transactions of a line's relayer the chain has mined.
    pub(super) async fn mined_nonces(&self, line: Line) -> Result<u64, TransportError> {
        self.provider.get_transaction_count(self.lines.of(line).relayer()).latest().await
    }

    /// Returns the chain as it was a few seconds ago.
    pub(super) async fn market(&self) -> Result<Market, TransportError> {
        match self.known_market() {
            Some(market) if market.is_fresh() => Ok(market),
            _ => self.ask_market().await,
        }
    }

    /// The same without asking the chain.
    pub(super) fn known_market(&self) -> Option<Market> {
        self.market.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the chain, and for the relayers' balances.
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

    /// Returns why a line sends nothing now, if so.
    pub(super) fn held_back(&self, line: Line) -> Option<Waiting> {
        let market = self.known_market()?;
        if market.is_above(self.limits.fee_ceiling) {
            return Some(Waiting::Fees);
        }
        let max_fee = market.fees(line, self.limits.fee_ceiling).max_fee;
        self.lines.of(line).is_poor(max_fee).then_some(Waiting::Funds)
    }
}
