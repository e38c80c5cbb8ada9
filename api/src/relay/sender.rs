//! The sender of a line. It gives each accepted action a nonce and a signed transaction, stores both, and then has them
//! sent.
//!
//! New actions arrive through a channel and are written in groups: while one group is being written, the next one
//! gathers. A periodic search finds actions that another replica has stored, that lost their transaction, or that wait
//! for room, fees or funds. These are sent in turn.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::providers::Provider;
use futures::TryStreamExt;
use mongodb::{
    bson::{Document, doc, to_bson},
    error::{Error, ErrorKind},
};
use protocol::bodies::relay::{ActionState, Waiting};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    action_doc::{self, ActionDoc},
    error::RelayError,
    line::Line,
    outcome,
    shared::{Job, Shared},
    transaction::{self, Call},
    turns::{InTurn, in_turn},
    watch,
};
use crate::{
    store::{collection, is_duplicate},
    time::now_ms,
};

/// Most actions in one group.
const GROUP_MAX: usize = 64;
/// Interval of the search for actions that another replica has stored.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Interval of the search while nothing can be sent.
const LOOK_HELD_EVERY: Duration = Duration::from_secs(1);
/// Most waiting actions among which the next ones are chosen.
const CHOICE_MAX: i64 = 5_000;
/// After this time a waiting action is checked again, because it may have become pointless.
const TRY_AGAIN_AFTER_MS: i64 = 10_000;

type Reply = oneshot::Sender<Result<ActionDoc, RelayError>>;

/// Runs until `shutdown`, or until all senders of jobs are dropped.
pub(super) async fn send(shared: Arc<Shared>, line: Line, mut queue: mpsc::Receiver<Job>, shutdown: CancellationToken) {
    let mut sender = Sender { shared, line, next_nonce: None, term: None, has_backlog: true, looked: None };
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut jobs = Vec::with_capacity(GROUP_MAX);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            count = queue.recv_many(&mut jobs, GROUP_MAX) => {
                if count == 0 {
                    return;
                }
                sender.accept(jobs.drain(..)).await;
            }
            _ = look.tick() => {
                if let Err(error) = sender.send_stored().await {
                    sender.next_nonce = None;
                    tracing::warn!(%error, "accepted actions could not be sent; trying again");
                }
            }
        }
    }
}

struct Sender {
    shared: Arc<Shared>,
    line: Line,
    /// The next nonce to use. `None` when the chain and the database must be asked.
    next_nonce: Option<u64>,
    /// The term of leadership to which `next_nonce` belongs.
    term: Option<CancellationToken>,
    /// Whether stored actions wait. New ones do not overtake them.
    has_backlog: bool,
    /// The time of the last search for stored actions.
    looked: Option<Instant>,
}

impl Sender {
    /// Returns the current term of leadership, if this replica leads. In a new term the nonce is asked again.
    fn term(&mut self) -> Option<CancellationToken> {
        let current = self.shared.leading.borrow().clone().filter(|term| !term.is_cancelled());
        // Tokens cannot be compared. The term is the known one as long as its token is not cancelled.
        let is_new = self.term.as_ref().is_none_or(CancellationToken::is_cancelled);
        if is_new {
            self.next_nonce = None;
            self.has_backlog = true;
            self.term.clone_from(&current);
        }
        current
    }

    /// Returns the gas limit of a block. Before the chain was asked, it is large enough for any transaction.
    fn block_gas_limit(&self) -> u64 {
        self.shared.known_market().map_or(u64::MAX, |market| market.block_gas_limit)
    }

    /// Stores new actions. Each gets a transaction if this replica leads and there is room.
    async fn accept(&mut self, jobs: impl Iterator<Item = Job>) {
        let (mut actions, replies): (Vec<ActionDoc>, Vec<Reply>) =
            jobs.map(|Job::Accept(action, reply)| (*action, reply)).unzip();
        let term = self.term();
        let held = self.shared.held_back(self.line);
        let mut room = self.shared.lines.of(self.line).room(self.block_gas_limit());
        for action in &mut actions {
            if term.is_none() {
                break;
            }
            // In the order of arrival. The search finds those that are not sent now.
            let waits = held.or((self.has_backlog || !room.take(action.gas())).then_some(Waiting::Room));
            if waits.is_some() {
                self.has_backlog = true;
                action.waiting = waits;
            } else if let Err(error) = self.give_transaction(action).await {
                // Without a transaction the action is accepted all the same.
                self.has_backlog = true;
                tracing::warn!(%error, "no transaction could be made yet");
            }
        }
        let written = self.shared.actions.insert_many(&actions).ordered(false).await;
        let failed = match &written {
            Ok(_) => Failed::None,
            Err(error) => failed_inserts(error),
        };
        if !matches!(failed, Failed::None) {
            // The nonces of the failed writes are free again. `keeper` closes any hole that remains.
            self.next_nonce = None;
        }
        for (index, (action, reply)) in actions.into_iter().zip(replies).enumerate() {
            if failed.contains(index) {
                self.answer_unwritten(action, reply, &written).await;
                continue;
            }
            if let (Some(term), Some(_)) = (&term, &action.transaction) {
                watch::start(&self.shared, action.clone(), term);
            }
            // If the caller has gone away, nothing changes: the action is durable.
            let _ = reply.send(Ok(action));
        }
    }

    /// Answers a job whose action was not written, because it exists already or because the database failed.
    async fn answer_unwritten<T>(&mut self, action: ActionDoc, reply: Reply, written: &Result<T, Error>) {
        let outcome = match action_doc::find(&self.shared.actions, action.id).await {
            Ok(Some(known)) => Ok(known),
            // The nonce was taken. Without a transaction, the action gets a later nonce.
            Ok(None) if written.as_ref().is_err_and(is_duplicate) => {
                let plain = ActionDoc { transaction: None, state: ActionState::Accepted, ..action };
                self.has_backlog = true;
                self.shared.actions.insert_one(&plain).await.map(|_| plain).map_err(RelayError::from)
            }
            Ok(None) => match written {
                Err(error) => Err(RelayError::Store(error.clone())),
                Ok(_) => Err(RelayError::Stopped),
            },
            Err(error) => Err(error),
        };
        let _ = reply.send(outcome);
    }

    /// Creates transactions for stored actions that have none, until there is no more room.
    async fn send_stored(&mut self) -> Result<(), RelayError> {
        let Some(term) = self.term() else { return Ok(()) };
        let held = self.shared.held_back(self.line);
        let mut room = self.shared.lines.of(self.line).room(self.block_gas_limit());
        let is_held = held.is_some() || !room.is_open();
        if is_held && self.looked.is_some_and(|at| at.elapsed() < LOOK_HELD_EVERY) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        if let Some(why) = held {
            return self.note_all_waiting(why).await;
        }
        if is_held {
            return Ok(());
        }
        let waiting = self.waiting().await?;
        let mut left = waiting.len();
        for next in in_turn(waiting) {
            if !room.take(u64::try_from(next.gas_limit).unwrap_or(0)) {
                break;
            }
            left -= 1;
            if let Some(action) = action_doc::find(&self.shared.actions, next.id).await? {
                self.send_one(action, &term).await?;
            }
        }
        self.has_backlog = left > 0;
        Ok(())
    }

    /// Returns the waiting actions, oldest first, with the fields that are needed to choose among them.
    async fn waiting(&self) -> Result<Vec<InTurn>, RelayError> {
        let accepted = doc! {
            "line": self.line.as_str(),
            "state": to_bson(&ActionState::Accepted).map_err(Error::from)?,
        };
        let actions = self.shared.database.collection::<InTurn>(collection::ACTIONS);
        let found = actions
            .find(accepted)
            .projection(doc! { "_id": 1, "turn": 1, "gas_limit": 1 })
            .sort(doc! { "accepted_at": 1 })
            .limit(CHOICE_MAX)
            .await?;
        Ok(found.try_collect().await?)
    }

    async fn send_one(&mut self, mut action: ActionDoc, term: &CancellationToken) -> Result<(), RelayError> {
        if action.state != ActionState::Accepted {
            return Ok(());
        }
        // An action that has become pointless while it waited fails here and costs nothing.
        if now_ms() - action.accepted_at > TRY_AGAIN_AFTER_MS
            && let Some(why) = outcome::is_hopeless(&self.shared, &action).await?
        {
            return outcome::failed_unsent(&self.shared, action, why).await;
        }
        self.give_transaction(&mut action).await?;
        let given = doc! {
            "$set": {
                "turn": "",
                "state": to_bson(&action.state).map_err(Error::from)?,
                "transaction": to_bson(&action.transaction).map_err(Error::from)?,
            },
            "$unset": { "waiting": "" },
        };
        let still_waiting = doc! {
            "_id": action.id.to_string(),
            "state": to_bson(&ActionState::Accepted).map_err(Error::from)?,
        };
        if self.shared.actions.update_one(still_waiting, given).await?.matched_count == 1 {
            watch::start(&self.shared, action, term);
        } else {
            // Another replica has sent it. Our nonce is free again.
            self.next_nonce = None;
        }
        Ok(())
    }

    async fn note_all_waiting(&self, why: Waiting) -> Result<(), RelayError> {
        let why = to_bson(&why).map_err(Error::from)?;
        let others: Document = doc! {
            "line": self.line.as_str(),
            "state": to_bson(&ActionState::Accepted).map_err(Error::from)?,
            "waiting": { "$ne": &why },
        };
        self.shared.actions.update_many(others, doc! { "$set": { "waiting": why } }).await?;
        Ok(())
    }

    async fn give_transaction(&mut self, action: &mut ActionDoc) -> Result<(), RelayError> {
        let nonce = match self.next_nonce {
            Some(nonce) => nonce,
            None => self.ask_nonce().await?,
        };
        let shared = &self.shared;
        let call = Call { to: action.to, data: action.data.clone(), gas_limit: action.gas() };
        let chain_id = shared.deployment.chain_id;
        let fees = shared.fees(self.line).await?;
        let signer = &shared.lines.of(self.line).signer;
        let signed = transaction::sign(signer, chain_id, nonce, &call, fees, &[], now_ms())
            .map_err(|error| RelayError::Chain(alloy::transports::TransportErrorKind::custom(error)))?;
        action.transaction = Some(signed);
        action.state = ActionState::Sent;
        action.waiting = None;
        // From here on there is no need to store which accounts share a network.
        action.turn.clear();
        self.next_nonce = Some(nonce + 1);
        Ok(())
    }

    /// Returns the lowest nonce that is used neither on chain nor in the queue.
    async fn ask_nonce(&self) -> Result<u64, RelayError> {
        let shared = &self.shared;
        let relayer = shared.lines.of(self.line).relayer();
        let on_chain = shared.provider.get_transaction_count(relayer).pending().await?;
        // Lower nonces do not matter, and some servers would read all earlier ones to find the highest.
        let not_mined = doc! { "$gte": i64::try_from(on_chain).unwrap_or(i64::MAX) };
        let highest = shared
            .actions
            .find_one(doc! { "transaction.relayer": format!("{relayer:#x}"), "transaction.nonce": not_mined })
            .sort(doc! { "transaction.relayer": -1, "transaction.nonce": -1 })
            .await?;
        let in_queue = highest
            .and_then(|action| action.transaction)
            .and_then(|transaction| u64::try_from(transaction.nonce + 1).ok())
            .unwrap_or(0);
        Ok(on_chain.max(in_queue))
    }
}

/// The documents of a group that were not written.
enum Failed {
    None,
    Some(Vec<usize>),
    /// The database did not report them.
    Unknown,
}

impl Failed {
    fn contains(&self, index: usize) -> bool {
        match self {
            Self::None => false,
            Self::Some(indexes) => indexes.contains(&index),
            Self::Unknown => true,
        }
    }
}

fn failed_inserts(error: &Error) -> Failed {
    match error.kind.as_ref() {
        ErrorKind::InsertMany(many) if many.write_concern_error.is_none() => match &many.write_errors {
            Some(errors) => Failed::Some(errors.iter().map(|error| error.index).collect()),
            None => Failed::Unknown,
        },
        _ => Failed::Unknown,
    }
}
