//! The loop: asks for the head, decides, fetches, commits.

use std::{pin::pin, sync::Arc, time::Duration};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    backfill::{Appetite, Backfill},
    binding::Binding,
    chain::{Chain, ChainError, Header, Opinion, logs_of_block},
    decode::{Contracts, MinedLog},
    error::{IndexerError, Refusal},
    health::Status,
    mirror::{Commit, Loss, Mirror, MirrorError, Watch},
    mutant::{self, Mutant},
    reorg::{BlockRef, Meeting, Verdict, Window},
    settings::Pace,
    time::{Instant, sleep},
    views::Batch,
};

/// When the loop is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// When it is told to stop.
    Follow,
    /// When the mirror has reached the chain's head.
    ReachHead,
}

/// Keeps a mirror at the head of a chain. The only writer of the mirror.
pub struct Follower {
    chain: Arc<dyn Chain>,
    mirror: Mirror,
    binding: Binding,
    contracts: Contracts,
    pace: Pace,
    status: Arc<Status>,
    bell: Arc<Notify>,
    watch: Watch,
    /// The end of the mirror; loaded anew after every failure, since a commit may have landed or not.
    window: Option<Window>,
    appetite: Arc<Appetite>,
    chunk: u64,
    behind_since: Option<Instant>,
    pinged: Instant,
    /// Whether the head was reached since the start: said once.
    has_reached: bool,
    told: Instant,
}

/// What a step has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The mirror is at the head.
    AtHead,
    /// The chain is shorter than the mirror: wait whether that lasts.
    Waiting,
    /// The mirror has moved: look again at once.
    Moved,
}

/// How long to wait after a failure: twice as long after each.
struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(FIRST_PAUSE)
    }
}

impl Pause {
    fn next(&mut self) -> Duration {
        let longer = (self.0 * 2).min(LONGEST_PAUSE);
        std::mem::replace(&mut self.0, longer)
    }
}

/// Why leading has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It was told to.
    Stopped,
    /// The goal is reached.
    Reached,
    /// The lease is another's.
    Lost(Loss),
}

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
const PING_EVERY: Duration = Duration::from_secs(2);
const TELL_EVERY: Duration = Duration::from_secs(5);
/// Recent blocks that are fetched at once at most, one by one with their logs.
const LONGEST_CHUNK: u64 = 64;

impl Follower {
    /// A follower of `chain` into `mirror`; `bell` rings when it is worth looking at once.
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

    /// Under a name that a simulation repeats.
    #[must_use]
    pub fn named(self, name: String) -> Self {
        Self { watch: self.watch.named(name), ..self }
    }

    /// Waits for the lease, then runs until the goal is reached or `stop` is cancelled. Waits out failures of chain and
    /// database, and stands by while another indexer is at work.
    ///
    /// # Errors
    /// [`Refusal`] when going on would be wrong.
    pub async fn run(mut self, goal: Goal, stop: &CancellationToken) -> Result<(), Refusal> {
        while self.stand_by(stop).await {
            self.status.is_active(true);
            let ended = self.lead(goal, stop).await;
            self.window = None;
            if !matches!(ended, Ok(End::Lost(Loss::Taken))) {
                self.mirror.release_lease().await;
            }
            self.status.is_active(false);
            match ended? {
                End::Stopped | End::Reached => return Ok(()),
                End::Lost(Loss::Taken) => tracing::warn!("another indexer has taken over; standing by"),
                End::Lost(Loss::Wanted) => tracing::info!("a rebuild takes the mirror's place; standing by"),
            }
        }
        Ok(())
    }

    /// Waits until the lease is ours; `false` when `stop` comes first.
    async fn stand_by(&mut self, stop: &CancellationToken) -> bool {
        let mut pause = Pause::default();
        loop {
            let taken = tokio::select! {
                biased;
                () = stop.cancelled() => return false,
                taken = self.mirror.try_lease(&mut self.watch) => taken,
            };
            let (wait, reason) = match taken {
                Ok(true) => return true,
                Ok(false) => (self.watch.interval(), "another indexer is at work: standing by to take over".into()),
                Err(error) => {
                    self.status.count_retry();
                    (pause.next(), error.to_string())
                }
            };
            if self.status.has_trouble(reason.clone()) {
                tracing::warn!("waiting: {reason}");
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return false,
                () = sleep(wait) => {}
            }
        }
    }

    /// Follows while the lease is ours.
    async fn lead(&mut self, goal: Goal, stop: &CancellationToken) -> Result<End, Refusal> {
        let mirror = self.mirror.clone();
        let mut lost = pin!(mirror.keep_lease(self.pace.lease() / 4));
        let mut pause = Pause::default();
        loop {
            // A step that is dropped half-way leaves no half-written state: its transaction does not commit.
            let step = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(End::Stopped),
                loss = &mut lost => return Ok(End::Lost(loss)),
                step = self.step() => step,
            };
            let (wait, is_failure) = match step {
                Ok(Step::AtHead) if goal == Goal::ReachHead => return Ok(End::Reached),
                Ok(Step::Moved) => {
                    pause = Pause::default();
                    continue;
                }
                Ok(Step::AtHead | Step::Waiting) => {
                    pause = Pause::default();
                    (self.pace.poll(), false)
                }
                Err(IndexerError::Mirror(MirrorError::LeaseLost)) => return Ok(End::Lost(Loss::Taken)),
                Err(IndexerError::Refused(refusal)) => {
                    // An indexer that was frozen while another one took over judges by what it once knew.
                    match self.mirror.check_lease().await {
                        Err(MirrorError::LeaseLost) => return Ok(End::Lost(Loss::Taken)),
                        Ok(()) => return Err(refusal),
                        Err(_) => self.window = None,
                    }
                    (pause.next(), true)
                }
                Err(error) => {
                    if !mutant::is(Mutant::CommitIsAssumed) {
                        self.window = None;
                    }
                    self.status.count_retry();
                    if self.status.has_trouble(error.to_string()) {
                        tracing::warn!("waiting: {error}");
                    }
                    (pause.next(), true)
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(End::Stopped),
                loss = &mut lost => return Ok(End::Lost(loss)),
                () = self.bell.notified(), if !is_failure => {}
                () = sleep(wait) => {}
            }
        }
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

    /// Checks that chain, deployment and mirror belong together, and loads where the mirror stands.
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

    /// Blocks are missing between tip and head: in bulk while they are deep, one by one near the head.
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

    /// Blocks that no reorg reaches, in ranges.
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
                return Err(ChainError::Contradiction("ranges do not join: the chain is moving").into());
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

    /// The head lies on another branch: finds the last block that both share, undoes what is above, goes on from there.
    async fn switch(&mut self, head: &Header) -> Result<Step, IndexerError> {
        let mut search = self.window().search(head.number);
        let ancestor = loop {
            let numbers: Vec<u64> = search.numbers().collect();
            let headers = self.chain.headers(&numbers).await?;
            if headers.windows(2).any(|pair| pair[1].parent_hash != pair[0].hash) {
                return Err(ChainError::Contradiction("headers do not join: the chain is moving").into());
            }
            let answers: Vec<BlockRef> = headers.iter().map(Header::block).collect();
            match self.window().meet(&search, &answers) {
                Meeting::At(ancestor) => break ancestor,
                Meeting::Further(next) => search = next,
                Meeting::TooDeep => return Err(Refusal::TooDeep { window: self.pace.window }.into()),
            }
        };
        let to = head.number.min(ancestor.number + self.chunk);
        let numbers: Vec<u64> = (ancestor.number + 1..=to).collect();
        let headers = self.chain.headers(&numbers).await?;
        let joins = headers.first().is_some_and(|first| first.parent_hash == ancestor.hash);
        // The chain itself has said that it is on another branch; when it takes that back, nothing is undone.
        if !joins || ancestor == self.window().tip() {
            return Err(ChainError::Contradiction("the branch changed while it was fetched").into());
        }
        self.may_leave(self.window().tip()).await?;
        self.append(headers, Some(ancestor)).await
    }

    /// Whether the branch that ends with `tip` may be left. One endpoint alone decides; of several, more must have left
    /// it than still know it. While they are known to disagree, one that falls silent counts as before.
    async fn may_leave(&self, tip: BlockRef) -> Result<(), IndexerError> {
        let opinions = self.chain.opinions(tip.number).await;
        let was_disputed = self.status.is_disputed();
        let stays = |opinion: &&Opinion| match opinion {
            Opinion::Has(hash) => *hash == tip.hash,
            Opinion::Silent => was_disputed,
            Opinion::Lacks => false,
        };
        let staying = opinions.iter().filter(stays).count();
        let leaving = opinions.iter().filter(|opinion| **opinion != Opinion::Silent).count()
            - opinions.iter().filter(|opinion| **opinion == Opinion::Has(tip.hash)).count();
        if staying > 0 && staying >= leaving {
            let about = format!("block {}", tip.number);
            self.status.disagree(Some(about.clone()));
            self.chain.hand_over();
            return Err(ChainError::Disagreement(about).into());
        }
        Ok(())
    }

    /// Looks whether all endpoints know the mirror's newest block, and says so when they do not.
    async fn compare(&self) {
        let tip = self.window().tip();
        let opinions = self.chain.opinions(tip.number).await;
        let others = |opinion: &Opinion| matches!(opinion, Opinion::Has(hash) if *hash != tip.hash);
        if opinions.iter().any(others) {
            self.status.disagree(Some(format!("block {}", tip.number)));
        } else if !opinions.is_empty() && opinions.iter().all(|opinion| *opinion == Opinion::Has(tip.hash)) {
            self.status.disagree(None);
        }
        // The mirror is at the head of the endpoint that leads; perhaps another one is further.
        let next = self.chain.opinions(tip.number + 1).await;
        if next.iter().any(|opinion| matches!(opinion, Opinion::Has(_))) {
            self.chain.hand_over();
        }
    }

    /// The chain is shorter than the mirror. Endpoints lag, so it must stay so for a while to be believed.
    async fn fall_back(&mut self, head: &Header, is_ours: bool) -> Result<Step, IndexerError> {
        let (tip, patience) = (self.window().tip(), self.pace.behind());
        let since = *self.behind_since.get_or_insert_with(Instant::now);
        if since.elapsed() < patience {
            let reason = format!("the chain ends at block {}, behind the mirror at block {}", head.number, tip.number);
            if self.status.has_trouble(reason.clone()) {
                tracing::warn!("waiting: {reason}");
            }
            return Ok(Step::Waiting);
        }
        self.may_leave(tip).await?;
        if !is_ours {
            return Err(Refusal::ChainBehind { head: head.number, cursor: tip.number }.into());
        }
        self.behind_since = None;
        self.write(&[], &Batch::default(), head, Some(head.block())).await
    }

    /// Blocks that follow the tip, or `ancestor` after a fork, one by one with their logs.
    async fn append(&mut self, headers: Vec<Header>, ancestor: Option<BlockRef>) -> Result<Step, IndexerError> {
        if headers.windows(2).any(|pair| pair[1].parent_hash != pair[0].hash) {
            return Err(ChainError::Contradiction("headers do not join: the chain is moving").into());
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

    /// The logs of whole blocks. Where the log index and the bloom filter do not fit together, the receipts decide.
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

    /// Near the head, as many blocks at once as give about one batch of events.
    fn pace_chunk(&mut self, blocks: u64, events: u64) {
        let fitting = (blocks * self.pace.batch_events).checked_div(events).unwrap_or(u64::MAX).min(blocks * 2);
        self.chunk = fitting.clamp(1, LONGEST_CHUNK);
    }
}
