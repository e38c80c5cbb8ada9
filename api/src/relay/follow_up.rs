//! What follows from the outcome of an action. Doing it twice changes nothing, so that a crash in between is mended by
//! doing it again.

use std::collections::BTreeSet;

use alloy::{eips::BlockId, primitives::Address};
use mongodb::bson::doc;
use protocol::{
    bodies::{feed::FeedKind, relay::ActionState},
    messages::{Action, Scope},
};

use super::{
    action_doc::ActionDoc,
    error::RelayError,
    on_chain::{is_granted, terms_of_scopes},
    shared::Shared,
};
use crate::{
    events::{self, FeedEntry},
    grants,
};

/// Does everything that follows, and notes that it is done. What fails is done again later.
pub(super) async fn follow_up(shared: &Shared, action: &ActionDoc) {
    if let Err(error) = try_follow_up(shared, action).await {
        tracing::warn!(%error, "what follows from a relayed action could not be done yet; trying again");
    }
}

async fn try_follow_up(shared: &Shared, action: &ActionDoc) -> Result<(), RelayError> {
    let now = shared.clock.now();
    if let Some(Action::Grant(grant)) = action.signed().map(|signed| signed.action) {
        match action.state {
            ActionState::Mined => grants::granted(&shared.database, &shared.at_rest, &grant, now).await?,
            ActionState::Failed => {
                // The bundles of an epoch that the chain has reached may be those of a grant that stands.
                let terms = terms_of_scopes(shared, &grant, BlockId::latest()).await?;
                if grant.scopes.iter().zip(&terms).all(|(scope, terms)| is_granted(&grant, scope, terms)) {
                    grants::granted(&shared.database, &shared.at_rest, &grant, now).await?;
                }
                let unreached = grant.scopes.iter().zip(&terms).filter(|(scope, terms)| terms.epoch <= scope.epoch);
                let unreached: Vec<Scope> = unreached.map(|(scope, _)| scope.clone()).collect();
                grants::not_granted(&shared.database, &shared.at_rest, &grant, &unreached, action.accepted_at).await?;
            }
            ActionState::Accepted | ActionState::Sent => {}
        }
    }
    // The operator's own checkpoints concern nobody.
    if action.kind != "checkpoint" {
        let people: BTreeSet<Address> =
            std::iter::once(action.signer).chain(action.submitter(&shared.at_rest)).collect();
        let outcome = format!("{:?}:{}", action.state, action.id);
        let entries = people
            .into_iter()
            .map(|to| FeedEntry::caused_by(&shared.at_rest, &outcome, to, (FeedKind::ActionSettled, action.id), now));
        events::append(&shared.database, entries.collect()).await?;
    }
    let done = doc! { "$set": { "is_followed_up": true } };
    shared.actions.update_one(doc! { "_id": action.id.to_string() }, done).await?;
    Ok(())
}
