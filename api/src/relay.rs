//! The relay turns signed actions into transactions. The relayers pay and gain no authority.
//!
//! An action is checked (form, signature, budgets, and a trial run at the head block), stored durably together with its
//! transaction and nonce, and only then sent. After a restart, a dropped transaction, rising fees, missing funds or a
//! reorg, the stored transaction is sent again until it is mined. It is given up once it can no longer succeed. There
//! are three [`Line`]s with separate keys, so that urgent actions and the log do not wait for ordinary actions. One
//! replica sends, under a lease. A unique index on relayer and nonce enforces this.

mod accept;
mod accounts;
mod action_doc;
mod budget;
mod check;
pub(crate) mod development_keys;
mod error;
mod follow_up;
mod gas;
mod keeper;
mod lead;
mod limits;
mod line;
mod market;
mod on_chain;
mod outcome;
mod revocations;
mod sender;
mod shared;
mod standing;
mod status;
mod transaction;
mod turns;
mod watch;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy::{primitives::Address, providers::DynProvider};
use mongodb::{
    Database,
    bson::{Document, doc},
};
use protocol::{deployment::Deployment, error_code::ErrorCode, ids::ActionId};
use tokio::sync::{broadcast, mpsc, oneshot, watch as latest};
use tokio_util::sync::CancellationToken;

pub(crate) use accept::{Submitter, Verified};
pub(crate) use action_doc::ActionDoc;
pub use budget::Budgets;
pub(crate) use error::RelayError;
pub use limits::RelayLimits;
pub use line::{Line, RelayerKeys};
pub(crate) use revocations::Revocations;
pub(crate) use status::{LineStatus, Pace};

use self::{
    accounts::Standings,
    line::Lines,
    shared::{Job, Shared},
};
use crate::{at_rest::AtRest, chain::ChainView, lease::Lease, request_turns, store::collection, time::Clock};

/// A handle to the relay.
#[derive(Clone)]
pub struct Relay {
    shared: Arc<Shared>,
    jobs: [mpsc::Sender<Job>; 3],
    /// The input of the senders, until they are started.
    queues: Arc<Mutex<Option<[mpsc::Receiver<Job>; 3]>>>,
}

impl Relay {
    /// Creates a relay. It accepts actions once [`Relay::start`] was called.
    ///
    /// # Errors
    /// Returns an error when a relayer's key is a well-known one on a real chain, or two lines have the same key.
    pub(crate) fn new(
        database: &Database,
        (provider, chain_view, deployment): (DynProvider, ChainView, Arc<Deployment>),
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
            chain_view,
            deployment,
            lines: Lines::new(keys)?,
            at_rest,
            clock,
            limits,
            standings: Standings::default(),
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

    /// Starts sending, until `shutdown`. A second call does nothing.
    pub(crate) fn start(&self, shutdown: &CancellationToken) {
        let Some(queues) = self.queues.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let lease = Lease::new(&self.shared.database, "relay", self.shared.limits.lease);
        tokio::spawn(lead::lead(self.shared.clone(), lease, shutdown.clone()));
        for (line, queue) in Line::ALL.into_iter().zip(queues) {
            tokio::spawn(keeper::keep(self.shared.clone(), line, shutdown.clone()));
            tokio::spawn(sender::send(self.shared.clone(), line, queue, shutdown.clone()));
        }
    }

    /// Waits until the action is settled, at most `patience`. Returns the action as it is then.
    pub(crate) async fn settle(&self, action: ActionDoc, patience: Duration) -> ActionDoc {
        let settled = self.shared.settled.subscribe();
        // It may have been settled between the caller's read and our subscription.
        let action = match action_doc::find(&self.shared.actions, action.id).await {
            Ok(Some(current)) => current,
            _ => action,
        };
        self.wait(action, settled, patience).await
    }

    /// Finds a relayed action.
    ///
    /// # Errors
    /// Returns an error when the database does not answer.
    pub(crate) async fn find(&self, id: ActionId) -> Result<Option<ActionDoc>, RelayError> {
        action_doc::find(&self.shared.actions, id).await
    }

    /// Checks whether a registration that this account has signed is still on its way to the chain.
    ///
    /// # Errors
    /// Returns an error when the database does not answer.
    pub(crate) async fn is_registering(&self, uploader: Address) -> Result<bool, RelayError> {
        let in_flight = doc! {
            "signer": format!("{uploader:#x}"),
            "kind": { "$in": ["register_record", "register_version"] },
            "state": { "$in": ["accepted", "sent"] },
        };
        let actions = self.shared.actions.clone_with_type::<Document>();
        Ok(actions.find_one(in_flight).projection(doc! { "_id": 1 }).await?.is_some())
    }

    /// Checks whether an account may invite others to the relay.
    ///
    /// # Errors
    /// Returns an error when the chain does not answer.
    pub(crate) async fn may_invite(&self, account: Address) -> Result<bool, RelayError> {
        standing::vouches(&self.shared, account).await
    }

    /// Invites an account: the relay accepts its actions from now on, like those of a known one.
    ///
    /// # Errors
    /// Returns an error when the database does not answer.
    pub(crate) async fn invite(&self, account: Address) -> Result<(), RelayError> {
        Ok(standing::invite(&self.shared, account).await?)
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
            // The outcomes of another replica come through the database.
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
            // A database that is unavailable for a moment does not change what is known.
            _ => action,
        }
    }
}

/// Creates the indexes of the relay's collections.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    action_doc::create_indexes(database).await?;
    standing::create_indexes(database).await?;
    budget::create_indexes(database).await
}
