//! Everybody who attacks, at once, in threads of the lowest priority.
//!
//! In life attackers wear out processors of their own. Here they share those of the server, so the system is told to
//! give them what is left: what is measured is the server's work, not theirs.

use std::{
    net::Ipv4Addr,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use crate::{
    attacks::Attack,
    tally::{Counts, Tally},
};

/// The lowest priority.
const NICE: i32 = 19;

/// An attack that is ready to begin.
pub(crate) struct Prepared {
    pub(crate) name: &'static str,
    /// Where it comes from.
    pub(crate) address: Ipv4Addr,
    pub(crate) attack: Box<dyn Attack>,
}

/// What an attack did.
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) address: Ipv4Addr,
    /// How long it went on.
    pub(crate) lasted: Duration,
    pub(crate) counts: Counts,
}

/// The attacks, running.
pub(crate) struct Raid {
    stop: CancellationToken,
    /// Cancelled when all is done of which there is a number.
    spent: CancellationToken,
    thread: JoinHandle<anyhow::Result<Vec<Outcome>>>,
}

impl Raid {
    /// Begins all attacks.
    pub(crate) fn begin(attacks: Vec<Prepared>) -> anyhow::Result<Self> {
        let (stop, spent) = (CancellationToken::new(), CancellationToken::new());
        let (until, all_spent) = (stop.clone(), spent.clone());
        let thread = std::thread::Builder::new().name("attackers".into()).spawn(move || {
            yield_to_others();
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .on_thread_start(yield_to_others)
                .enable_all()
                .build()?;
            Ok(runtime.block_on(run(attacks, until, all_spent)))
        })?;
        Ok(Self { stop, spent, thread })
    }

    /// Resolves when all is done of which there is a number; what goes on and on still does.
    pub(crate) async fn spent(&self) {
        self.spent.cancelled().await;
    }

    /// Ends all attacks.
    pub(crate) async fn end(self) -> anyhow::Result<Vec<Outcome>> {
        self.stop.cancel();
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await?;
        joined.map_err(|_| anyhow::anyhow!("an attacker panicked")).context("the attack was not whole")?
    }
}

async fn run(attacks: Vec<Prepared>, until: CancellationToken, all_spent: CancellationToken) -> Vec<Outcome> {
    let mut counted = Vec::new();
    let mut endless = Vec::new();
    for Prepared { name, address, attack } in attacks {
        let is_endless = attack.is_endless();
        let until = until.clone();
        let running = tokio::spawn(async move {
            let (begun, tally) = (Instant::now(), Arc::new(Tally::default()));
            if let Err(error) = attack.run(address, &until, &tally).await {
                tally.note(format!("ended early: {error:#}"));
            }
            Outcome { name, address, lasted: begun.elapsed(), counts: tally.counts() }
        });
        if is_endless { &mut endless } else { &mut counted }.push(running);
    }
    let mut outcomes: Vec<Outcome> = futures::future::join_all(counted).await.into_iter().flatten().collect();
    all_spent.cancel();
    until.cancelled().await;
    outcomes.extend(futures::future::join_all(endless).await.into_iter().flatten());
    outcomes.sort_by_key(|outcome| outcome.address);
    outcomes
}

/// Gives this thread the lowest priority.
fn yield_to_others() {
    // Where it is not allowed, attackers are only stronger.
    let _ = rustix::process::nice(NICE);
}
