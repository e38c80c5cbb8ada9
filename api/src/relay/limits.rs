//! The limits of the relay.

use std::time::Duration;

use super::budget::Budgets;
use crate::settings::{Limits, NewAccounts};

/// Limits of the relay.
#[derive(Clone, Debug)]
pub struct RelayLimits {
    /// Gas that accounts and networks may spend in a day (UTC).
    pub budgets: Budgets,
    /// Whether accounts without a relation may use the relay.
    pub new_accounts: NewAccounts,
    /// The most that a transaction pays, in wei for each gas.
    pub fee_ceiling: u128,
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
            budgets: Budgets::from(limits),
            new_accounts: limits.new_accounts,
            fee_ceiling: u128::from(limits.fee_gwei_max) * 1_000_000_000,
            answer_after: Duration::from_secs(limits.relay_wait_seconds),
            replace_after: Duration::from_secs(limits.relay_replace_seconds),
            receipt_poll_max: Duration::from_millis(limits.receipt_poll_ms_max),
            confirmations: limits.confirmations,
            lease: Duration::from_secs(limits.lease_seconds),
        }
    }
}
