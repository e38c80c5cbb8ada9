//! The relay: signed actions in, transactions out. The relayer pays and gains no authority.
//!
//! An action is checked (form, signature, budget, and a trial run at the head block), stored durably together with its
//! transaction and nonce, and only then sent. Whatever happens after that, restart, dropped transaction, rising fees or
//! reorg, the stored transaction is sent again until it is mined. One replica sends, held by a lease; a unique index on
//! the nonce makes sure of it.

mod action_doc;
mod budget;
mod check;
pub(crate) mod development_keys;
mod follow_up;
mod keeper;
mod revocations;
mod sender;
mod transaction;
mod watch;

use std::{
    borrow::Cow,
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy::{
    primitives::{Address, B256, Bytes},
    providers::{DynProvider, Provider},
    signers::local::PrivateKeySigner,
    transports::TransportError,
};
use axum::{extract::State, http::StatusCode};
use mongodb::{Collection, Database};
use protocol::{
    bodies::relay::{ActionState, ActionView},
    deployment::Deployment,
    error_code::ErrorCode,
    ids::ActionId,
    messages::{Access, Action, Checkpoint, SignedAction},
};
use tokio::sync::{broadcast, mpsc, oneshot, watch as latest};
use tokio_util::sync::CancellationToken;

pub(crate) use action_doc::ActionDoc;
pub(crate) use revocations::Revocations;

use crate::{
    caller::Caller,
    error::ApiError,
    extract::{Json, Path},
    lease::Lease,
    settings::Limits,
    state::App,
    store::collection,
    time::Clock,
};

/// Limits of the relay.
#[derive(Clone, Debug)]
pub struct RelayLimits {
    /// Gas that one account may spend in a day (UTC).
    pub gas_per_day_max: u64,
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
            gas_per_day_max: limits.gas_per_day_max,
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
    /// It can never succeed as it is; the code says why.
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
            RelayError::Refused { code, detail } => Self::new(code, detail),
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
    jobs: mpsc::Sender<Job>,
    /// What the sender will read, until it is started.
    queue: Arc<Mutex<Option<mpsc::Receiver<Job>>>>,
}

/// What the relay's tasks share.
struct Shared {
    database: Database,
    actions: Collection<ActionDoc>,
    provider: DynProvider,
    deployment: Arc<Deployment>,
    signer: Arc<PrivateKeySigner>,
    clock: Clock,
    limits: RelayLimits,
    /// Every outcome, for whoever waits on this replica.
    settled: broadcast::Sender<Arc<ActionDoc>>,
    /// Set while this replica sends; cancelled when it no longer may.
    leading: latest::Sender<Option<CancellationToken>>,
    /// What transactions cost, once the chain was asked.
    fees: Mutex<Option<transaction::Fees>>,
    /// The actions whose transaction is being watched by a task of this replica.
    watched: Mutex<HashSet<ActionId>>,
}

/// Work for the sender.
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
    /// When the relayer's key is a well-known one on a real chain.
    pub(crate) fn new(
        database: &Database,
        provider: DynProvider,
        deployment: Arc<Deployment>,
        signer: Arc<PrivateKeySigner>,
        clock: Clock,
        limits: RelayLimits,
    ) -> Result<Self, RelayError> {
        if development_keys::is_forbidden(signer.address(), deployment.chain_id) {
            return Err(RelayError::refused(
                ErrorCode::Forbidden,
                "the relayer's private key is a well-known development key; use one of your own on this chain",
            ));
        }
        let shared = Arc::new(Shared {
            database: database.clone(),
            actions: database.collection(collection::ACTIONS),
            provider,
            deployment,
            signer,
            clock,
            limits,
            settled: broadcast::channel(1024).0,
            leading: latest::channel(None).0,
            fees: Mutex::default(),
            watched: Mutex::default(),
        });
        let (jobs, queue) = mpsc::channel(256);
        Ok(Self { shared, jobs, queue: Arc::new(Mutex::new(Some(queue))) })
    }

    /// Starts sending; ends with `shutdown`. A second call does nothing.
    pub(crate) fn start(&self, shutdown: &CancellationToken) {
        let Some(queue) = self.queue.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let lease = Lease::new(&self.shared.database, "relay", self.shared.limits.lease);
        tokio::spawn(keeper::keep(self.shared.clone(), lease, shutdown.clone()));
        tokio::spawn(sender::send(self.shared.clone(), queue, shutdown.clone()));
    }

    /// Takes a signed action on behalf of the signed-in `submitter`, and waits a while for its outcome.
    ///
    /// The same action again gives the action that is already there. The result may still be unsettled.
    ///
    /// # Errors
    /// [`RelayError::Refused`] when the contracts, or the rules of this server, would refuse it; nothing is stored then.
    pub(crate) async fn relay(&self, signed: &SignedAction, submitter: Address) -> Result<ActionDoc, ApiError> {
        self.relay_after(signed, submitter, std::future::ready(Ok(()))).await
    }

    /// The same for an action that must not be sent before something else is done. `first` runs when the action is known
    /// to be new, signed by who it names, and acceptable to the contracts: nobody else gets it to write anything.
    ///
    /// # Errors
    /// As [`Relay::relay`], and those of `first`.
    pub(crate) async fn relay_after(
        &self,
        signed: &SignedAction,
        submitter: Address,
        first: impl Future<Output = Result<(), ApiError>>,
    ) -> Result<ActionDoc, ApiError> {
        // Subscribed before it is stored, so that no outcome is missed.
        let settled = self.shared.settled.subscribe();
        let accepted = self.accept(signed, submitter, first).await?;
        Ok(self.wait(accepted, settled, self.shared.limits.answer_after).await)
    }

    /// Takes a signed action and returns as soon as it is durable.
    async fn accept(
        &self,
        signed: &SignedAction,
        submitter: Address,
        first: impl Future<Output = Result<(), ApiError>>,
    ) -> Result<ActionDoc, ApiError> {
        let shared = &self.shared;
        let (to, data) = check::call_of(signed, &shared.deployment)?;
        let id = signed.action.id(&shared.deployment);
        let bound = budget::bound(&data);
        let max = budget::max_for(&signed.action, shared.limits.gas_per_day_max);
        // The trial run costs a round trip; what we have to ask the database costs no extra time beside it.
        let (known, charged, trial) = tokio::join!(
            action_doc::find(&shared.actions, id),
            budget::charge(&shared.database, submitter, bound, max),
            check::check(shared, signed, to, &data),
        );
        let mut spent = if charged.is_ok() { bound } else { 0 };
        let outcome = async {
            // It was stored only after what had to be done first, so the same action again finds that done.
            if let Some(known) = known? {
                return Ok(known);
            }
            charged?;
            let gas_limit = match trial {
                Ok(gas_limit) => gas_limit,
                Err(error) => return self.or_known(id, error).await,
            };
            // More than a plain run may use goes to the account that wants it.
            if let Some(extra) = gas_limit.checked_sub(check::plain_limit(&data)).filter(|extra| *extra > 0) {
                budget::charge(&shared.database, submitter, extra, max).await?;
                spent += extra;
            }
            first.await?;
            let stored = self.store(self.document(signed, id, submitter, (to, data), gas_limit)).await?;
            spent = 0;
            Ok(stored)
        };
        let outcome: Result<ActionDoc, ApiError> = outcome.await;
        if spent > 0 {
            budget::refund(&shared.database, submitter, spent).await;
        }
        outcome
    }

    /// The same action sent twice at once: the one that comes second is refused by the chain for what the first one did.
    async fn or_known(&self, id: ActionId, refusal: RelayError) -> Result<ActionDoc, ApiError> {
        if let RelayError::Refused { code: ErrorCode::NonceUsed | ErrorCode::StaleState, .. } = &refusal
            && let Some(known) = action_doc::find(&self.shared.actions, id).await?
        {
            return Ok(known);
        }
        Err(refusal.into())
    }

    /// Takes a checkpoint that the operator's key has signed, and returns as soon as it is durable.
    ///
    /// # Errors
    /// As [`Relay::relay`]; `stale_state` when `replaced` is not the head that the chain holds.
    pub(crate) async fn accept_checkpoint(
        &self,
        message: Checkpoint,
        accesses: &[Access],
        signature: Bytes,
        replaced: HeadPreimage,
    ) -> Result<ActionDoc, RelayError> {
        let shared = &self.shared;
        let (to, data) = contracts::checkpoint_call(&message, accesses, &signature, replaced, &shared.deployment);
        let operator = message.operator;
        let signed = SignedAction { action: Action::Checkpoint(message), signature };
        let id = signed.action.id(&shared.deployment);
        if let Some(known) = action_doc::find(&shared.actions, id).await? {
            return Ok(known);
        }
        let gas_limit = check::trial_run(shared, to, &data).await?;
        self.store(self.document(&signed, id, operator, (to, data), gas_limit)).await
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
        let (reply, stored) = oneshot::channel();
        self.jobs.send(Job::Accept(Box::new(new), reply)).await.map_err(|_| RelayError::Stopped)?;
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
                () = tokio::time::sleep_until(deadline) => break,
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

    fn document(
        &self,
        signed: &SignedAction,
        id: ActionId,
        submitter: Address,
        (to, data): (Address, Bytes),
        gas_limit: u64,
    ) -> ActionDoc {
        ActionDoc {
            id,
            kind: signed.action.name().to_owned(),
            signer: signed.action.signer(),
            submitter,
            signed: serde_json::to_string(signed).expect("a signed action has only text keys and no maps"),
            to,
            data,
            gas_limit: i64::try_from(gas_limit).unwrap_or(i64::MAX),
            state: ActionState::Accepted,
            revokes: action_doc::revoked_by(&signed.action),
            transaction: None,
            mined: None,
            failure: None,
            accepted_at: now_ms(),
            is_followed_up: false,
            is_final: false,
        }
    }
}

impl Shared {
    /// What a transaction costs now, as of a few seconds ago.
    async fn fees(&self) -> Result<transaction::Fees, TransportError> {
        let known = *self.fees.lock().unwrap_or_else(PoisonError::into_inner);
        match known {
            Some(fees) => Ok(fees),
            None => self.ask_fees().await,
        }
    }

    async fn ask_fees(&self) -> Result<transaction::Fees, TransportError> {
        let market = self.provider.estimate_eip1559_fees().await?;
        let fees =
            transaction::Fees { max_fee: market.max_fee_per_gas, max_priority_fee: market.max_priority_fee_per_gas };
        *self.fees.lock().unwrap_or_else(PoisonError::into_inner) = Some(fees);
        Ok(fees)
    }

    /// How many transactions of the relayer the chain has mined.
    async fn mined_nonces(&self) -> Result<u64, TransportError> {
        self.provider.get_transaction_count(self.signer.address()).latest().await
    }
}

/// Relays a signed action of any kind but a checkpoint. The same action again gives the same answer.
///
/// **Who may call:** any signed-in address, whoever has signed the action; the gas budget is the caller's.
#[utoipa::path(post, path = "/v1/actions", tag = "actions", request_body = SignedAction, responses(
    (status = 200, body = Option<ActionView>, description = "Mined."),
    (status = 202, body = Option<ActionView>, description = "Accepted and still on its way."),
))]
pub(crate) async fn post_action(
    State(app): State<App>,
    caller: Caller,
    Json(signed): Json<SignedAction>,
) -> Result<(StatusCode, Json<Option<ActionView>>), ApiError> {
    answer(app.relay.relay(&signed, caller.address).await?, StatusCode::OK)
}

/// Shows where a relayed action stands.
///
/// **Who may call:** who signed it, and who sent it.
#[utoipa::path(get, path = "/v1/actions/{action}", tag = "actions", params(("action" = String, Path)),
    responses((status = 200, body = ActionView)))]
pub(crate) async fn get_action(
    State(app): State<App>,
    caller: Caller,
    Path(action): Path<ActionId>,
) -> Result<Json<ActionView>, ApiError> {
    let known = app.relay.find(action).await?;
    known
        .filter(|known| [known.signer, known.submitter].contains(&caller.address))
        .map(|known| Json(known.view()))
        .ok_or_else(|| ApiError::not_found("there is no such action of yours"))
}

/// The answer to a relayed action: `mined` when it is, 202 while it is on its way.
///
/// # Errors
/// The code with which it failed.
pub(crate) fn answer(action: ActionDoc, mined: StatusCode) -> Result<(StatusCode, Json<Option<ActionView>>), ApiError> {
    match (action.state, &action.failure) {
        (ActionState::Failed, Some(failure)) => Err(ApiError::new(failure.code, failure.detail.clone())),
        (ActionState::Failed, None) => Err(ApiError::new(ErrorCode::WouldRevert, "the contract refused the action")),
        (ActionState::Mined, _) => Ok((mined, Json(Some(action.view())))),
        (ActionState::Accepted | ActionState::Sent, _) => Ok((StatusCode::ACCEPTED, Json(Some(action.view())))),
    }
}

/// Creates the indexes of the relay's collections.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    action_doc::create_indexes(database).await?;
    budget::create_indexes(database).await
}

/// Unix milliseconds, to order and measure.
fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
