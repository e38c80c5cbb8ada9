//! Old blocks in bulk: ranges that fit, several at once, handed on in order.
//!
//! Only blocks that lie deeper than any reorg the mirror can undo are fetched this way.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use alloy::{primitives::B256, rpc::types::Log};
use tokio::task::JoinHandle;

use crate::{
    chain::{Chain, ChainError, Header, logs_in_order},
    decode::Contracts,
    error::IndexerError,
    settings::Pace,
    views::Batch,
};

/// What a range holds.
#[derive(Debug)]
pub struct Stretch {
    /// Its first block's header.
    pub first: Header,
    /// Its last block's header.
    pub last: Header,
    /// What its events change.
    pub batch: Batch,
}

/// How many blocks a request covers: learns from the answers.
#[derive(Debug)]
pub struct RangeSize {
    blocks: AtomicU64,
    max_blocks: u64,
    events: u64,
}

const QUICK: Duration = Duration::from_millis(1_000);

impl RangeSize {
    /// Starts small, aims at `events` an answer, never covers more than `max_blocks`.
    #[must_use]
    pub fn new(max_blocks: u64, events: u64) -> Self {
        Self { blocks: AtomicU64::new(64.min(max_blocks)), max_blocks, events }
    }

    /// Blocks to ask for next.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.blocks.load(Ordering::Relaxed)
    }

    /// A range of `blocks` gave `events` and took `took`.
    pub fn learn(&self, blocks: u64, events: u64, took: Duration) {
        let fitting = if took > QUICK {
            blocks / 2
        } else {
            // At most four times as many: the next blocks may be fuller.
            (blocks * self.events).checked_div(events).unwrap_or(u64::MAX).min(blocks * 4)
        };
        self.blocks.store(fitting.clamp(1, self.max_blocks), Ordering::Relaxed);
    }

    /// A range of `blocks` was refused as too large.
    pub fn refused(&self, blocks: u64) {
        self.blocks.store((blocks / 2).max(1), Ordering::Relaxed);
    }
}

/// Fetches `from..=to` in ranges, several in flight, and yields them in order.
pub struct Backfill {
    chain: Arc<dyn Chain>,
    contracts: Contracts,
    size: Arc<RangeSize>,
    in_flight: VecDeque<JoinHandle<Result<Vec<Stretch>, IndexerError>>>,
    requests: usize,
    next: u64,
    to: u64,
    ready: VecDeque<Stretch>,
}

impl Drop for Backfill {
    fn drop(&mut self) {
        self.in_flight.iter().for_each(JoinHandle::abort);
    }
}

impl Backfill {
    /// Of the blocks `from..=to`.
    #[must_use]
    pub fn new(
        chain: Arc<dyn Chain>,
        contracts: Contracts,
        size: Arc<RangeSize>,
        pace: &Pace,
        from: u64,
        to: u64,
    ) -> Self {
        let requests = usize::try_from(pace.requests).unwrap_or(usize::MAX);
        Self { chain, contracts, size, in_flight: VecDeque::new(), requests, next: from, to, ready: VecDeque::new() }
    }

    /// The next range in order; `None` at the end.
    ///
    /// # Errors
    /// [`IndexerError`] of the first range that cannot be had.
    pub async fn next(&mut self) -> Result<Option<Stretch>, IndexerError> {
        loop {
            self.launch();
            if let Some(stretch) = self.ready.pop_front() {
                return Ok(Some(stretch));
            }
            let Some(task) = self.in_flight.front_mut() else { return Ok(None) };
            let stretches = task.await.expect("fetching does not panic")?;
            self.in_flight.pop_front();
            self.ready.extend(stretches);
        }
    }

    fn launch(&mut self) {
        while self.in_flight.len() < self.requests && self.next <= self.to {
            let from = self.next;
            let to = self.to.min(from + self.size.blocks() - 1);
            self.next = to + 1;
            let (chain, contracts, size) = (self.chain.clone(), self.contracts.clone(), self.size.clone());
            self.in_flight.push_back(tokio::spawn(async move { fetch(&*chain, &contracts, &size, from, to).await }));
        }
    }
}

/// Fetches a range, in halves where the endpoint refuses it as too large.
async fn fetch(
    chain: &dyn Chain,
    contracts: &Contracts,
    size: &RangeSize,
    from: u64,
    to: u64,
) -> Result<Vec<Stretch>, IndexerError> {
    let (mut todo, mut stretches) = (vec![(from, to)], Vec::new());
    while let Some((from, to)) = todo.pop() {
        let start = Instant::now();
        match fetch_whole(chain, from, to).await {
            Ok((first, last, logs)) => {
                size.learn(to - from + 1, logs.len() as u64, start.elapsed());
                let times = times_of(chain, &logs).await?;
                let time_of =
                    |hash: B256| times.iter().find(|header| header.hash == hash).map(|header| header.timestamp);
                let logs = logs_in_order(logs, time_of)?;
                if logs.iter().any(|log| log.place.block_number == to && log.place.block_hash != last.hash) {
                    return Err(ChainError::Contradiction("logs and header of a block differ").into());
                }
                stretches.push(Stretch { first, last, batch: Batch::of(contracts, &logs)? });
            }
            Err(ChainError::TooLarge(_) | ChainError::TimedOut { .. }) if from < to => {
                size.refused(to - from + 1);
                let middle = from + (to - from) / 2;
                todo.push((middle + 1, to));
                todo.push((from, middle));
            }
            // One block that is too large for the log index still has receipts.
            Err(ChainError::TooLarge(_)) => {
                let header = header_of(chain, from).await?;
                let logs = crate::chain::logs_of_block(&header, chain.receipt_logs(header.hash).await?)?;
                stretches.push(Stretch { first: header.clone(), last: header, batch: Batch::of(contracts, &logs)? });
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(stretches)
}

async fn fetch_whole(chain: &dyn Chain, from: u64, to: u64) -> Result<(Header, Header, Vec<Log>), ChainError> {
    let ends = [from, to];
    let (headers, logs) = tokio::try_join!(chain.headers(&ends), chain.logs_in(from, to))?;
    let [first, last] = headers.try_into().map_err(|_| ChainError::Contradiction("two headers were asked for"))?;
    Ok((first, last, logs))
}

async fn header_of(chain: &dyn Chain, number: u64) -> Result<Header, ChainError> {
    chain.headers(&[number]).await?.pop().ok_or_else(|| ChainError::Missing(number.to_string()))
}

/// Headers of the blocks whose logs do not carry their time.
async fn times_of(chain: &dyn Chain, logs: &[Log]) -> Result<Vec<Header>, ChainError> {
    let mut blocks: Vec<u64> =
        logs.iter().filter(|log| log.block_timestamp.is_none()).filter_map(|log| log.block_number).collect();
    blocks.sort_unstable();
    blocks.dedup();
    let mut headers = Vec::with_capacity(blocks.len());
    for blocks in blocks.chunks(256) {
        headers.extend(chain.headers(blocks).await?);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(5);

    #[test]
    fn ranges_grow_while_answers_are_small_and_quick() {
        let size = RangeSize::new(10_000, 1_000);
        for _ in 0..8 {
            size.learn(size.blocks(), 0, SHORT);
        }
        assert_eq!(size.blocks(), 10_000);
    }

    #[test]
    fn ranges_aim_at_the_batch_size() {
        let size = RangeSize::new(10_000, 1_000);
        size.learn(64, 6_400, SHORT);
        assert_eq!(size.blocks(), 10);
        size.learn(10, 500, SHORT);
        assert_eq!(size.blocks(), 20);
    }

    #[test]
    fn ranges_shrink_when_refused_or_slow_and_never_vanish() {
        let size = RangeSize::new(10_000, 1_000);
        size.refused(64);
        assert_eq!(size.blocks(), 32);
        size.learn(32, 10, Duration::from_secs(5));
        assert_eq!(size.blocks(), 16);
        size.refused(1);
        assert_eq!(size.blocks(), 1);
        size.learn(1, 1_000_000, SHORT);
        assert_eq!(size.blocks(), 1);
    }
}
