//! The log as a person sees it: the server's entries, each compared with the chain, and the reads of the person's own
//! records that the server leaves out, added from the chain.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use protocol::{
    bodies::log::LogEntry,
    codes::{Purpose, Right},
    ids::{LeafHash, RecordId},
};
use serde::Serialize;

use super::log::{ANCHOR_SECONDS_MAX, LogFilter, is_same, log, own_records};
use crate::{
    chain::{AnchoredAccess, ChainError},
    client::Client,
    lookup::LookupError,
    unlock::Keys,
};

/// The number of times that the server is asked again for a read that it left out.
const MIRROR_TRIES: u32 = 5;
const MIRROR_PAUSE: Duration = Duration::from_secs(1);

/// How an entry relates to the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnChain {
    /// The chain has this very entry.
    Anchored,
    /// Not on chain yet, and it need not be.
    Waiting,
    /// The server should have anchored it by now.
    Overdue,
    /// The server says that it is anchored, and the chain does not have it.
    Invented,
    /// The chain has it, with another record, reader's tag or purpose.
    Altered,
    /// The chain has it, and the server does not tell it.
    Hidden,
}

impl OnChain {
    /// Returns whether it contradicts the server.
    #[must_use]
    pub const fn is_wrong(self) -> bool {
        !matches!(self, Self::Anchored | Self::Waiting)
    }
}

/// The result of checking the reader of an entry with the owner's seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The reader opens the tag of the read.
    Checked,
    /// Somebody else opens it.
    Wrong,
    /// The server does not say who read a record of this person's own.
    Withheld,
    /// Somebody else's record, or the keys are not open.
    NotChecked,
}

/// One read, as the server tells it, with the results of checking it.
#[derive(Clone, Debug, Serialize)]
pub struct ListedRead {
    /// The server's entry, or the chain's where the server leaves it out.
    #[serde(flatten)]
    pub entry: LogEntry,
    /// How it relates to the chain.
    pub on_chain: OnChain,
    /// The result of checking its reader.
    pub who: Who,
}

impl ListedRead {
    /// Returns whether something about it does not hold.
    #[must_use]
    pub const fn is_wrong(&self) -> bool {
        self.on_chain.is_wrong() || matches!(self.who, Who::Wrong | Who::Withheld)
    }
}

/// The log of one's own records and reads, newest first, compared with the chain; with keys also the reader of each own
/// record's entry.
///
/// # Errors
/// [`LookupError`].
pub async fn listed(client: &Client, keys: Option<&Keys>, filter: &LogFilter) -> Result<Vec<ListedRead>, LookupError> {
    let chain = client.chain();
    chain.verify_deployment().await?;
    // The server is asked first: it cannot be ahead of a chain that is read afterwards.
    let told = log(client, filter).await?;
    let own = own_records(client).await?;
    let records: HashSet<RecordId> = own.iter().copied().chain(told.iter().map(|entry| entry.record)).collect();
    let accesses = chain.accesses_of(&records).await?;
    let anchored: HashMap<LeafHash, AnchoredAccess> = accesses.iter().map(|access| (access.leaf, *access)).collect();
    let now = chain.now().await?;

    let mut seen = HashSet::new();
    let mut reads: Vec<ListedRead> = told
        .iter()
        .map(|entry| {
            let on_chain = match anchored.get(&entry.leaf) {
                // The same leaf again would be a read that never was.
                _ if !seen.insert(entry.leaf) => OnChain::Invented,
                Some(access) if is_same(entry, access) => OnChain::Anchored,
                Some(_) => OnChain::Altered,
                None if entry.index.is_some() || entry.block_number.is_some() => OnChain::Invented,
                None if entry.time.saturating_add(ANCHOR_SECONDS_MAX) < now => OnChain::Overdue,
                None => OnChain::Waiting,
            };
            ListedRead { who: who(client, keys, &own, entry), on_chain, entry: entry.clone() }
        })
        .collect();
    for access in untold(client, &own, &told, &accesses).await? {
        let entry = from_chain(client, &access).await?;
        if is_wanted(filter, &entry) {
            reads.push(ListedRead { entry, on_chain: OnChain::Hidden, who: Who::Withheld });
        }
    }
    reads.sort_by_key(|read| std::cmp::Reverse(read.entry.time));
    Ok(reads)
}

fn who(client: &Client, keys: Option<&Keys>, own: &HashSet<RecordId>, entry: &LogEntry) -> Who {
    match (entry.reader, keys) {
        _ if !own.contains(&entry.record) => Who::NotChecked,
        (None, _) => Who::Withheld,
        (Some(_), None) => Who::NotChecked,
        (Some(reader), Some(keys)) if keys.tag(client, reader, Right::Read).0 == entry.tag => Who::Checked,
        (Some(_), Some(_)) => Who::Wrong,
    }
}

/// An entry as the chain alone tells it.
async fn from_chain(client: &Client, access: &AnchoredAccess) -> Result<LogEntry, ChainError> {
    Ok(LogEntry {
        index: None,
        leaf: access.leaf,
        record: access.record,
        version: None,
        tag: access.tag,
        purpose: Purpose::from_mask(access.purposes).first().copied().unwrap_or(Purpose::Treatment),
        reader: None,
        time: client.chain().block_time(access.block_number).await?,
        block_number: Some(access.block_number),
        tx_hash: Some(access.tx_hash),
    })
}

fn is_wanted(filter: &LogFilter, entry: &LogEntry) -> bool {
    filter.record.is_none_or(|record| record == entry.record)
        && filter.purpose.is_none_or(|purpose| purpose == entry.purpose)
        && filter.from.is_none_or(|from| entry.time >= from)
        && filter.until.is_none_or(|until| entry.time < until)
}

/// Reads of this person's own records that stand on chain and that the server leaves out, also when it is asked again.
pub(super) async fn untold(
    client: &Client,
    own: &HashSet<RecordId>,
    told: &[LogEntry],
    accesses: &[AnchoredAccess],
) -> Result<Vec<AnchoredAccess>, LookupError> {
    let mut untold = untold_of(own, told, accesses.iter().copied());
    // Filters leave entries out, a read may have come in between, and the server's mirror may be a moment behind.
    for _ in 0..MIRROR_TRIES {
        if untold.is_empty() {
            break;
        }
        let told = log(client, &LogFilter::default()).await?;
        untold = untold_of(own, &told, untold.into_iter());
        if !untold.is_empty() {
            tokio::time::sleep(MIRROR_PAUSE).await;
        }
    }
    Ok(untold)
}

fn untold_of(
    own: &HashSet<RecordId>,
    told: &[LogEntry],
    accesses: impl Iterator<Item = AnchoredAccess>,
) -> Vec<AnchoredAccess> {
    let told: HashSet<LeafHash> = told.iter().map(|entry| entry.leaf).collect();
    accesses.filter(|access| own.contains(&access.record) && !told.contains(&access.leaf)).collect()
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;
    use protocol::ids::Tag;

    use super::*;

    fn access(number: u8) -> AnchoredAccess {
        AnchoredAccess {
            record: RecordId(B256::repeat_byte(1)),
            tag: Tag(B256::repeat_byte(2)),
            purposes: 1,
            leaf: LeafHash(B256::repeat_byte(number)),
            block_number: 1,
            tx_hash: B256::ZERO,
        }
    }

    fn entry(access: &AnchoredAccess) -> LogEntry {
        LogEntry {
            index: None,
            leaf: access.leaf,
            record: access.record,
            version: None,
            tag: access.tag,
            purpose: Purpose::Treatment,
            reader: None,
            time: 0,
            block_number: None,
            tx_hash: None,
        }
    }

    #[test]
    fn a_read_of_an_own_record_that_the_server_leaves_out_is_found() {
        let accesses: Vec<_> = (1..=5).map(access).collect();
        let own = HashSet::from([RecordId(B256::repeat_byte(1))]);
        let all = || accesses.iter().copied();
        assert_eq!(untold_of(&own, &[], all()).len(), 5);
        let told = accesses[..4].iter().map(entry).collect::<Vec<_>>();
        assert_eq!(untold_of(&own, &told, all()), accesses[4..]);
        assert!(untold_of(&HashSet::new(), &[], all()).is_empty(), "other people's records");
    }

    #[test]
    fn an_entry_that_says_something_else_than_the_chain_is_not_the_same() {
        let access = access(1);
        assert!(is_same(&entry(&access), &access));
        assert!(!is_same(&LogEntry { purpose: Purpose::Research, ..entry(&access) }, &access));
        assert!(!is_same(&LogEntry { tag: Tag(B256::ZERO), ..entry(&access) }, &access));
        assert!(!is_same(&LogEntry { record: RecordId(B256::ZERO), ..entry(&access) }, &access));
    }
}
