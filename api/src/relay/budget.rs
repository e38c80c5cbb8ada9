//! How much gas the relayer spends for each account in a day.

use std::time::{Duration, SystemTime};

use alloy::primitives::Address;
use mongodb::{
    Collection, Database,
    bson::{DateTime, Document, doc},
    error::Error,
};
use protocol::{error_code::ErrorCode, messages::Action};

use super::RelayError;
use crate::store::{collection, is_duplicate, ttl_index};

const DAY: Duration = Duration::from_secs(86_400);

/// An upper estimate of an action's gas from its calldata alone, so that it is the same wherever it is computed:
/// the base fee, calldata at the floor price (EIP-7623), and three new storage slots for each four words.
pub(super) fn bound(data: &[u8]) -> u64 {
    const BASE: u64 = 45_000;
    const PER_BYTE: u64 = 10 * 4;
    const PER_SCOPE: u64 = 3 * 22_100;
    let length = data.len() as u64;
    BASE + PER_BYTE * length + PER_SCOPE * (length / 1024)
}

/// What an account may spend in a day on an action of this kind. Ending grants has a reserve of its own, as large as the
/// budget: whoever has used the budget up can still shut a door.
pub(super) fn max_for(action: &Action, gas_per_day_max: u64) -> u64 {
    match action {
        Action::Revoke(_) | Action::RevokeAll(_) => gas_per_day_max.saturating_mul(2),
        _ => gas_per_day_max,
    }
}

/// Charges an account's budget of today.
///
/// # Errors
/// `budget_exceeded` when less than `gas` is left.
pub(super) async fn charge(database: &Database, account: Address, gas: u64, max: u64) -> Result<(), RelayError> {
    let exceeded = || RelayError::refused(ErrorCode::BudgetExceeded, "The relayer's gas budget for today is used up.");
    let Some(room) = max.checked_sub(gas).and_then(|room| i64::try_from(room).ok()) else { return Err(exceeded()) };
    let budgets: Collection<Document> = database.collection(collection::BUDGETS);
    let id = id_of(account);
    // The upsert of an account that has too little room collides with its own document. So do two first charges of a
    // day at the same moment, hence the second try.
    for _ in 0..2 {
        let update = doc! {
            "$inc": { "gas": i64::try_from(gas).unwrap_or(i64::MAX) },
            "$setOnInsert": { "expires": DateTime::from_system_time(SystemTime::now() + DAY * 2) },
        };
        match budgets.update_one(doc! { "_id": &id, "gas": { "$lte": room } }, update).upsert(true).await {
            Ok(_) => return Ok(()),
            Err(error) if is_duplicate(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(exceeded())
}

/// Gives back what was charged for an action that was not taken. A lost refund ends with the day.
pub(super) async fn refund(database: &Database, account: Address, gas: u64) {
    let budgets: Collection<Document> = database.collection(collection::BUDGETS);
    let gas = i64::try_from(gas).unwrap_or(i64::MAX);
    if let Err(error) = budgets.update_one(doc! { "_id": id_of(account) }, doc! { "$inc": { "gas": -gas } }).await {
        tracing::warn!(%error, "a gas budget was not refunded");
    }
}

/// Creates the index that forgets the budgets of days past.
pub(super) async fn create_indexes(database: &Database) -> Result<(), Error> {
    database.collection::<Document>(collection::BUDGETS).create_index(ttl_index("expires")).await?;
    Ok(())
}

fn id_of(account: Address) -> String {
    let day = super::now_ms() / i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX);
    format!("{account:#x}:{day}")
}
