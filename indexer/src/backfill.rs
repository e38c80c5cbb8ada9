//! Fetches old blocks in bulk: in ranges of suitable size, several at once, returned in order.
//!
//! Only blocks that are deeper than any reorg that the mirror can undo are fetched this way.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alloy::{primitives::B256, rpc::types::Log};

use crate::{
    chain::{Chain, ChainError, Header, logs_in_order, logs_of_block},
    decode::{Contracts, MinedLog},
    error::IndexerError,
    settings::Pace,
    time::{Instant, JoinHandle, sleep, spawn},
    views::Batch,
};

/// The content of a range of blocks.
#[derive(Debug)]
pub struct Stretch {
    /// The header of the first block.
    pub first: Header,
    /// The header of the last block.
    pub last: Header,
    /// The changes from the events in the range.
    pub batch: Batch,
}

/// The size of requests: the number of blocks in one request, and the number of requests in flight. Adapts to the
/// answers.
#[derive(Debug)]
pub struct Appetite {
    blocks: AtomicU64,
    requests: AtomicU64,
    max_blocks: u64,
    max_requests: u64,
    events: u64,
}

const QUICK: Duration = Duration::from_millis(1_000);
/// The number of times a range is requested again while the endpoint asks for a pause, before the step fails.
const TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

impl Appetite {
    /// Starts with small ranges. Aims at one batch of events for each answer.
    #[must_use]
    pub fn new(pace: &Pace) -> Self {
        Self {
            blocks: AtomicU64::new(64.min(pace.batch_blocks)),
            requests: AtomicU64::new(pace.requests),
            max_blocks: pace.batch_blocks,
            max_requests: pace.requests,
            events: pace.batch_events,
        }
    }

    /// Returns the number of blocks for the next request.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.blocks.load(Ordering::Relaxed)
    }

    /// Returns the number of requests that may be in flight.
    #[must_use]
    pub fn requests(&self) -> usize {
        usize::try_from(self.requests.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }

    /// Records that a range of `blocks` contained `events` and needed `took`.
    pub fn learn(&self, blocks: u64, events: u64, took: Duration) {
        let fitting = if took > QUICK {
            blocks / 2
        } else {
            // At most four times as many, since the next blocks may contain more events.
            (blocks * self.events).checked_div(events).unwrap_or(u64::MAX).min(blocks * 4)
        };
        self.blocks.store(fitting.clamp(1, self.max_blocks), Ordering::Relaxed);
        let more = (self.requests.load(Ordering::Relaxed) + 1).min(self.max_requests);
        self.requests.store(more, Ordering::Relaxed);
    }

    /// Records that the endpoint refused a range of `blocks` as too large.
    pub fn refused(&self, blocks: u64) {
        self.blocks.store((blocks / 2).max(1), Ordering::Relaxed);
    }

    /// Records that the endpoint asks for a pause.
    pub fn limited(&self) {
        let fewer = (self.requests.load(Ordering::Relaxed) / 2).max(1);
        self.requests.store(fewer, Ordering::Relaxed);
    }
}

/// Fetches `from..=to` in ranges, several in flight, and yields them in order.
pub struct Backfill {
    chain: Arc<dyn Chain>,
    contracts: Contracts,
    appetite: Arc<Appetite>,
    in_flight: VecDeque<JoinHandle<Result<Fetched, IndexerError>>>,
    is_checked: bool,
    next: u64,
    to: u64,
    ready: VecDeque<Stretch>,
    /// The blocks between `ready` and `in_flight`: the end of a range that was refused as a whole.
    rest: Option<(u64, u64)>,
}

/// The result of a range: the events of its first blocks, and the blocks that must still be fetched. A range with many
/// more events than earlier ranges is never held in memory as a whole.
struct Fetched {
    stretches: Vec<Stretch>,
    rest: Option<(u64, u64)>,
}

impl Drop for Backfill {
    fn drop(&mut self) {
        self.in_flight.iter().for_each(JoinHandle::abort);
    }
}

impl Backfill {
    /// Returns a backfill of the blocks `from..=to`.
    #[must_use]
    pub fn new(
        chain: Arc<dyn Chain>,
        contracts: Contracts,
        appetite: Arc<Appetite>,
        pace: &Pace,
        from: u64,
        to: u64,
    ) -> Self {
        let is_checked = pace.check_blooms;
        Self {
            chain,
            contracts,
            appetite,
            in_flight: VecDeque::new(),
            is_checked,
            next: from,
            to,
            ready: VecDeque::new(),
            rest: None,
        }
    }

    /// Returns the next range in order; `None` at the end.
    ///
    /// # Errors
    /// The [`IndexerError`] of the first range that cannot be fetched.
    pub async fn next(&mut self) -> Result<Option<Stretch>, IndexerError> {
        loop {
            self.launch();
            if let Some(stretch) = self.ready.pop_front() {
                return Ok(Some(stretch));
            }
            if let Some((from, to)) = self.rest {
                let end = to.min(from + self.appetite.blocks() - 1);
                let fetched = self.fetch().range(from, end).await?;
                let next = fetched.rest.map_or(end + 1, |(from, _)| from);
                self.rest = (next <= to).then_some((next, to));
                self.ready.extend(fetched.stretches);
                continue;
            }
            let Some(task) = self.in_flight.front_mut() else { return Ok(None) };
            let fetched = task.await.expect("fetching does not panic")?;
            self.in_flight.pop_front();
            self.ready.extend(fetched.stretches);
            self.rest = fetched.rest;
        }
    }

    fn launch(&mut self) {
        while self.in_flight.len() < self.appetite.requests() && self.next <= self.to {
            let from = self.next;
            let to = self.to.min(from + self.appetite.blocks() - 1);
            self.next = to + 1;
            let fetch = self.fetch();
            self.in_flight.push_back(spawn(async move { fetch.range(from, to).await }));
        }
    }

    fn fetch(&self) -> Fetch {
        Fetch {
            chain: self.chain.clone(),
            contracts: self.contracts.clone(),
            appetite: self.appetite.clone(),
            is_checked: self.is_checked,
        }
    }
}

/// The parts needed to fetch a range.
struct Fetch {
    chain: Arc<dyn Chain>,
    contracts: Contracts,
    appetite: Arc<Appetite>,
    is_checked: bool,
}

impl Fetch {
    /// Fetches a range, or as much of its beginning as the endpoint returns at once: half of it, a quarter, and so on
    /// down to one block.
    async fn range(&self, from: u64, to: u64) -> Result<Fetched, IndexerError> {
        let (mut end, mut tries) = (to, 0);
        let stretches = loop {
            let start = Instant::now();
            match self.stretch(from, end).await {
                Ok(parts) => {
                    let events: usize = parts.iter().map(|stretch| stretch.batch.events.len()).sum();
                    self.appetite.learn(end - from + 1, events as u64, start.elapsed());
                    break parts;
                }
                Err(IndexerError::Chain(ChainError::TooLarge(_) | ChainError::TimedOut { .. })) if from < end => {
                    self.appetite.refused(end - from + 1);
                    end = from + (end - from) / 2;
                }
                // A single block that is too large for the log index can still be read from its receipts.
                Err(IndexerError::Chain(ChainError::TooLarge(_))) => break vec![self.dense(from).await?],
                Err(IndexerError::Chain(ChainError::Limited)) if tries < TRIES => {
                    self.appetite.limited();
                    sleep(FIRST_PAUSE * 2_u32.pow(tries)).await;
                    tries += 1;
                }
                Err(error) => return Err(error),
            }
        };
        Ok(Fetched { stretches, rest: (end < to).then_some((end + 1, to)) })
    }

    async fn stretch(&self, from: u64, to: u64) -> Result<Vec<Stretch>, IndexerError> {
        if self.is_checked {
            return self.checked(from, to).await;
        }
        let ends = [from, to];
        let (headers, logs) = tokio::join!(self.chain.headers(&ends), self.chain.confirmed_logs_in(from, to));
        let logs = match logs {
            // When endpoints disagree, headers and receipts decide.
            Err(ChainError::Disagreement(_)) => return self.checked(from, to).await,
            logs => logs?,
        };
        let [first, last] =
            headers?.try_into().map_err(|_| ChainError::Contradiction("the answer does not have two headers"))?;
        let times = times_of(&*self.chain, &logs).await?;
        let time_of = |hash: B256| times.iter().find(|header| header.hash == hash).map(|header| header.timestamp);
        let logs = logs_in_order(logs, time_of)?;
        // The chain may have changed between the answers.
        if header_of(&*self.chain, to).await?.hash != last.hash {
            return Err(ChainError::Contradiction("the end of a range has changed").into());
        }
        let cuts = cuts(&logs, to, self.appetite.events);
        let mut headers = vec![first];
        for cuts in cuts.chunks(HEADERS / 2) {
            let ends: Vec<u64> = cuts.iter().flat_map(|cut| [*cut, cut + 1]).collect();
            headers.extend(self.chain.headers(&ends).await?);
        }
        headers.push(last);
        self.parts(&headers, &logs)
    }

    /// Returns the stretches between pairs of headers, which are the first and the last block of each stretch.
    fn parts(&self, headers: &[Header], mut logs: &[MinedLog]) -> Result<Vec<Stretch>, IndexerError> {
        let mut stretches = Vec::with_capacity(headers.len() / 2);
        for ends in headers.chunks(2) {
            let [first, last] = ends else {
                return Err(ChainError::Contradiction("the answer does not have both ends of a range").into());
            };
            let (ours, rest) = logs.split_at(logs.partition_point(|log| log.place.block_number <= last.number));
            if ours.last().is_some_and(|log| log.place.block_number == last.number && log.place.block_hash != last.hash)
            {
                return Err(ChainError::Contradiction("logs and header of a block differ").into());
            }
            stretches.push(Stretch {
                first: first.clone(),
                last: last.clone(),
                batch: Batch::of(&self.contracts, ours)?,
            });
            logs = rest;
        }
        Ok(stretches)
    }

    /// Checks header by header. When the logs of a block do not explain its bloom filter, they are read from the
    /// receipts.
    async fn checked(&self, from: u64, to: u64) -> Result<Vec<Stretch>, IndexerError> {
        let numbers: Vec<u64> = (from..=to).collect();
        let mut headers = Vec::with_capacity(numbers.len());
        for numbers in numbers.chunks(HEADERS) {
            headers.extend(self.chain.headers(numbers).await?);
        }
        if headers.windows(2).any(|pair| pair[1].parent_hash != pair[0].hash) {
            return Err(ChainError::Contradiction("the headers do not follow each other: the chain is changing").into());
        }
        let mut by_block: HashMap<B256, Vec<Log>> = HashMap::new();
        for log in self.chain.logs_in(from, to).await? {
            by_block.entry(log.block_hash.unwrap_or_default()).or_default().push(log);
        }
        let contracts = self.contracts.addresses();
        let mut logs = Vec::new();
        for header in &headers {
            let mut answer = by_block.remove(&header.hash).unwrap_or_default();
            if !header.is_explained_by(&answer, &contracts) {
                answer = self.chain.receipt_logs(header).await?;
            }
            logs.extend(logs_of_block(header, answer)?);
        }
        if !by_block.is_empty() {
            return Err(ChainError::Contradiction("logs and header of a block differ").into());
        }
        let mut ends = vec![from];
        ends.extend(cuts(&logs, to, self.appetite.events).into_iter().flat_map(|cut| [cut, cut + 1]));
        ends.push(to);
        let header = |number: u64| headers.get(usize::try_from(number - from).ok()?).cloned();
        let ends: Option<Vec<Header>> = ends.into_iter().map(header).collect();
        self.parts(&ends.ok_or(ChainError::Contradiction("the answer has no headers"))?, &logs)
    }

    async fn dense(&self, number: u64) -> Result<Stretch, IndexerError> {
        let header = header_of(&*self.chain, number).await?;
        let logs = logs_of_block(&header, self.chain.receipt_logs(&header).await?)?;
        Ok(Stretch { first: header.clone(), last: header, batch: Batch::of(&self.contracts, &logs)? })
    }
}

/// Returns the blocks after which to split a range that ends with `to`, so that each part has about `events`. The
/// blocks of different parts do not share a transaction, and one transaction fits into the cache of the database. A
/// range with slightly more events is not split.
fn cuts(logs: &[MinedLog], to: u64, events: u64) -> Vec<u64> {
    let mut cuts = Vec::new();
    let (mut held, mut left) = (0, logs.len() as u64);
    for block in logs.chunk_by(|a, b| a.place.block_number == b.place.block_number) {
        held += block.len() as u64;
        left -= block.len() as u64;
        let number = block[0].place.block_number;
        if held >= events && left >= events / 2 && number < to {
            cuts.push(number);
            held = 0;
        }
    }
    cuts
}

/// The number of headers in one request.
const HEADERS: usize = 256;

async fn header_of(chain: &dyn Chain, number: u64) -> Result<Header, ChainError> {
    chain.headers(&[number]).await?.pop().ok_or_else(|| ChainError::Missing(number.to_string()))
}

/// Fetches the headers of the blocks whose logs do not contain the block time.
async fn times_of(chain: &dyn Chain, logs: &[Log]) -> Result<Vec<Header>, ChainError> {
    let mut blocks: Vec<u64> =
        logs.iter().filter(|log| log.block_timestamp.is_none()).filter_map(|log| log.block_number).collect();
    blocks.sort_unstable();
    blocks.dedup();
    let mut headers = Vec::with_capacity(blocks.len());
    for blocks in blocks.chunks(HEADERS) {
        headers.extend(chain.headers(blocks).await?);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, LogData};
    use protocol::mirror::Place;

    use super::*;

    const SHORT: Duration = Duration::from_millis(5);

    fn appetite() -> Appetite {
        Appetite::new(&Pace { batch_blocks: 10_000, batch_events: 1_000, requests: 4, ..Pace::default() })
    }

    fn log(block: u64, log_index: u64) -> MinedLog {
        let place =
            Place { block_number: block, block_hash: B256::ZERO, block_time: 0, tx_hash: B256::ZERO, log_index };
        MinedLog { place, contract: Address::ZERO, data: LogData::default() }
    }

    #[test]
    fn a_range_is_cut_between_blocks_only_and_where_it_holds_too_much() {
        let logs: Vec<MinedLog> = (1..=10).flat_map(|block| (0..100).map(move |index| log(block, index))).collect();
        assert_eq!(cuts(&logs, 10, 250), [3, 6]);
        assert_eq!(cuts(&logs, 10, 1_000), [0; 0]);
        assert_eq!(cuts(&logs[..100], 9, 10), [0; 0], "a dense block stays whole");
        assert_eq!(cuts(&logs[..200], 2, 10), [1]);
        assert_eq!(cuts(&[], 9, 10), [0; 0]);
    }

    #[test]
    fn ranges_grow_while_answers_are_small_and_quick() {
        let size = appetite();
        for _ in 0..8 {
            size.learn(size.blocks(), 0, SHORT);
        }
        assert_eq!(size.blocks(), 10_000);
    }

    #[test]
    fn ranges_aim_at_the_batch_size() {
        let size = appetite();
        size.learn(64, 6_400, SHORT);
        assert_eq!(size.blocks(), 10);
        size.learn(10, 500, SHORT);
        assert_eq!(size.blocks(), 20);
    }

    #[test]
    fn ranges_shrink_when_refused_or_slow_and_never_vanish() {
        let size = appetite();
        size.refused(64);
        assert_eq!(size.blocks(), 32);
        size.learn(32, 10, Duration::from_secs(5));
        assert_eq!(size.blocks(), 16);
        size.refused(1);
        assert_eq!(size.blocks(), 1);
        size.learn(1, 1_000_000, SHORT);
        assert_eq!(size.blocks(), 1);
    }

    #[test]
    fn an_endpoint_that_asks_for_a_pause_gets_half_the_requests_and_slowly_more_again() {
        let appetite = appetite();
        appetite.limited();
        appetite.limited();
        appetite.limited();
        assert_eq!(appetite.requests(), 1);
        for _ in 0..5 {
            appetite.learn(1, 1, SHORT);
        }
        assert_eq!(appetite.requests(), 4);
    }
}
