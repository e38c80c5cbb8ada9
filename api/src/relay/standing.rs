//! The standing of an account with this server: new, known, or vouched for. It decides how much gas the relayers spend
//! for the account.

use alloy::{eips::BlockId, primitives::Address};
use mongodb::{
    Collection, Database,
    bson::{DateTime, Document, doc},
    error::Error,
};
use protocol::{codes::Role, mirror::collection as mirror};

use super::{accounts::Standing, error::RelayError, shared::Shared};
use crate::{
    at_rest::Lookup,
    store::{collection, find_id, ttl_index},
    time::now_ms,
};

/// The number of days for which an invitation is valid, including the day of the invitation. An account that has used
/// it in this time is known in another way.
const INVITATION_DAYS: i64 = 91;
const DAY_MS: i64 = 86_400_000;

/// Returns the standing of an account.
///
/// # Errors
/// Returns an error when the chain or the database does not answer.
pub(super) async fn of(shared: &Shared, account: Address) -> Result<Standing, RelayError> {
    if let Some(known) = shared.standings.find(account) {
        return Ok(known);
    }
    let standing = if vouches(shared, account).await? || is_accredited(shared, account).await? {
        Standing::Vouched
    } else if is_known(shared, account).await? {
        Standing::Known
    } else {
        Standing::New
    };
    shared.standings.keep(account, standing);
    Ok(standing)
}

/// Returns whether an account may vouch for others, and so invite them: an accreditor, the owner of the accreditation
/// contract, or the operator.
///
/// # Errors
/// Returns an error when the chain does not answer.
pub(super) async fn vouches(shared: &Shared, account: Address) -> Result<bool, RelayError> {
    Ok(shared.deployment.operator == account || shared.chain_view.may_accredit(account).await?)
}

async fn is_accredited(shared: &Shared, account: Address) -> Result<bool, RelayError> {
    let now = shared.clock.now();
    Ok(shared.chain_view.is_accredited_at(account, Role::ANY, now, BlockId::latest()).await?)
}

async fn is_known(shared: &Shared, account: Address) -> Result<bool, RelayError> {
    if shared.chain_view.has_identity_key(account).await? {
        return Ok(true);
    }
    let records: Collection<Document> = shared.database.collection(mirror::RECORDS);
    let is_patient = records.find_one(doc! { "patient": format!("{account:#x}") }).projection(doc! { "_id": 1 });
    if is_patient.await?.is_some() {
        return Ok(true);
    }
    let id = shared.at_rest.find(Lookup::Invitation, account);
    Ok(invitations(&shared.database).find_one(doc! { "_id": id }).await?.is_some())
}

/// Invites an account: it counts as known from now on.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(super) async fn invite(shared: &Shared, account: Address) -> Result<(), Error> {
    // Rounded to whole days, because the exact time could be matched with the first messages of the account.
    let expires = DateTime::from_millis((now_ms() / DAY_MS + INVITATION_DAYS) * DAY_MS);
    let invited = doc! { "$set": { "expires": expires } };
    let standing = find_id(&invitations(&shared.database), &shared.at_rest.older(Lookup::Invitation, account)).await?;
    let id = standing.unwrap_or_else(|| shared.at_rest.blind(Lookup::Invitation, account));
    invitations(&shared.database).update_one(doc! { "_id": id }, invited).upsert(true).await?;
    Ok(())
}

/// Creates the index that forgets old invitations.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(super) async fn create_indexes(database: &Database) -> Result<(), Error> {
    invitations(database).create_index(ttl_index("expires")).await?;
    Ok(())
}

fn invitations(database: &Database) -> Collection<Document> {
    database.collection(collection::INVITATIONS)
}
