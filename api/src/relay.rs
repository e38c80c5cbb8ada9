//! The relay: signed actions in, transactions out. The relayers pay and gain no authority.
//!
//! An action is checked (form, signature, budgets, and a trial run at the head block), stored durably together with its
//! transaction and nonce, and only then sent. Whatever happens after that, restart, dropped transaction, rising fees, an
//! empty purse or a reorg, the stored transaction is sent again until it is mined, or given up once it can no longer
//! succeed. Three [`Line`]s, each with a key of its own, keep what takes away and the log from waiting for what gives.
//! One replica sends, held by a lease; a unique index on relayer and nonce makes sure of it.

mod accept;
mod action_doc;
mod budget;
mod check;
pub(crate) mod development_keys;
mod follow_up;
mod gas;
mod keeper;
mod lead;
mod line;
mod market;
mod outcome;
mod revocations;
pub(crate) mod routes;
mod sender;
mod standing;
mod status;
mod transaction;
mod turns;
mod watch;

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy::{
    primitives::B256,
    providers::{DynProvider, Provider},
    transports::TransportError,
};
use mongodb::{Collection, Database};
use protocol::{deployment::Deployment, error_code::ErrorCode, ids::ActionId};
use tokio::sync::{broadcast, mpsc, oneshot, watch as latest};
use tokio_util::sync::CancellationToken;

pub(crate) use accept::Verified;
pub(crate) use action_doc::ActionDoc;
pub use budget::Budgets;
pub use line::{Line, RelayerKeys};
pub(crate) use protocol::bodies::relay::Waiting;
pub(crate) use revocations::Revocations;
pub(crate) use routes::answer;
pub use standing::NewAccounts;
pub(crate) use status::{LineStatus, Pace};

use crate::{
    at_rest::AtRest, error::ApiError, lease::Lease, request_turns, settings::Limits, store::collection, time::Clock,
};

/// Limits of the relay.
#[derive(Clone, Debug)]
pub struct RelayLimits {
    /// Gas that accounts and networks may spend in a day (UTC).
    pub budgets: Budgets,
    /// Whether accounts without a relation may use the relay.
    pub new_accounts: NewAccounts,
    /// The most that a transaction pays, in wei for each gas.
    pub fee_ceiling: u128,
    /// A request is answered 202 when its action is not mined after this time.
    pub answer_after: Duration,
    /// A transaction that is not mined after this time is replaced by one that pays more.
    pub replace_after: Duration,
    /// The longest pause between two questions for a receipt.
    pub receipt_poll_max: Duration,
    /// Blocks on top of an outcome after which nobody looks again.
    pub confirmations: u64,
    /// Another replica takes over the sending after this time of silence.
    pub lease: Duration,
}

impl From<&Limits> for RelayLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            budgets: Budgets::from(limits),
            new_accounts: limits.new_accounts,
            fee_ceiling: u128::from(limits.fee_gwei_max) * 1_000_000_000,
            answer_after: Duration::from_secs(limits.relay_wait_seconds),
            replace_after: Duration::from_secs(limits.relay_replace_seconds),
            receipt_poll_max: Duration::from_millis(limits.receipt_poll_ms_max),
            confirmations: limits.confirmations,
            lease: Duration::from_secs(limits.lease_seconds),
        }
    }
}

/// Why an action was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RelayError {
    /// It can never succeed as it is, or not now; the code says which and why.
    #[error("{code}: {detail}")]
    Refused {
        /// The stable code.
        code: ErrorCode,
        /// One sentence that names no person.
        detail: Cow<'static, str>,
    },
    /// The database does not answer.
    #[error("the database does not answer")]
    Store(#[from] mongodb::error::Error),
    /// The chain does not answer.
    #[error("the chain does not answer")]
    Chain(#[from] TransportError),
    /// The server is stopping.
    #[error("the relay has stopped")]
    Stopped,
}

impl From<RelayError> for ApiError {
    fn from(error: RelayError) -> Self {
        match error {
            RelayError::Refused { code, detail } => {
                let refused = Self::new(code, detail);
                match code {
                    ErrorCode::BudgetExceeded => refused.retry_after(budget::seconds_until_tomorrow()),
                    ErrorCode::RelayerPoor => refused.retry_after(60),
                    _ => refused,
                }
            }
            RelayError::Store(error) => error.into(),
            RelayError::Chain(error) => error.into(),
            error @ RelayError::Stopped => Self::unavailable("the relay", error),
        }
    }
}

impl RelayError {
    pub(crate) fn refused(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused { code, detail: detail.into() }
    }
}

/// A handle to the relay.
#[derive(Clone)]
pub struct Relay {
    shared: Arc<Shared>,
    jobs: [mpsc::Sender<Job>; 3],
    /// What the senders will read, until they are started.
    queues: Arc<Mutex<Option<[mpsc::Receiver<Job>; 3]>>>,
}

/// What the relay's tasks share.
struct Shared {
    database: Database,
    actions: Collection<ActionDoc>,
    provider: DynProvider,
    deployment: Arc<Deployment>,
    lines: line::Lines,
    at_rest: Arc<AtRest>,
    clock: Clock,
    limits: RelayLimits,
    standings: standing::Standings,
    /// Every outcome, for whoever waits on this replica.
    settled: broadcast::Sender<Arc<ActionDoc>>,
    /// Set while this replica sends; cancelled when it no longer may.
    leading: latest::Sender<Option<CancellationToken>>,
    /// The chain as it was a moment ago, once it was asked.
    market: Mutex<Option<market::Market>>,
}

/// Work for the sender of a line.
enum Job {
    /// Store this new action, with a transaction if this replica sends, and answer once it is durable.
    Accept(Box<ActionDoc>, oneshot::Sender<Result<ActionDoc, RelayError>>),
}

/// The preimage of the stored head that a checkpoint replaces: previous head, size, root.
pub(crate) type HeadPreimage = (B256, u64, B256);

impl Relay {
    /// A relay that takes actions once [`Relay::start`] was called.
    ///
    /// # Errors
    /// When a relayer's key is a well-known one on a real chain, or two lines have the same key.
    pub(crate) fn new(
        database: &Database,
        provider: DynProvider,
        deployment: Arc<Deployment>,
        keys: RelayerKeys,
        at_rest: Arc<AtRest>,
        clock: Clock,
        limits: RelayLimits,
    ) -> Result<Self, RelayError> {
        for (line, key) in keys.each() {
            if development_keys::is_forbidden(key.address(), deployment.chain_id) {
                let line = line.as_str();
                let detail = format!(
                    "the private key of the {line} relayer is a well-known development key; use one of your own on this chain"
                );
                return Err(RelayError::refused(ErrorCode::Forbidden, detail));
            }
        }
        let shared = Arc::new(Shared {
            database: database.clone(),
            actions: database.collection(collection::ACTIONS),
            provider,
            deployment,
            lines: line::Lines::new(keys)?,
            at_rest,
            clock,
            limits,
            standings: standing::Standings::default(),
            settled: broadcast::channel(1024).0,
            leading: latest::channel(None).0,
            market: Mutex::default(),
        });
        let ([one, two, three], [first, second, third]) = {
            let mut queues = Vec::with_capacity(3);
            let jobs = Line::ALL.map(|_| {
                let (jobs, queue) = mpsc::channel(256);
                queues.push(queue);
                jobs
            });
            (jobs, <[mpsc::Receiver<Job>; 3]>::try_from(queues).unwrap_or_else(|_| unreachable!("one for each line")))
        };
        Ok(Self { shared, jobs: [one, two, three], queues: Arc::new(Mutex::new(Some([first, second, third]))) })
    }

    /// Starts sending; ends with `shutdown`. A second call does nothing.
    pub(crate) fn start(&self, shutdown: &CancellationToken) {
        let Some(queues) = self.queues.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let lease = Lease::new(&self.shared.database, "relay", self.shared.limits.lease);
        tokio::spawn(lead::lead(self.shared.clone(), lease, shutdown.clone()));
        for (line, queue) in Line::ALL.into_iter().zip(queues) {
            tokio::spawn(keeper::keep(self.shared.clone(), line, shutdown.clone()));
            tokio::spawn(sender::send(self.shared.clone(), line, queue, shutdown.clone()));
        }
    }

    /// Waits until the action is settled, at most `patience`; returns what is known then.
    pub(crate) async fn settle(&self, action: ActionDoc, patience: Duration) -> ActionDoc {
        let settled = self.shared.settled.subscribe();
        // It may have been settled between the caller's look and our subscription.
        let action = match action_doc::find(&self.shared.actions, action.id).await {
            Ok(Some(current)) => current,
            _ => action,
        };
        self.wait(action, settled, patience).await
    }

    /// Finds a relayed action.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn find(&self, id: ActionId) -> Result<Option<ActionDoc>, RelayError> {
        action_doc::find(&self.shared.actions, id).await
    }

    async fn store(&self, new: ActionDoc) -> Result<ActionDoc, RelayError> {
        request_turns::give_back();
        let (reply, stored) = oneshot::channel();
        let [ordinary, urgent, checkpoint] = &self.jobs;
        let jobs = match new.line {
            Line::Ordinary => ordinary,
            Line::Urgent => urgent,
            Line::Checkpoint => checkpoint,
        };
        jobs.send(Job::Accept(Box::new(new), reply)).await.map_err(|_| RelayError::Stopped)?;
        stored.await.map_err(|_| RelayError::Stopped)?
    }

    async fn wait(
        &self,
        mut action: ActionDoc,
        mut settled: broadcast::Receiver<Arc<ActionDoc>>,
        patience: Duration,
    ) -> ActionDoc {
        let deadline = tokio::time::Instant::now() + patience;
        while !action.is_settled() {
            // Outcomes of another replica's sending come through the database.
            let is_leading = self.shared.leading.borrow().is_some();
            let look_again = Duration::from_millis(if is_leading { 500 } else { 40 });
            tokio::select! {
                () = tokio::time::sleep_until(deadline) => return self.reread(action).await,
                outcome = settled.recv() => match outcome {
                    Ok(outcome) if outcome.id == action.id => return ActionDoc::clone(&outcome),
                    Ok(_) => {}
                    Err(_) => action = self.reread(action).await,
                },
                () = tokio::time::sleep(look_again) => action = self.reread(action).await,
            }
        }
        action
    }

    async fn reread(&self, action: ActionDoc) -> ActionDoc {
        match action_doc::find(&self.shared.actions, action.id).await {
            Ok(Some(current)) => current,
            // A database that is away for a moment changes nothing about what we know.
            _ => action,
        }
    }
}

impl Shared {
    /// How many transactions of a line's relayer the chain has mined.
    async fn mined_nonces(&self, line: Line) -> Result<u64, TransportError> {
        self.provider.get_transaction_count(self.lines.of(line).relayer()).latest().await
    }
}

/// Creates the indexes of the relay's collections.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    action_doc::create_indexes(database).await?;
    standing::create_indexes(database).await?;
    budget::create_indexes(database).await
}

/// Unix milliseconds, to order and measure.
fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
