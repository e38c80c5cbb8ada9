//! The recent state of the chain: fees, gas limit and pace of blocks. The keeper updates it, and all parts of the relay
//! use it.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use alloy::{
    eips::BlockNumberOrTag,
    providers::{DynProvider, Provider},
    transports::TransportError,
};

use super::{line::Line, transaction::Fees};

/// Number of past blocks over which the pace is measured.
const PACE_BLOCKS: u64 = 8;
/// Number of measurements of the pace that are kept.
const PACES: usize = 2;
/// A market that is older than this is updated before it is used.
const FRESH: Duration = Duration::from_secs(6);
/// Wei per gas that urgent transactions and checkpoints add to twice the market's priority fee.
const URGENT_PRIORITY: u128 = 1_000_000_000;

/// The chain as of a few seconds ago.
#[derive(Clone, Debug)]
pub(super) struct Market {
    fees: Fees,
    /// Wei per gas.
    base_fee: u128,
    pub(super) block_gas_limit: u64,
    /// Milliseconds between blocks, the latest last.
    paces_ms: VecDeque<u64>,
    /// Number and time of the newest block.
    head: (u64, u64),
    seen_at: Instant,
}

impl Market {
    /// Returns whether it can be used without an update.
    pub(super) fn is_fresh(&self) -> bool {
        self.seen_at.elapsed() < FRESH
    }

    /// Asks the chain. `known` is the earlier state.
    pub(super) async fn ask(provider: &DynProvider, known: Option<Self>) -> Result<Self, TransportError> {
        let (head, estimate) =
            tokio::try_join!(async { provider.get_block_by_number(BlockNumberOrTag::Latest).await }, async {
                provider.estimate_eip1559_fees().await
            },)?;
        let header = head.map(|block| block.header);
        let base_fee = header.as_ref().and_then(|header| header.base_fee_per_gas).unwrap_or(0);
        let (number, time) = header.as_ref().map_or((0, 0), |header| (header.number, header.timestamp));
        let mut paces_ms = known.as_ref().map(|market| market.paces_ms.clone()).unwrap_or_default();
        let before = match known {
            Some(known) => Some(known.head),
            // There is no earlier state, so a past block is read.
            None => provider
                .get_block_by_number(BlockNumberOrTag::Number(number.saturating_sub(PACE_BLOCKS)))
                .await?
                .map(|block| (block.header.number, block.header.timestamp)),
        };
        if let Some((earlier, since)) = before.filter(|(earlier, _)| *earlier < number) {
            paces_ms.push_back(time.saturating_sub(since).saturating_mul(1_000) / (number - earlier));
            if paces_ms.len() > PACES {
                paces_ms.pop_front();
            }
        }
        Ok(Self {
            fees: Fees { max_fee: estimate.max_fee_per_gas, max_priority_fee: estimate.max_priority_fee_per_gas },
            base_fee: base_fee.into(),
            block_gas_limit: header.map_or(0, |header| header.gas_limit),
            paces_ms,
            head: (number, time),
            seen_at: Instant::now(),
        })
    }

    /// Returns the fees for a new transaction of this line, at most `ceiling`.
    pub(super) fn fees(&self, line: Line, ceiling: u128) -> Fees {
        let fees = match line {
            Line::Ordinary => self.fees,
            // They come before ordinary transactions, ours and others'.
            Line::Urgent | Line::Checkpoint => {
                let priority = self.fees.max_priority_fee.saturating_mul(2).saturating_add(URGENT_PRIORITY);
                let more = priority.saturating_sub(self.fees.max_priority_fee);
                Fees { max_fee: self.fees.max_fee.saturating_add(more), max_priority_fee: priority }
            }
        };
        fees.capped(ceiling)
    }

    /// Returns whether the market is above `ceiling`, so that no transaction is mined now.
    pub(super) const fn is_above(&self, ceiling: u128) -> bool {
        self.base_fee > ceiling
    }

    /// Returns the longer of the last two measured times between blocks, at most half a minute. On a chain that mines
    /// on demand, a long pause means nothing. On a slower chain, the checkpoints show how slow it is.
    pub(super) fn block_interval(&self) -> Duration {
        const MS_MAX: u64 = 30_000;
        Duration::from_millis(self.paces_ms.iter().max().copied().unwrap_or(0).min(MS_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn market(base_fee: u128) -> Market {
        Market {
            fees: Fees { max_fee: 2 * base_fee + 3, max_priority_fee: 3 },
            base_fee,
            block_gas_limit: 30_000_000,
            paces_ms: [2_000, 12_000].into(),
            head: (9, 9),
            seen_at: Instant::now(),
        }
    }

    #[test]
    fn no_fee_is_above_the_ceiling_and_urgent_fees_are_higher_than_ordinary_ones() {
        let now = market(10_000_000_000);
        let ceiling = 15_000_000_000;
        for line in Line::ALL {
            let fees = now.fees(line, ceiling);
            assert!(fees.max_fee <= ceiling && fees.max_priority_fee <= fees.max_fee);
        }
        let ordinary = now.fees(Line::Ordinary, u128::MAX);
        for line in [Line::Urgent, Line::Checkpoint] {
            assert!(now.fees(line, u128::MAX).max_priority_fee > ordinary.max_priority_fee);
            assert!(now.fees(line, ceiling).max_priority_fee > now.fees(Line::Ordinary, ceiling).max_priority_fee);
        }
        assert!(!now.is_above(ceiling));
        assert!(now.is_above(9_999_999_999));
    }

    #[test]
    fn the_pace_is_the_longer_of_the_last_ones_and_a_pause_counts_for_half_a_minute() {
        assert_eq!(market(1).block_interval(), Duration::from_secs(12));
        let idle = Market { paces_ms: [0, 3_600_000].into(), ..market(1) };
        assert_eq!(idle.block_interval(), Duration::from_secs(30));
        assert_eq!(Market { paces_ms: VecDeque::new(), ..market(1) }.block_interval(), Duration::ZERO);
    }
}
