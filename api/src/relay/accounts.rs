//! The standing of accounts with this server, and a short memory of it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use alloy::primitives::Address;

/// How long an answer counts.
const FRESH: Duration = Duration::from_secs(60);
/// When the memory is larger, what is no longer fresh is dropped.
const KEPT_MAX: usize = 10_000;

/// Who an account is to this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Anybody who has made up a key.
    New,
    /// It has published a key, somebody accredited has uploaded for it, or it was invited.
    Known,
    /// An accreditor vouches for it now; or it is one, the owner of the accreditation, or the operator.
    Vouched,
}

/// Answers that are still fresh.
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
        // Whoever is new is asked about again: the next action may make it known.
        if standing != Standing::New && known.len() < KEPT_MAX {
            known.insert(account, (standing, Instant::now()));
        }
    }
}
