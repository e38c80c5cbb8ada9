//! Runs all attackers at the same time, in threads of the lowest priority.
//!
//! Real attackers use their own processors. Here they share those of the server, so their threads have the lowest
//! priority: the benchmark measures the work of the server, not theirs.

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
    /// The network address of the attack.
    pub(crate) address: Ipv4Addr,
    pub(crate) attack: Box<dyn Attack>,
}

/// The result of an attack.
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) address: Ipv4Addr,
    /// The duration of the attack.
    pub(crate) lasted: Duration,
    pub(crate) counts: Counts,
}

/// The running attacks.
pub(crate) struct Raid {
    stop: CancellationToken,
    /// Cancelled when all attacks with a fixed number of steps are done.
    spent: CancellationToken,
    thread: JoinHandle<anyhow::Result<Vec<Outcome>>>,
}

impl Raid {
    /// Starts all attacks.
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

    /// Resolves when all attacks with a fixed number of steps are done. The endless ones continue.
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
    // If the system does not allow this, the attackers are only stronger.
    let _ = rustix::process::nice(NICE);
}
