//! A simulated chain with branches, and endpoints with faults.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alloy::{
    primitives::{Address, B256, Bloom, Log as RawLog, keccak256},
    rpc::types::Log,
};
use async_trait::async_trait;
use indexer::{
    chain::{Chain, ChainError, Header, logs_of_receipts},
    time::sleep,
};

use crate::{
    contracts_model::{State, deployment},
    dice::Dice,
};

/// A contract that does not belong to the deployment.
const STRANGER: Address = Address::repeat_byte(0xee);

/// A block with its logs, and the state of the contracts after it.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) header: Header,
    /// All logs, also those of other contracts.
    logs: Vec<Log>,
    pub(crate) state: State,
    /// The random choices for the block, because another branch may contain the same transactions.
    drawn: Drawn,
}

/// The random choices that determine the content of a block.
#[derive(Clone, Copy, Debug)]
struct Drawn {
    transactions: u64,
    seed: u64,
    has_stranger: bool,
}

/// The chain: every block that ever existed, and the present branch.
#[derive(Debug)]
pub(crate) struct Tree {
    blocks: HashMap<B256, Arc<Block>>,
    branch: Vec<B256>,
    dice: Dice,
    addresses: Vec<Address>,
}

/// The number of transactions in a new block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Few, often none.
    Drawn,
    /// None.
    Empty,
    /// This number.
    Transactions(u64),
}

impl Tree {
    pub(crate) fn new(dice: Dice) -> Self {
        let addresses = indexer::decode::Contracts::of(&deployment(B256::ZERO)).addresses();
        let mut tree = Self { blocks: HashMap::new(), branch: Vec::new(), dice, addresses };
        tree.mine(Content::Empty);
        tree
    }

    pub(crate) fn genesis(&self) -> B256 {
        self.branch[0]
    }

    pub(crate) fn head(&self) -> Arc<Block> {
        self.blocks[self.branch.last().expect("there is a genesis block")].clone()
    }

    pub(crate) fn height(&self) -> u64 {
        self.branch.len() as u64 - 1
    }

    pub(crate) fn mine(&mut self, content: Content) {
        let few = [0, 0, 0, 1, 1, 2, 4];
        let transactions = match content {
            Content::Drawn => self.dice.pick(&few),
            Content::Empty => 0,
            Content::Transactions(transactions) => transactions,
        };
        let drawn = Drawn { transactions, seed: self.dice.next(), has_stranger: self.dice.once_in(5) };
        self.append(drawn);
    }

    fn append(&mut self, drawn: Drawn) {
        let parent = self.branch.last().map(|hash| self.blocks[hash].clone());
        let number = self.branch.len() as u64;
        let parent_hash = parent.as_ref().map_or(B256::ZERO, |parent| parent.header.hash);
        let salt = self.dice.next();
        let hash = keccak256([parent_hash.as_slice(), &number.to_be_bytes(), &salt.to_be_bytes()].concat());
        let timestamp = 1_700_000_000 + number * 12 + salt % 7;
        let mut state = parent.map(|parent| parent.state.clone()).unwrap_or_default();
        let deployment = deployment(B256::ZERO);
        let mut dice = Dice::new(drawn.seed);
        let (mut logs, mut bloom) = (Vec::new(), Bloom::ZERO);
        let mut push = |address: Address, data, transaction: u64| {
            let inner = RawLog { address, data };
            bloom.accrue_log(&inner);
            logs.push(Log {
                inner,
                block_hash: Some(hash),
                block_number: Some(number),
                block_timestamp: salt.is_multiple_of(2).then_some(timestamp),
                transaction_hash: Some(keccak256([hash.as_slice(), &transaction.to_be_bytes()].concat())),
                transaction_index: Some(transaction),
                log_index: Some(logs.len() as u64),
                removed: false,
            });
        };
        for transaction in 0..drawn.transactions {
            for (contract, data) in state.act(&mut dice).0 {
                push(deployment.address_of(contract), data, transaction);
            }
        }
        if drawn.has_stranger {
            let data = alloy::primitives::LogData::new_unchecked(vec![B256::repeat_byte(9)], Vec::new().into());
            push(STRANGER, data, drawn.transactions);
        }
        let header = Header { hash, parent_hash, number, timestamp, logs_bloom: bloom };
        self.blocks.insert(hash, Arc::new(Block { header, logs, state, drawn }));
        self.branch.push(hash);
    }

    /// Replaces the last `depth` blocks by `growth` others. Some contain the transactions of the block that they
    /// replace.
    pub(crate) fn reorg(&mut self, depth: u64, growth: u64) {
        let keep = self.branch.len() - usize::try_from(depth.min(self.height())).expect("small");
        let left = self.branch.split_off(keep);
        for index in 0..growth {
            let replaced = left.get(usize::try_from(index).expect("small")).map(|hash| self.blocks[hash].drawn);
            match replaced {
                Some(drawn) if !self.dice.once_in(2) => self.append(drawn),
                _ => self.mine(Content::Drawn),
            }
        }
    }

    /// Replaces the last `depth` blocks by `growth` blocks without events.
    pub(crate) fn reorg_to_empty(&mut self, depth: u64, growth: u64) {
        self.branch.truncate(self.branch.len() - usize::try_from(depth.min(self.height())).expect("small"));
        for _ in 0..growth {
            let seed = self.dice.next();
            self.append(Drawn { transactions: 0, seed, has_stranger: false });
        }
    }

    fn ours(&self, block: &Block) -> Vec<Log> {
        block.logs.iter().filter(|log| self.addresses.contains(&log.inner.address)).cloned().collect()
    }
}

/// The frequency of faults of an endpoint: one in this many requests; zero means never.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// No answer.
    pub(crate) stalls: u64,
    /// HTTP 429, HTTP 500, half an answer, a JSON-RPC error.
    pub(crate) fails: u64,
    /// An old head.
    pub(crate) stale_head: u64,
    /// Existing blocks that are not found.
    pub(crate) missing_blocks: u64,
    /// Logs left out of the answer about a block.
    pub(crate) missing_logs: u64,
    /// Logs left out of the answer about a range.
    pub(crate) missing_in_ranges: u64,
    /// Logs that come twice, or in another order.
    pub(crate) odd_logs: u64,
    /// For a block that has left the chain, the answer has no logs.
    pub(crate) forgets_orphans: u64,
}

/// An endpoint of the chain.
pub(crate) struct Endpoint {
    tree: Arc<Mutex<Tree>>,
    dice: Mutex<Dice>,
    faults: Mutex<Faults>,
    /// The branch that a stuck endpoint serves.
    stuck: Mutex<Option<Vec<B256>>>,
    /// Whether it answers no requests.
    is_down: Mutex<bool>,
    /// The largest number of logs or blocks in an answer.
    max_logs: u64,
    max_blocks: u64,
    patience: Duration,
    pub(crate) requests: AtomicU64,
}

impl Endpoint {
    pub(crate) fn new(tree: Arc<Mutex<Tree>>, mut dice: Dice) -> Self {
        Self {
            tree,
            max_logs: dice.pick(&[8, 40, 1_000, 10_000]),
            max_blocks: dice.pick(&[5, 50, 1_000]),
            dice: Mutex::new(dice),
            faults: Mutex::default(),
            stuck: Mutex::default(),
            is_down: Mutex::default(),
            patience: Duration::from_secs(2),
            requests: AtomicU64::new(0),
        }
    }

    /// Sets other limits.
    pub(crate) fn limited_to(self, max_logs: u64, max_blocks: u64) -> Self {
        Self { max_logs, max_blocks, ..self }
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        *self.faults.lock().expect("no panic") = faults;
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        *self.is_down.lock().expect("no panic") = is_down;
    }

    /// Makes the endpoint serve the present chain whatever happens later, or makes it follow the chain again.
    pub(crate) fn set_stuck(&self, is_stuck: bool) {
        let branch = is_stuck.then(|| self.tree().branch.clone());
        *self.stuck.lock().expect("no panic") = branch;
    }

    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().expect("no panic")
    }

    fn falls(&self, once_in: impl Fn(&Faults) -> u64) -> bool {
        let times = once_in(&self.faults.lock().expect("no panic"));
        self.dice.lock().expect("no panic").once_in(times)
    }

    fn draw(&self, bound: u64) -> u64 {
        self.dice.lock().expect("no panic").below(bound)
    }

    fn branch(&self) -> Vec<B256> {
        self.stuck.lock().expect("no panic").clone().unwrap_or_else(|| self.tree().branch.clone())
    }

    /// Waits for the time of an answer, and applies the faults that any request may have.
    async fn travel(&self) -> Result<(), ChainError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_micros(200 + self.draw(20_000))).await;
        if *self.is_down.lock().expect("no panic") {
            return Err(ChainError::Unreachable("connection refused".into()));
        }
        if self.falls(|faults| faults.stalls) {
            sleep(self.patience).await;
            return Err(ChainError::TimedOut { seconds: self.patience.as_secs() });
        }
        if self.falls(|faults| faults.fails) {
            return Err(match self.draw(4) {
                0 => ChainError::Limited,
                1 => ChainError::Unreachable("HTTP 500".into()),
                2 => ChainError::Contradiction("an answer is not of the form that the method promises"),
                _ => ChainError::Refused { method: "eth_any", code: -32_000, message: "try again".into() },
            });
        }
        Ok(())
    }

    fn block(&self, hash: &B256) -> Arc<Block> {
        self.tree().blocks[hash].clone()
    }

    /// Repeats and reorders logs.
    fn shake(&self, mut logs: Vec<Log>) -> Vec<Log> {
        if !logs.is_empty() && self.falls(|faults| faults.odd_logs) {
            let index = usize::try_from(self.draw(logs.len() as u64)).expect("small");
            match self.draw(3) {
                0 => logs.push(logs[index].clone()),
                1 => logs.reverse(),
                _ => logs.rotate_left(index),
            }
        }
        logs
    }

    /// Leaves out logs in such a way that it can be detected; see [`Header::is_explained_by`].
    fn thin(&self, block: &Block, logs: Vec<Log>) -> Vec<Log> {
        let kept: Vec<Log> = match self.draw(3) {
            0 => Vec::new(),
            1 => logs.iter().take(logs.len() / 2).cloned().collect(),
            _ => logs.iter().filter(|_| self.draw(2) == 0).cloned().collect(),
        };
        let addresses = self.tree().addresses.clone();
        if block.header.is_explained_by(&kept, &addresses) { logs } else { kept }
    }
}

#[async_trait]
impl Chain for Endpoint {
    async fn chain_id(&self) -> Result<u64, ChainError> {
        self.travel().await?;
        Ok(31_337)
    }

    async fn head(&self) -> Result<Header, ChainError> {
        self.travel().await?;
        let branch = self.branch();
        let back = if self.falls(|faults| faults.stale_head) { self.draw(12) } else { 0 };
        let index = branch.len().saturating_sub(1 + usize::try_from(back).expect("small"));
        Ok(self.block(&branch[index]).header.clone())
    }

    async fn headers(&self, numbers: &[u64]) -> Result<Vec<Header>, ChainError> {
        self.travel().await?;
        let branch = self.branch();
        let is_missing = self.falls(|faults| faults.missing_blocks);
        numbers
            .iter()
            .map(|number| match branch.get(usize::try_from(*number).expect("small")) {
                Some(hash) if !(is_missing && *number > 0) => Ok(self.block(hash).header.clone()),
                _ => Err(ChainError::Missing(number.to_string())),
            })
            .collect()
    }

    async fn logs_in(&self, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
        self.travel().await?;
        let branch = self.branch();
        if to >= branch.len() as u64 {
            return Err(ChainError::Refused { method: "eth_getLogs", code: -32_602, message: "past the head".into() });
        }
        if to - from + 1 > self.max_blocks {
            return Err(ChainError::TooLarge("block range is too wide".into()));
        }
        let mut logs = Vec::new();
        for number in from..=to {
            let block = self.block(&branch[usize::try_from(number).expect("small")]);
            let mut ours = self.tree().ours(&block);
            if !ours.is_empty() && self.falls(|faults| faults.missing_in_ranges) {
                ours = self.thin(&block, ours);
            }
            logs.extend(ours);
        }
        if logs.len() as u64 > self.max_logs {
            return Err(ChainError::TooLarge("query returned more than so many results".into()));
        }
        Ok(self.shake(logs))
    }

    async fn logs_of(&self, blocks: &[B256]) -> Result<Vec<Vec<Log>>, ChainError> {
        self.travel().await?;
        let branch = self.branch();
        let mut answers = Vec::new();
        for hash in blocks {
            let block = self.block(hash);
            let is_orphan = !branch.contains(hash);
            if is_orphan && self.falls(|faults| faults.forgets_orphans) {
                answers.push(Vec::new());
                continue;
            }
            if is_orphan && self.draw(2) == 0 {
                return Err(ChainError::Refused {
                    method: "eth_getLogs",
                    code: -32_000,
                    message: "unknown block".into(),
                });
            }
            let mut logs = self.tree().ours(&block);
            if logs.len() as u64 > self.max_logs {
                return Err(ChainError::TooLarge("query returned more than so many results".into()));
            }
            if !logs.is_empty() && self.falls(|faults| faults.missing_logs) {
                logs = self.thin(&block, logs);
            }
            answers.push(self.shake(logs));
        }
        Ok(answers)
    }

    async fn receipt_logs(&self, header: &Header) -> Result<Vec<Log>, ChainError> {
        self.travel().await?;
        let block = self.block(&header.hash);
        if !self.branch().contains(&header.hash) && self.draw(2) == 0 {
            return Err(ChainError::Missing(header.number.to_string()));
        }
        let mut logs = block.logs.clone();
        if self.falls(|faults| faults.missing_logs) {
            logs.truncate(logs.len() / 2);
            if indexer::chain::logs_of_receipts(header, logs.clone(), &[]).is_ok() {
                logs = block.logs.clone();
            }
        }
        let addresses = self.tree().addresses.clone();
        logs_of_receipts(header, self.shake(logs), &addresses)
    }
}
