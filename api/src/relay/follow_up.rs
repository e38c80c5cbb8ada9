//! What follows from the outcome of an action. Doing it twice changes nothing, so that a crash in between is mended by
//! doing it again.

use mongodb::{bson::doc, error::Error};

use super::{ActionDoc, Shared};

/// Does everything that follows, and notes that it is done. What fails is done again later.
pub(super) async fn follow_up(shared: &Shared, action: &ActionDoc) {
    if let Err(error) = try_follow_up(shared, action).await {
        tracing::warn!(%error, "what follows from a relayed action could not be done yet; trying again");
    }
}

async fn try_follow_up(shared: &Shared, action: &ActionDoc) -> Result<(), Error> {
    let done = doc! { "$set": { "is_followed_up": true } };
    shared.actions.update_one(doc! { "_id": action.id.to_string() }, done).await?;
    Ok(())
}
