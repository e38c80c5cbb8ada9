//! What follows from the outcome of an action. Doing it twice changes nothing, so that a crash in between is mended by
//! doing it again.

use std::collections::BTreeSet;

use alloy::primitives::Address;
use mongodb::{bson::doc, error::Error};
use protocol::{
    bodies::{feed::FeedKind, relay::ActionState},
    messages::Action,
};

use super::{ActionDoc, Shared};
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

async fn try_follow_up(shared: &Shared, action: &ActionDoc) -> Result<(), Error> {
    let now = shared.clock.now();
    if let Some(Action::Grant(grant)) = action.signed().map(|signed| signed.action) {
        match action.state {
            ActionState::Mined => grants::granted(&shared.database, &grant, now).await?,
            ActionState::Failed => grants::not_granted(&shared.database, &grant, action.accepted_at).await?,
            ActionState::Accepted | ActionState::Sent => {}
        }
    }
    // The operator's own checkpoints concern nobody.
    if action.kind != "checkpoint" {
        let people: BTreeSet<Address> = [action.signer, action.submitter].into();
        let outcome = format!("{:?}:{}", action.state, action.id);
        let entries =
            people.into_iter().map(|to| FeedEntry::caused_by(&outcome, to, FeedKind::ActionSettled, action.id, now));
        events::append(&shared.database, entries.collect()).await?;
    }
    let done = doc! { "$set": { "is_followed_up": true } };
    shared.actions.update_one(doc! { "_id": action.id.to_string() }, done).await?;
    Ok(())
}
