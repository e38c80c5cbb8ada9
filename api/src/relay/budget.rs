//! The gas that the relayers may spend in a day (UTC): for one account, for one network, and in total.
//!
//! Urgent actions have separate budgets, so that an empty ordinary budget does not stop a revocation. A Revoke that
//! ends an active permission is never refused because of a budget (`accept`): every grant was paid from one.

use std::{borrow::Cow, net::IpAddr, time::Duration};

use alloy::primitives::Address;
use mongodb::{
    Collection, Database,
    bson::{DateTime, Document, doc},
    error::Error,
};
use protocol::error_code::ErrorCode;

use super::{accounts::Standing, error::RelayError, line::Line};
use crate::{
    at_rest::{AtRest, Lookup},
    settings::Limits,
    store::{collection, find_id, is_duplicate, ttl_index},
    time::now_ms,
};

const DAY: Duration = Duration::from_secs(86_400);

/// Gas per day.
#[derive(Clone, Debug)]
pub struct Budgets {
    /// For an account without a relation to anybody on this server.
    pub new: u64,
    /// For an account that is known here.
    pub known: u64,
    /// For an account that an accreditor vouches for.
    pub vouched: u64,
    /// For all accounts of one network that no accreditor vouches for.
    pub network: u64,
    /// For all accounts. Accounts that no accreditor vouches for get at most half of it.
    pub total: u64,
    /// For the urgent actions of one account, in addition to the others.
    pub urgent: u64,
}

impl From<&Limits> for Budgets {
    fn from(limits: &Limits) -> Self {
        Self {
            new: limits.gas_per_day_new.min(limits.gas_per_day_max),
            known: limits.gas_per_day_max,
            vouched: limits.gas_per_day_vouched.max(limits.gas_per_day_max),
            network: limits.gas_per_day_network,
            total: limits.gas_per_day_total,
            urgent: limits.gas_per_day_urgent,
        }
    }
}

/// Returns the pseudonyms of an account or network in budgets, which only this operator can compute: under the newest
/// secret first, then under older ones.
fn names_of(at_rest: &AtRest, of: Lookup, who: &[u8]) -> Vec<String> {
    std::iter::once(at_rest.blind(of, who)).chain(at_rest.older(of, who)).collect()
}

/// Returns the bytes of a network.
fn octets(network: IpAddr) -> Vec<u8> {
    match network {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// Returns the pseudonym for turns in the queue: of a network, or of an account that does not wait behind others of its
/// network. It is stored together with the signer for a moment, so it differs from the pseudonyms of the budgets.
pub(super) fn name_of_turn(at_rest: &AtRest, account: Address, network: Option<IpAddr>) -> String {
    at_rest.blind(Lookup::RelayTurn, network.map_or_else(|| account.to_vec(), octets))
}

/// The account and network whose budgets pay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payer {
    pub(super) account: Address,
    /// `None` where there is no socket.
    pub(super) network: Option<IpAddr>,
    pub(super) standing: Standing,
}

/// One budget for today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    id: String,
    /// Its ids under older secrets that were in use earlier today.
    older: Vec<String>,
    max: u64,
    whose: &'static str,
}

impl Budget {
    /// Creates a budget. `who` has at least one name.
    fn new(kind: &str, line: Line, who: &[String], max: u64, whose: &'static str) -> Self {
        let mut ids = who.iter().map(|who| format!("{kind}:{}:{who}:{}", line.as_str(), today()));
        let id = ids.next().unwrap_or_default();
        Self { id, older: ids.collect(), max, whose }
    }
}

/// Returns the budgets that an action on this line is charged to, narrowest first.
pub(super) fn budgets(limits: &Budgets, at_rest: &AtRest, line: Line, payer: &Payer) -> Vec<Budget> {
    /// The urgent budget of accounts without a relation is this fraction of the ordinary one.
    const NEW_URGENT_SHARE: u64 = 8;
    /// Vouched accounts have this many times the urgent budget, because they look after more people.
    const VOUCHED_URGENT: u64 = 20;
    let names = |of, who: &[u8]| names_of(at_rest, of, who);
    let (accounts, all) = (names(Lookup::RelayAccount, payer.account.as_slice()), [String::new()]);
    let account = |max| Budget::new("account", line, &accounts, max, "this account");
    let network = |max| {
        let names = names(Lookup::RelayNetwork, &octets(payer.network?));
        Some(Budget::new("network", line, &names, max, "your network"))
    };
    let others = |max| Budget::new("others", line, &all, max, "accounts without an accreditation");
    let total = |max| Budget::new("total", line, &all, max, "everybody");
    let mut budgets = Vec::new();
    match (line, payer.standing) {
        (Line::Urgent, Standing::Vouched) => budgets.push(account(limits.urgent.saturating_mul(VOUCHED_URGENT))),
        (Line::Urgent, standing) => {
            let max = if standing == Standing::New { limits.urgent / NEW_URGENT_SHARE } else { limits.urgent };
            budgets.push(account(max));
            budgets.extend(network(limits.network / 2));
            budgets.push(others(limits.total / 4));
        }
        (_, Standing::Vouched) => budgets.extend([account(limits.vouched), total(limits.total)]),
        (_, standing) => {
            budgets.push(account(if standing == Standing::New { limits.new } else { limits.known }));
            budgets.extend(network(limits.network));
            budgets.extend([others(limits.total / 2), total(limits.total)]);
        }
    }
    budgets
}

/// Returns the number of days since 1970 (UTC).
fn today() -> i64 {
    now_ms() / i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX)
}

/// The charges of an action, so that they can be refunded.
pub(super) struct Charged {
    budgets: Vec<Budget>,
    gas: u64,
}

impl Charged {
    /// No charges.
    pub(super) const fn nothing() -> Self {
        Self { budgets: Vec::new(), gas: 0 }
    }

    /// Charges more to the same budgets.
    ///
    /// # Errors
    /// `budget_exceeded`; what was charged before stays charged.
    pub(super) async fn add(&mut self, database: &Database, gas: u64) -> Result<(), RelayError> {
        if gas > 0 && !self.budgets.is_empty() {
            charge(database, self.budgets.clone(), gas).await?;
            self.gas = self.gas.saturating_add(gas);
        }
        Ok(())
    }

    /// Refunds all charges of an action that was not accepted. A refund that fails has no effect after the end of the
    /// day.
    pub(super) async fn refund(self, database: &Database) {
        refund(database, &self.budgets, self.gas).await;
    }
}

/// Charges each of the budgets, or none.
///
/// # Errors
/// `budget_exceeded` when less than `gas` is left in one of them.
pub(super) async fn charge(database: &Database, mut budgets: Vec<Budget>, gas: u64) -> Result<Charged, RelayError> {
    let collection: Collection<Document> = database.collection(collection::BUDGETS);
    for budget in &mut budgets {
        // Gas that was charged today before the operator's secret was rotated still counts.
        if let Some(standing) = find_id(&collection, &budget.older).await? {
            budget.id = standing;
            budget.older.clear();
        }
    }
    for (index, budget) in budgets.iter().enumerate() {
        match charge_one(database, budget, gas).await {
            Ok(true) => {}
            Ok(false) => {
                refund(database, &budgets[..index], gas).await;
                let detail = format!("The relayer's gas budget of today for {} is used up.", budget.whose);
                return Err(RelayError::refused(ErrorCode::BudgetExceeded, Cow::Owned(detail)));
            }
            Err(error) => {
                refund(database, &budgets[..index], gas).await;
                return Err(error.into());
            }
        }
    }
    Ok(Charged { budgets, gas })
}

/// Charges one budget. Returns whether it had enough left.
async fn charge_one(database: &Database, budget: &Budget, gas: u64) -> Result<bool, Error> {
    let Some(room) = budget.max.checked_sub(gas) else { return Ok(false) };
    let room = i64::try_from(room).unwrap_or(i64::MAX);
    let collection: Collection<Document> = database.collection(collection::BUDGETS);
    // The upsert for a budget without enough room collides with the budget's own document. Two first charges of a day
    // at the same moment collide too, so there is a second attempt.
    for _ in 0..2 {
        let update = doc! {
            "$inc": { "gas": i64::try_from(gas).unwrap_or(i64::MAX) },
            "$setOnInsert": { "expires": DateTime::from_millis((today() + 2) * i64::try_from(DAY.as_millis()).unwrap_or(0)) },
        };
        match collection.update_one(doc! { "_id": &budget.id, "gas": { "$lte": room } }, update).upsert(true).await {
            Ok(_) => return Ok(true),
            Err(error) if is_duplicate(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

async fn refund(database: &Database, budgets: &[Budget], gas: u64) {
    let collection: Collection<Document> = database.collection(collection::BUDGETS);
    let gas = i64::try_from(gas).unwrap_or(i64::MAX);
    if gas == 0 || budgets.is_empty() {
        return;
    }
    let ids: Vec<&str> = budgets.iter().map(|budget| budget.id.as_str()).collect();
    if let Err(error) = collection.update_many(doc! { "_id": { "$in": ids } }, doc! { "$inc": { "gas": -gas } }).await {
        tracing::warn!(%error, "gas budgets were not refunded");
    }
}

/// Creates the index that deletes the budgets of past days.
pub(super) async fn create_indexes(database: &Database) -> Result<(), Error> {
    database.collection::<Document>(collection::BUDGETS).create_index(ttl_index("expires")).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Budgets = Budgets { new: 10, known: 100, vouched: 1_000, network: 200, total: 10_000, urgent: 80 };

    fn of(line: Line, standing: Standing) -> Vec<(&'static str, u64)> {
        let at_rest = AtRest::for_tests(7);
        let network = Some("192.0.2.1".parse().unwrap());
        let payer = Payer { account: Address::repeat_byte(1), network, standing };
        budgets(&LIMITS, &at_rest, line, &payer).into_iter().map(|budget| (budget.whose, budget.max)).collect()
    }

    #[test]
    fn a_vouched_account_is_not_counted_with_its_network() {
        assert_eq!(of(Line::Ordinary, Standing::Vouched), [("this account", 1_000), ("everybody", 10_000)]);
        let strangers = [
            ("this account", 10),
            ("your network", 200),
            ("accounts without an accreditation", 5_000),
            ("everybody", 10_000),
        ];
        assert_eq!(of(Line::Ordinary, Standing::New), strangers);
        assert_eq!(of(Line::Ordinary, Standing::Known)[0], ("this account", 100));
    }

    #[test]
    fn urgent_actions_have_separate_budgets() {
        assert_eq!(of(Line::Urgent, Standing::Known)[0], ("this account", 80));
        assert_eq!(of(Line::Urgent, Standing::New)[0], ("this account", 10));
        assert_eq!(of(Line::Urgent, Standing::Vouched), [("this account", 1_600)]);
        let at_rest = AtRest::for_tests(7);
        let payer = Payer { account: Address::repeat_byte(1), network: None, standing: Standing::Known };
        let ids = |line| budgets(&LIMITS, &at_rest, line, &payer).into_iter().map(|budget| budget.id);
        let ordinary: Vec<String> = ids(Line::Ordinary).collect();
        assert!(ids(Line::Urgent).all(|id| !ordinary.contains(&id)));
    }

    #[test]
    fn a_budget_does_not_identify_anybody() {
        let at_rest = AtRest::for_tests(7);
        let other = AtRest::for_tests(8);
        let payer = Payer {
            account: Address::repeat_byte(0xab),
            network: Some("192.0.2.1".parse().unwrap()),
            standing: Standing::Known,
        };
        let names = |at_rest| {
            let all = budgets(&LIMITS, at_rest, Line::Ordinary, &payer);
            all.into_iter().take(2).map(|budget| budget.id).collect::<Vec<_>>()
        };
        assert_eq!(names(&at_rest), names(&at_rest));
        assert!(names(&at_rest).iter().zip(names(&other)).all(|(one, two)| *one != two));
        assert!(names(&at_rest).iter().all(|name| !name.contains("abab")));
        let turn = name_of_turn(&at_rest, payer.account, payer.network);
        assert!(
            names(&at_rest).iter().all(|name| !name.contains(&turn)),
            "the queue does not reveal the names of budgets"
        );
    }
}
