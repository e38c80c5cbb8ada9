//! The standing of accounts with this server, with a short-lived cache.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use alloy::primitives::Address;

/// Time for which a cached standing is used.
const FRESH: Duration = Duration::from_secs(60);
/// When the cache is larger, expired entries are dropped.
const KEPT_MAX: usize = 10_000;

/// The relation of an account to this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// An unknown account. Anybody can create one.
    New,
    /// The account has published a key, an accredited account has uploaded for it, or it was invited.
    Known,
    /// An accreditor vouches for the account now, or it is an accreditor, the owner of the accreditation contract, or
    /// the operator.
    Vouched,
}

/// Standings that are still fresh.
#[derive(Default)]
pub(super) struct Standings(Mutex<HashMap<Address, (Standing, Instant)>>);

impl Standings {
    pub(super) fn find(&self, account: Address) -> Option<Standing> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&account).filter(|(_, since)| since.elapsed() < FRESH).map(|(standing, _)| *standing)
    }

    pub(super) fn keep(&self, account: Address, standing: Standing) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT_MAX {
            known.retain(|_, (_, since)| since.elapsed() < FRESH);
        }
        // A new account is looked up each time, because its next action may make it known.
        if standing != Standing::New && known.len() < KEPT_MAX {
            known.insert(account, (standing, Instant::now()));
        }
    }
}
