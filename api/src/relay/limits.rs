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
    /// The highest fee of a transaction, in wei per gas.
    pub fee_ceiling: u128,
    /// Time after which a request is answered 202 if its action is not mined.
    pub answer_after: Duration,
    /// Time after which a transaction that is not mined is replaced by one with a higher fee.
    pub replace_after: Duration,
    /// The longest pause between two requests for a receipt.
    pub receipt_poll_max: Duration,
    /// Number of blocks on top of an outcome after which it is not checked again.
    pub confirmations: u64,
    /// Time of silence after which another replica takes over the sending.
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
