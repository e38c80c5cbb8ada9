//! Turns for requests. Only a limited number of requests is processed at a time, and every network address waits in a
//! separate queue.
//!
//! The only request of a network address is the next one after those in progress, even if other addresses have sent
//! many requests at the same moment. A request that takes longer than the longest turn, or that waits for something
//! else (a body, a block, long work: [`give_back`]), gives its turn to the next request, and both run at the same time.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

/// Turns at a time for each processor. A part of each turn is spent waiting for the database.
const PER_PROCESSOR: usize = 4;

tokio::task_local! {
    /// The turn of the request that this task processes. `None` once it was given back.
    static TURN_OF_TASK: Arc<Mutex<Option<Turn>>>;
}

/// Distributes turns.
#[derive(Clone, Debug)]
pub struct Turns {
    longest: Duration,
    queues: Arc<Mutex<Queues>>,
}

#[derive(Debug)]
struct Queues {
    /// Number of free turns.
    free: usize,
    /// The waiting requests, by network address. No queue is empty.
    waiting: HashMap<IpAddr, VecDeque<oneshot::Sender<Turn>>>,
    /// The network addresses that wait, the next one first.
    order: VecDeque<IpAddr>,
}

/// Gives this task's turn back, before it waits for something other than the database.
pub(crate) fn give_back() {
    let _ = TURN_OF_TASK.try_with(|held| held.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// A turn. When it is dropped, the next one begins.
#[derive(Debug)]
struct Turn(Option<Turns>);

impl Turns {
    /// Creates `at_once` turns (if zero, [`PER_PROCESSOR`] for each processor) of at most `longest` each.
    #[must_use]
    pub fn new(at_once: usize, longest: Duration) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let free = if at_once == 0 { PER_PROCESSOR * processors } else { at_once };
        let queues = Queues { free, waiting: HashMap::new(), order: VecDeque::new() };
        Self { longest, queues: Arc::new(Mutex::new(queues)) }
    }

    /// Runs `work` when it is the turn of `network`.
    pub async fn run<T>(&self, network: IpAddr, work: impl Future<Output = T>) -> T {
        let held = Arc::new(Mutex::new(Some(self.take(network).await)));
        let mut work = std::pin::pin!(TURN_OF_TASK.scope(Arc::clone(&held), work));
        if let Ok(outcome) = tokio::time::timeout(self.longest, &mut work).await {
            return outcome;
        }
        drop(held.lock().unwrap_or_else(PoisonError::into_inner).take());
        work.await
    }

    async fn take(&self, network: IpAddr) -> Turn {
        let coming = {
            let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
            if queues.free > 0 {
                queues.free -= 1;
                return Turn(Some(self.clone()));
            }
            queues.wait(network)
        };
        // A sender is dropped only together with the queues, and those live as long as this handle.
        coming.await.unwrap_or(Turn(None))
    }
}

impl Queues {
    fn wait(&mut self, network: IpAddr) -> oneshot::Receiver<Turn> {
        let (sender, coming) = oneshot::channel();
        let queue = self.waiting.entry(network).or_default();
        if queue.is_empty() {
            self.order.push_back(network);
        }
        queue.push_back(sender);
        coming
    }

    /// Returns the next waiting request. The network addresses take turns, and within each the longest waiting request
    /// is first.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        let network = self.order.pop_front()?;
        let queue = self.waiting.get_mut(&network)?;
        let next = queue.pop_front();
        if queue.is_empty() {
            self.waiting.remove(&network);
        } else {
            self.order.push_back(network);
        }
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(turns) = self.0.take() else { return };
        loop {
            let next = {
                let mut queues = turns.queues.lock().unwrap_or_else(PoisonError::into_inner);
                let next = queues.next();
                if next.is_none() {
                    queues.free += 1;
                }
                next
            };
            let Some(next) = next else { return };
            match next.send(Self(Some(turns.clone()))) {
                Ok(()) => return,
                // That client has gone, so the next one gets the turn. Dropping it as a turn would call this function
                // again.
                Err(mut unwanted) => drop(unwanted.0.take()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, StreamExt, stream::FuturesUnordered};

    use super::*;

    const TURN: Duration = Duration::from_millis(20);
    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const TWO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn free(turns: &Turns) -> usize {
        let queues = turns.queues.lock().expect("whole");
        assert!(queues.order.is_empty() && queues.waiting.is_empty(), "nothing is stored for clients that have gone");
        queues.free
    }

    #[tokio::test]
    async fn a_single_request_is_next_however_many_others_wait() {
        let turns = Turns::new(1, TURN);
        let held = turns.take(ONE).await;
        let order = Mutex::new(Vec::new());
        let ask = async |who: &'static str, network| {
            let _turn = turns.take(network).await;
            order.lock().expect("whole").push(who);
        };
        let mut all = FuturesUnordered::new();
        for _ in 0..100 {
            all.push(ask("many", ONE).boxed_local());
        }
        all.push(ask("once", TWO).boxed_local());
        assert!(all.next().now_or_never().is_none(), "the only turn is taken");
        drop(held);
        while all.next().await.is_some() {}
        drop(all);
        let order = order.into_inner().expect("whole");
        assert_eq!(order.len(), 101);
        assert_eq!(order.iter().position(|who| *who == "once"), Some(1));
        assert_eq!(free(&turns), 1);
    }

    #[tokio::test]
    async fn a_turn_skips_requests_that_no_longer_wait() {
        let turns = Turns::new(1, TURN);
        let held = turns.take(ONE).await;
        let mut gone = Box::pin(turns.take(ONE));
        assert!((&mut gone).now_or_never().is_none());
        let mut stays = Box::pin(turns.take(TWO));
        assert!((&mut stays).now_or_never().is_none());
        drop(gone);
        drop(held);
        drop(stays.await);
        assert_eq!(free(&turns), 1);

        // The client goes away while the turn is on its way to it.
        let held = turns.take(ONE).await;
        let mut gone = Box::pin(turns.take(ONE));
        assert!((&mut gone).now_or_never().is_none());
        drop(held);
        drop(gone);
        assert_eq!(free(&turns), 1);
    }

    #[tokio::test]
    async fn a_turn_ends_after_its_longest_time() {
        let turns = Turns::new(1, TURN);
        let (done, waits) = oneshot::channel::<()>();
        let long = turns.run(ONE, async { waits.await.is_ok() });
        let next = async {
            turns.run(TWO, async {}).await;
            done.send(()).expect("the long one still runs");
        };
        assert!(tokio::join!(long, next).0);
        assert_eq!(free(&turns), 1);
    }

    #[tokio::test]
    async fn a_request_that_waits_for_something_else_does_not_block_others() {
        let turns = Turns::new(1, TURN);
        let (done, waits) = oneshot::channel::<()>();
        let slow = turns.run(ONE, async {
            give_back();
            assert_eq!(free(&turns), 1);
            waits.await.is_ok()
        });
        let quick = async {
            turns.run(TWO, async {}).await;
            done.send(()).expect("the slow one still waits");
        };
        assert!(tokio::join!(slow, quick).0);
        assert_eq!(free(&turns), 1);
    }
}
