//! Checks an action and puts it into the queue.

use std::net::IpAddr;

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, Bytes},
};
use mongodb::{
    Collection,
    bson::{Document, doc},
};
use protocol::{
    bodies::relay::{ActionState, Waiting},
    error_code::ErrorCode,
    ids::ActionId,
    messages::{Access, Action, Checkpoint, SignedAction},
    mirror::collection as mirror,
};

use super::{
    Relay,
    accounts::Standing,
    action_doc::{self, ActionDoc},
    budget::{self, Charged, Payer},
    check::{self, Signer},
    error::RelayError,
    gas,
    line::Line,
    on_chain,
    revocations::Revocations,
    shared::Shared,
    standing,
};
use crate::{
    at_rest::{AtRest, Use},
    error::ApiError,
    settings::NewAccounts,
    time::now_ms,
};

/// The preimage of the stored head that a checkpoint replaces: previous head, size, root.
pub(crate) type HeadPreimage = (B256, u64, B256);

/// The submitter of an action. Its budget pays, and it may see the status of the action.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Submitter {
    pub(crate) address: Address,
    /// The caller's network, as limits count it. `None` where there is no socket.
    pub(crate) network: Option<IpAddr>,
}

/// A signed action whose form, ends and signature are valid. Before that nothing is disclosed, written or processed. A
/// caller without a valid signature therefore learns nothing and causes no work.
pub(crate) struct Verified<'a> {
    signed: &'a SignedAction,
    signer: Signer,
    to: Address,
    data: Bytes,
}

impl Relay {
    /// Accepts a signed action from its submitter, and waits a while for its outcome.
    ///
    /// A repeated action returns the action that is already queued. The result may still be unsettled.
    ///
    /// # Errors
    /// Returns [`RelayError::Refused`] when the contracts, or the rules of this server, would refuse the action.
    /// Nothing is stored then.
    pub(crate) async fn relay(&self, signed: &SignedAction, submitter: Submitter) -> Result<ActionDoc, ApiError> {
        self.relay_after(self.verify(signed).await?, submitter, std::future::ready(Ok(()))).await
    }

    /// Checks the form of a signed action, its ends and its signature.
    ///
    /// # Errors
    /// `forbidden`, `unknown_category`, `expired`, `out_of_range`, `invalid_signature`.
    pub(crate) async fn verify<'a>(&self, signed: &'a SignedAction) -> Result<Verified<'a>, ApiError> {
        let shared = &*self.shared;
        let (to, data) = check::call_of(signed, &shared.deployment)?;
        check::ends(shared, signed)?;
        let signer = check::signature(shared, signed).await?;
        Ok(Verified { signed, signer, to, data })
    }

    /// Accepts an action that must not be sent before `first` has run. `first` runs when the action is known to be new,
    /// signed by the signer that it names, and acceptable to the contracts. No other caller can make it write anything.
    ///
    /// # Errors
    /// As [`Relay::relay`], and those of `first`.
    pub(crate) async fn relay_after(
        &self,
        verified: Verified<'_>,
        submitter: Submitter,
        first: impl Future<Output = Result<(), ApiError>>,
    ) -> Result<ActionDoc, ApiError> {
        // Subscribed before the action is stored, so that no outcome is missed.
        let settled = self.shared.settled.subscribe();
        let accepted = self.accept(verified, submitter, first).await?;
        Ok(self.wait(accepted, settled, self.shared.limits.answer_after).await)
    }

    /// Accepts a signed action and returns as soon as it is durable.
    async fn accept(
        &self,
        Verified { signed, signer, to, data }: Verified<'_>,
        submitter: Submitter,
        first: impl Future<Output = Result<(), ApiError>>,
    ) -> Result<ActionDoc, ApiError> {
        let shared = &*self.shared;
        let id = signed.action.id(&shared.deployment);
        if let Some(known) = action_doc::find(&shared.actions, id).await? {
            return known_to(known, &shared.at_rest, submitter.address);
        }
        let line = Line::of(&signed.action);
        expect_funds(shared, line)?;
        let bound = gas::bound(&signed.action, &data);
        let plan = check::Plan { line, signer, limit: check::limit_for(signer, bound) };
        // The trial run costs a round trip. The other queries run beside it and take no extra time.
        let (charged, trial) = tokio::join!(
            charge(shared, signed, submitter, &plan, check::charge_for(signer, bound)),
            check::trial(shared, signed, &plan, to, &data),
        );
        let (mut charged, standing) = match charged {
            Ok(charged) => charged,
            // A refusal by the contracts comes first: a larger budget would not change it.
            Err(refused) => {
                trial?;
                return Err(refused.into());
            }
        };
        let accepted = async {
            let gas_limit = match trial {
                Ok(gas_limit) => gas_limit,
                Err(error) => return self.or_known(id, submitter.address, error).await,
            };
            // The account that needs more gas than usual pays for the difference.
            charged.add(&shared.database, gas_limit.saturating_sub(plan.limit)).await?;
            first.await?;
            // Strangers of one network take turns as one. A vouched account does not wait behind them.
            let network = submitter.network.filter(|_| standing != Standing::Vouched);
            let turn = budget::name_of_turn(&shared.at_rest, submitter.address, network);
            let new = self.document(signed, id, (submitter.address, turn), (to, data), gas_limit);
            let stored = self.store(new).await?;
            // Of two equal actions at the same moment, the second is not stored, and its submitter is not shown the
            // first.
            known_to(stored, &shared.at_rest, submitter.address)
        };
        let accepted = accepted.await;
        if accepted.is_err() {
            charged.refund(&shared.database).await;
        }
        accepted
    }

    /// Returns the known action if the same action was sent twice at once. The chain refuses the second one because of
    /// the first.
    async fn or_known(&self, id: ActionId, caller: Address, refusal: RelayError) -> Result<ActionDoc, ApiError> {
        if let RelayError::Refused { code: ErrorCode::NonceUsed | ErrorCode::StaleState, .. } = &refusal
            && let Some(known) = action_doc::find(&self.shared.actions, id).await?
        {
            return known_to(known, &self.shared.at_rest, caller);
        }
        Err(refusal.into())
    }

    /// Accepts a checkpoint that the operator's key has signed, and returns as soon as it is durable.
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
        let shared = &*self.shared;
        let (to, data) = contracts::checkpoint_call(&message, accesses, &signature, replaced, &shared.deployment);
        let operator = message.operator;
        let signed = SignedAction { action: Action::Checkpoint(message), signature };
        let id = signed.action.id(&shared.deployment);
        if let Some(known) = action_doc::find(&shared.actions, id).await? {
            return Ok(known);
        }
        let limit = gas::limit(gas::bound(&signed.action, &data));
        let plan = check::Plan { line: Line::Checkpoint, signer: Signer::Account, limit };
        let gas_limit = check::trial_run(shared, &plan, to, &data).await?;
        self.store(self.document(&signed, id, (operator, String::new()), (to, data), gas_limit)).await
    }

    /// Returns the checkpoint that is accepted and not settled yet, if there is one.
    ///
    /// # Errors
    /// Returns an error when the database does not answer.
    pub(crate) async fn pending_checkpoint(&self) -> Result<Option<ActionDoc>, RelayError> {
        for state in ["sent", "accepted"] {
            let pending = doc! { "line": Line::Checkpoint.as_str(), "state": state };
            if let Some(found) = self.shared.actions.find_one(pending).sort(doc! { "accepted_at": 1 }).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn document(
        &self,
        signed: &SignedAction,
        id: ActionId,
        (submitter, turn): (Address, String),
        (to, data): (Address, Bytes),
        gas_limit: u64,
    ) -> ActionDoc {
        let action = &signed.action;
        ActionDoc {
            id,
            kind: action.name().to_owned(),
            line: Line::of(action),
            signer: action.signer(),
            submitter: self.shared.at_rest.seal(Use::Submitter, &id.to_string(), &submitter),
            turn,
            signed: serde_json::to_string(signed).expect("a signed action has only text keys and no maps"),
            to,
            data,
            gas_limit: i64::try_from(gas_limit).unwrap_or(i64::MAX),
            deadline: i64::try_from(action.deadline()).unwrap_or(i64::MAX),
            state: ActionState::Accepted,
            waiting: None,
            open_revocation_of: action_doc::revocation_of(action).map(|patient| format!("{patient:#x}")),
            revokes: action_doc::revoked_by(action),
            tombstones: action_doc::tombstoned_by(action),
            reverts: 0,
            transaction: None,
            mined: None,
            failure: None,
            accepted_at: now_ms(),
            is_followed_up: false,
            is_final: false,
        }
    }
}

/// Returns an action that is already queued, if the caller may see its status.
fn known_to(known: ActionDoc, at_rest: &AtRest, caller: Address) -> Result<ActionDoc, ApiError> {
    if known.may_be_seen_by(at_rest, caller) {
        return Ok(known);
    }
    let detail = "somebody else has already sent this action; its signer can see its status";
    Err(ApiError::new(ErrorCode::AlreadyExists, detail))
}

/// Refuses an ordinary action while its relayer cannot pay. Urgent actions are accepted: they count for reads at once,
/// and wait.
fn expect_funds(shared: &Shared, line: Line) -> Result<(), RelayError> {
    if line == Line::Ordinary && shared.held_back(line) == Some(Waiting::Funds) {
        return Err(RelayError::refused(ErrorCode::RelayerPoor, "The server's relayer does not have enough ether."));
    }
    Ok(())
}

/// Charges the submitter's budgets, if the rules of this server allow the account to use the relay.
async fn charge(
    shared: &Shared,
    signed: &SignedAction,
    submitter: Submitter,
    plan: &check::Plan,
    gas: u64,
) -> Result<(Charged, Standing), RelayError> {
    let line = plan.line;
    let standing = standing::of(shared, submitter.address).await?;
    let is_refused = standing == Standing::New && shared.limits.new_accounts == NewAccounts::Invited;
    if is_refused && line != Line::Urgent {
        return Err(RelayError::refused(ErrorCode::NotInvited, "This server relays only for invited accounts."));
    }
    let payer = Payer { account: submitter.address, network: submitter.network, standing };
    let budgets = budget::budgets(&shared.limits.budgets, &shared.at_rest, line, &payer);
    match budget::charge(&shared.database, budgets, gas).await {
        Err(RelayError::Refused { code: ErrorCode::BudgetExceeded, .. })
            if line == Line::Urgent && ends_what_stands(shared, &signed.action, plan.signer).await? =>
        {
            Ok((Charged::nothing(), standing))
        }
        charged => Ok((charged?, standing)),
    }
}

/// Returns whether a Revoke or RevokeAll ends a standing grant that no accepted message ends already. There can be only
/// as many such messages as there are grants, which were paid for.
async fn ends_what_stands(shared: &Shared, action: &Action, signer: Signer) -> Result<bool, RelayError> {
    let patient = action.signer();
    match action {
        // A contract account could burn more with one Revoke for each scope than its Grant has cost; RevokeAll it can send.
        Action::Revoke(_) if signer == Signer::Contract => Ok(false),
        Action::Revoke(revoke) => {
            let open = shared.open_revocations(&std::collections::BTreeSet::from([patient])).await?;
            let covered = Revocations::of(&open);
            if covered.all {
                return Ok(false);
            }
            for grant in &revoke.grants {
                let kind = protocol::codes::ScopeKind::from_code(grant.kind);
                let id = kind.map(|kind| protocol::ids::GrantId::derive(patient, grant.tag.into(), kind, grant.id));
                if id.is_some_and(|id| !covered.grants.contains(&id))
                    && on_chain::stands_on_chain(shared, patient, (grant.tag, grant.kind, grant.id)).await?
                {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Action::RevokeAll(_) => {
            let open = shared.open_revocations(&std::collections::BTreeSet::from([patient])).await?;
            if Revocations::of(&open).all {
                return Ok(false);
            }
            let epoch = shared.chain_view.patient_epoch_of(patient, BlockId::latest()).await?;
            let grants: Collection<Document> = shared.database.collection(mirror::GRANTS);
            let standing = doc! {
                "patient": format!("{patient:#x}"), "revoked": false, "patient_epoch": { "$gte": i64::from(epoch) },
            };
            Ok(grants.find_one(standing).projection(doc! { "_id": 1 }).await?.is_some())
        }
        _ => Ok(false),
    }
}
