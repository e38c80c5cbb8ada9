//! One step of following the chain: asks for the head, decides, fetches, commits. [`lead`] repeats the steps; [`fork`]
//! leaves branches of the chain.

mod fork;
mod lead;

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

use crate::{
    backfill::{Appetite, Backfill},
    binding::Binding,
    chain::{Chain, ChainError, Header, logs_of_block},
    decode::{Contracts, MinedLog},
    error::IndexerError,
    health::Status,
    mirror::{Commit, Mirror, Watch},
    mutant::{self, Mutant},
    reorg::{BlockRef, Verdict, Window},
    settings::Pace,
    time::Instant,
    views::Batch,
};

/// The condition at which the loop ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Ends when it is stopped.
    Follow,
    /// Ends when the mirror has reached the chain's head.
    ReachHead,
}

/// Keeps a mirror at the head of a chain. It is the only writer of the mirror.
pub struct Follower {
    chain: Arc<dyn Chain>,
    mirror: Mirror,
    binding: Binding,
    contracts: Contracts,
    pace: Pace,
    status: Arc<Status>,
    bell: Arc<Notify>,
    watch: Watch,
    /// The newest blocks of the mirror. Loaded again after every failure, since it is not known whether a commit
    /// succeeded.
    window: Option<Window>,
    appetite: Arc<Appetite>,
    chunk: u64,
    behind_since: Option<Instant>,
    pinged: Instant,
    /// Whether the head was reached since the start. This is logged once.
    has_reached: bool,
    told: Instant,
}

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The mirror is at the head.
    AtHead,
    /// The chain is shorter than the mirror: wait to see whether it stays so.
    Waiting,
    /// The mirror has changed: look again at once.
    Moved,
}

const PING_EVERY: Duration = Duration::from_secs(2);
const TELL_EVERY: Duration = Duration::from_secs(5);
/// The largest number of recent blocks that are fetched at once, each with its own logs.
const LONGEST_CHUNK: u64 = 64;

impl Follower {
    /// Returns a follower of `chain` that writes to `mirror`. It looks for a new head at once when `bell` is notified.
    #[must_use]
    pub fn new(
        chain: Arc<dyn Chain>,
        mirror: Mirror,
        binding: Binding,
        contracts: Contracts,
        pace: Pace,
        status: Arc<Status>,
        bell: Arc<Notify>,
    ) -> Self {
        let appetite = Arc::new(Appetite::new(&pace));
        let now = Instant::now();
        Self {
            chain,
            mirror,
            binding,
            contracts,
            pace,
            status,
            bell,
            watch: Watch::new(pace.lease()),
            window: None,
            appetite,
            chunk: 8,
            behind_since: None,
            pinged: now,
            has_reached: false,
            told: now,
        }
    }

    /// Uses a given name for the lease, so that a simulation can be repeated.
    #[must_use]
    pub fn named(self, name: String) -> Self {
        Self { watch: self.watch.named(name), ..self }
    }

    async fn step(&mut self) -> Result<Step, IndexerError> {
        if self.window.is_none() {
            self.window = Some(self.load().await?);
            self.pinged = Instant::now();
        }
        let head = self.chain.head().await?;
        self.status.saw_head(head.number);
        let verdict = self.window().judge(&head.link());
        if !matches!(verdict, Verdict::Behind { .. }) {
            self.behind_since = None;
        }
        match verdict {
            Verdict::Same => {
                if self.pinged.elapsed() > PING_EVERY {
                    self.mirror.ping().await?;
                    self.compare().await;
                    self.pinged = Instant::now();
                }
                self.status.is_well();
                if !std::mem::replace(&mut self.has_reached, true) {
                    tracing::info!(block = head.number, "the mirror is at the chain's head");
                }
                Ok(Step::AtHead)
            }
            Verdict::Extends => self.append(vec![head], None).await,
            Verdict::Ahead => self.catch_up(&head).await,
            Verdict::Forked => self.switch(&head).await,
            Verdict::Behind { is_ours } => self.fall_back(&head, is_ours).await,
        }
    }

    fn window(&self) -> &Window {
        self.window.as_ref().expect("a step begins with loading")
    }

    /// Checks that chain, deployment and mirror belong together, and loads the newest blocks of the mirror.
    async fn load(&self) -> Result<Window, IndexerError> {
        self.binding.check_chain(&*self.chain).await?;
        if self.binding.check_mirror(&self.mirror).await? {
            self.mirror.ensure_indexes().await?;
        } else {
            let headers = self.chain.headers(&[self.binding.origin()]).await?;
            let origin = headers.first().ok_or_else(|| ChainError::Missing(self.binding.origin().to_string()))?;
            self.mirror.create(&self.binding.first_cursor(origin)).await?;
        }
        let progress = self.mirror.progress().await?;
        self.status.stands_at(progress.cursor.block_number);
        let mut recent = progress.recent.into_iter();
        let first = recent.next().expect("progress ends with the cursor's block");
        let mut window = Window::new(first, self.capacity());
        for block in recent {
            window.push(block).expect("progress has no gaps");
        }
        Ok(window)
    }

    fn capacity(&self) -> usize {
        usize::try_from(self.pace.window).unwrap_or(usize::MAX)
    }

    /// Fetches the missing blocks between tip and head: in bulk while they are deep, one by one near the head.
    async fn catch_up(&mut self, head: &Header) -> Result<Step, IndexerError> {
        let tip = self.window().tip();
        let deep = head.number.saturating_sub(self.pace.window);
        if tip.number < deep {
            return self.backfill(head, deep).await;
        }
        let to = head.number.min(tip.number + self.chunk);
        let numbers: Vec<u64> = (tip.number + 1..=to).collect();
        let headers = self.chain.headers(&numbers).await?;
        if headers.first().is_some_and(|first| first.parent_hash != tip.hash) {
            return self.switch(head).await;
        }
        self.append(headers, None).await
    }

    /// Fetches blocks that no reorg can reach, in ranges.
    async fn backfill(&mut self, head: &Header, to: u64) -> Result<Step, IndexerError> {
        let tip = self.window().tip();
        let still_there = self.chain.headers(&[tip.number]).await?;
        if still_there.first().is_none_or(|header| header.hash != tip.hash) {
            return self.switch(head).await;
        }
        let mut ranges = Backfill::new(
            self.chain.clone(),
            self.contracts.clone(),
            self.appetite.clone(),
            &self.pace,
            tip.number + 1,
            to,
        );
        while let Some(stretch) = ranges.next().await? {
            let before = self.window().tip();
            if stretch.first.parent_hash != before.hash {
                return Err(
                    ChainError::Contradiction("the ranges do not follow each other: the chain is changing").into()
                );
            }
            let tip = stretch.last.block();
            let plan = Commit {
                expected: before,
                rollback_to: None,
                batch: &stretch.batch,
                tip,
                tip_time: stretch.last.timestamp,
                remember: &[tip],
                forget_below: tip.number,
            };
            self.commit(&plan).await?;
            self.window = Some(Window::new(tip, self.capacity()));
            if self.told.elapsed() > TELL_EVERY {
                tracing::info!(block = tip.number, head = head.number, "catching up");
                self.told = Instant::now();
            }
        }
        Ok(Step::Moved)
    }

    /// Appends blocks that follow the tip, or `ancestor` after a fork, one by one with their logs.
    async fn append(&mut self, headers: Vec<Header>, ancestor: Option<BlockRef>) -> Result<Step, IndexerError> {
        if headers.windows(2).any(|pair| pair[1].parent_hash != pair[0].hash) {
            return Err(ChainError::Contradiction("the headers do not follow each other: the chain is changing").into());
        }
        let logs = match self.logs_of(&headers).await {
            Err(IndexerError::Chain(error @ ChainError::TooLarge(_))) => {
                self.chunk = (headers.len() as u64 / 2).max(1);
                return Err(error.into());
            }
            logs => logs?,
        };
        let Some(tip) = headers.last() else { return Ok(Step::Moved) };
        self.pace_chunk(headers.len() as u64, logs.len() as u64);
        let batch = Batch::of(&self.contracts, &logs)?;
        let blocks: Vec<BlockRef> = headers.iter().map(Header::block).collect();
        self.write(&blocks, &batch, tip, ancestor).await
    }

    /// Returns the logs of whole blocks. When the log index and the bloom filter do not match, the receipts are used.
    async fn logs_of(&self, headers: &[Header]) -> Result<Vec<MinedLog>, IndexerError> {
        let hashes: Vec<_> = headers.iter().map(|header| header.hash).collect();
        let answers = match self.chain.logs_of(&hashes).await {
            Err(ChainError::TooLarge(_)) if headers.len() == 1 => {
                vec![self.chain.receipt_logs(&headers[0]).await?]
            }
            answers => answers?,
        };
        let contracts = self.contracts.addresses();
        let mut logs = Vec::new();
        for (header, mut answer) in headers.iter().zip(answers) {
            if !header.is_explained_by(&answer, &contracts) && !mutant::is(Mutant::EmptyIsBelieved) {
                answer = self.chain.receipt_logs(header).await?;
            }
            logs.extend(logs_of_block(header, answer)?);
        }
        Ok(logs)
    }

    async fn write(
        &mut self,
        blocks: &[BlockRef],
        batch: &Batch,
        tip: &Header,
        ancestor: Option<BlockRef>,
    ) -> Result<Step, IndexerError> {
        let mut window = self.window().clone();
        if let Some(ancestor) = ancestor {
            window.truncate(ancestor.number);
            let (from, to) = (self.window().tip().number, ancestor.number);
            tracing::warn!(from, to, "the chain has reorganised: undoing {} blocks", from - to);
        }
        for block in blocks {
            window.push(*block).map_err(|_| ChainError::Contradiction("blocks do not follow the tip"))?;
        }
        let plan = Commit {
            expected: self.window().tip(),
            rollback_to: ancestor,
            batch,
            tip: tip.block(),
            tip_time: tip.timestamp,
            remember: blocks,
            forget_below: window.oldest().number,
        };
        let committed = self.commit(&plan).await;
        if committed.is_ok() || mutant::is(Mutant::CommitIsAssumed) {
            self.window = Some(window);
        }
        committed.map(|()| Step::Moved)
    }

    async fn commit(&self, plan: &Commit<'_>) -> Result<(), IndexerError> {
        let start = Instant::now();
        let undone = self.mirror.commit(&self.contracts, plan).await?;
        let (events, took) = (plan.batch.events.len(), start.elapsed());
        self.status.count_commit(plan.tip, events, undone, plan.rollback_to.is_some(), took);
        self.status.is_well();
        tracing::debug!(block = plan.tip.number, events, undone, duration_ms = took.as_millis(), "committed");
        Ok(())
    }

    /// Near the head, sets the number of blocks fetched at once so that they give about one batch of events.
    fn pace_chunk(&mut self, blocks: u64, events: u64) {
        let fitting = (blocks * self.pace.batch_events).checked_div(events).unwrap_or(u64::MAX).min(blocks * 2);
        self.chunk = fitting.clamp(1, LONGEST_CHUNK);
    }
}
