//! [`Endpoints`]: several endpoints of one chain, used as one.
//!
//! One of them is the leader and answers everything, so that answers are consistent. When it fails, the next endpoint
//! answers and becomes the leader. A disagreement between endpoints is never decided by the endpoint that answered
//! last: the follower asks for [`Chain::opinions`] before it leaves a branch, and the logs of a range, which nothing
//! else confirms, are requested from two endpoints.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use alloy::{primitives::B256, rpc::types::Log};
use async_trait::async_trait;
use futures::future::{BoxFuture, join_all};

use super::{Chain, ChainError, Header, Opinion};
use crate::health::Status;

/// Several endpoints of one chain.
pub struct Endpoints {
    endpoints: Vec<Arc<dyn Chain>>,
    leader: AtomicUsize,
    status: Arc<Status>,
}

impl Endpoints {
    /// Makes one chain from several endpoints. The first one is the leader.
    ///
    /// # Panics
    /// When `endpoints` is empty.
    #[must_use]
    pub fn new(endpoints: Vec<Arc<dyn Chain>>, status: Arc<Status>) -> Self {
        assert!(!endpoints.is_empty(), "a chain has at least one endpoint");
        Self { endpoints, leader: AtomicUsize::new(0), status }
    }

    /// Asks the leader, then the others in turn.
    async fn ask<'a, T>(
        &'a self,
        question: impl Fn(&'a dyn Chain) -> BoxFuture<'a, Result<T, ChainError>>,
    ) -> Result<T, ChainError> {
        let (leader, count) = (self.leader.load(Ordering::Relaxed), self.endpoints.len());
        let mut first_error = None;
        for turn in 0..count {
            let index = (leader + turn) % count;
            match question(&*self.endpoints[index]).await {
                Err(error) if error.is_of_the_endpoint() => {
                    first_error.get_or_insert(error);
                }
                answer => {
                    // An answer that is not consistent is returned, and the next request goes to the next endpoint.
                    let is_odd = matches!(answer, Err(ChainError::Missing(_) | ChainError::Contradiction(_)));
                    self.lead(leader, if is_odd { (index + 1) % count } else { index });
                    return answer;
                }
            }
        }
        Err(first_error.expect("every endpoint was asked and failed"))
    }

    fn lead(&self, from: usize, to: usize) {
        if from != to {
            self.leader.store(to, Ordering::Relaxed);
            self.status.count_failover();
            tracing::info!("RPC endpoint {} of {} answers from now on", to + 1, self.endpoints.len());
        }
    }
}

#[async_trait]
impl Chain for Endpoints {
    async fn chain_id(&self) -> Result<u64, ChainError> {
        self.ask(|chain| chain.chain_id()).await
    }

    async fn head(&self) -> Result<Header, ChainError> {
        self.ask(|chain| chain.head()).await
    }

    async fn headers(&self, numbers: &[u64]) -> Result<Vec<Header>, ChainError> {
        let numbers: Arc<[u64]> = numbers.into();
        self.ask(move |chain| {
            let numbers = numbers.clone();
            Box::pin(async move { chain.headers(&numbers).await })
        })
        .await
    }

    async fn logs_in(&self, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
        self.ask(|chain| chain.logs_in(from, to)).await
    }

    async fn confirmed_logs_in(&self, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
        if self.endpoints.len() == 1 {
            return self.logs_in(from, to).await;
        }
        let leader = self.leader.load(Ordering::Relaxed);
        let (first, second) = (&self.endpoints[leader], &self.endpoints[(leader + 1) % self.endpoints.len()]);
        let about = || ChainError::Disagreement(format!("the logs of the blocks {from} to {to}"));
        match tokio::join!(first.logs_in(from, to), second.logs_in(from, to)) {
            (Ok(first), Ok(second)) if is_same(&first, &second) => Ok(first),
            (Err(error @ ChainError::TooLarge(_)), _) | (_, Err(error @ ChainError::TooLarge(_))) => Err(error),
            // A single answer does not confirm anything.
            _ => Err(about()),
        }
    }

    async fn logs_of(&self, blocks: &[B256]) -> Result<Vec<Vec<Log>>, ChainError> {
        let blocks: Arc<[B256]> = blocks.into();
        self.ask(move |chain| {
            let blocks = blocks.clone();
            Box::pin(async move { chain.logs_of(&blocks).await })
        })
        .await
    }

    async fn receipt_logs(&self, block: &Header) -> Result<Vec<Log>, ChainError> {
        let block = Arc::new(block.clone());
        self.ask(move |chain| {
            let block = block.clone();
            Box::pin(async move { chain.receipt_logs(&block).await })
        })
        .await
    }

    fn hand_over(&self) {
        let leader = self.leader.load(Ordering::Relaxed);
        self.lead(leader, (leader + 1) % self.endpoints.len());
    }

    async fn opinions(&self, number: u64) -> Vec<Opinion> {
        if self.endpoints.len() == 1 {
            return Vec::new();
        }
        join_all(self.endpoints.iter().map(|endpoint| async move {
            match endpoint.headers(&[number]).await.as_deref() {
                Ok([header]) => Opinion::Has(header.hash),
                Err(ChainError::Missing(_)) => Opinion::Lacks,
                _ => Opinion::Silent,
            }
        }))
        .await
    }
}

/// Returns whether two answers contain the same logs. The order and repetitions are ignored.
fn is_same(a: &[Log], b: &[Log]) -> bool {
    let places = |logs: &[Log]| {
        let mut places: Vec<_> = logs.iter().map(|log| (log.block_number, log.block_hash, log.log_index)).collect();
        places.sort_unstable();
        places.dedup();
        places
    };
    places(a) == places(b)
}
