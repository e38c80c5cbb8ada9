//! The access log: reading it, and checking it from the chain alone.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use alloy::primitives::B256;
use protocol::{
    bodies::log::{LogEntry, LogQuery},
    codes::Purpose,
    error_code::ErrorCode,
    ids::{LeafHash, RecordId},
    log::{Frontier, Head},
};
use serde::Serialize;

use crate::{
    chain::{AccessLogEvents, AnchoredAccess},
    client::Client,
    error::{ClientError, Kind},
    progress::{Progress, Step},
    receipts,
};

/// How late after `anchorBy` a receipt becomes evidence: the block's time may lag behind a clock.
const GRACE_SECONDS: u64 = 60;
/// How old an entry of the server's log may be before it must stand on chain.
const ANCHOR_SECONDS_MAX: u64 = 600;

/// How often the server is asked again for a read that it did not tell.
const MIRROR_TRIES: u32 = 5;
const MIRROR_PAUSE: Duration = Duration::from_secs(1);

/// Filters of the log.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// Only reads of this record.
    pub record: Option<RecordId>,
    /// Only reads for this purpose.
    pub purpose: Option<Purpose>,
    /// Only reads from this second on.
    pub from: Option<u64>,
    /// Only reads before this second.
    pub until: Option<u64>,
}

/// The log, newest first: of one's own records and reads; for auditors of all, without readers.
///
/// # Errors
/// What the server refuses.
pub async fn log(client: &Client, filter: &LogFilter) -> Result<Vec<LogEntry>, ClientError> {
    let query = LogQuery {
        record: filter.record.map(|record| record.to_string()),
        purpose: filter.purpose,
        from: filter.from,
        until: filter.until,
        ..LogQuery::default()
    };
    client.api()?.log(&query).await
}

/// One thing that does not hold.
#[derive(Clone, Debug, Serialize)]
pub struct LogFinding {
    /// A stable word: `root`, `head`, `size`, `missing_leaf`, `evidence`, `unlogged_read`, `unanchored_entry`,
    /// `hidden_read`.
    pub kind: &'static str,
    /// One sentence.
    pub what: String,
    /// The leaf it is about, if one.
    pub leaf: Option<LeafHash>,
}

/// What a recomputation found.
#[derive(Clone, Debug, Serialize)]
pub struct AuditReport {
    /// Leaves on chain.
    pub leaves: u64,
    /// Checkpoints on chain, each recomputed.
    pub checkpoints: u64,
    /// RFC 6962 root over all leaves, recomputed, hex.
    pub root: String,
    /// Entries of the server's log that were found on chain.
    pub entries_found: u64,
    /// Leaves whose content the operator showed and that hash to the anchored value.
    pub evidence_checked: u64,
    /// Receipts of this device whose leaf is anchored.
    pub receipts_anchored: u64,
    /// Receipts of this device that still have time.
    pub receipts_waiting: u64,
    /// What does not hold; empty is good.
    pub findings: Vec<LogFinding>,
}

/// Recomputes the operator's whole log from chain events alone, then compares the server's entries, its evidence where
/// this person may see it, and this device's receipts with it.
///
/// # Errors
/// [`Kind::Rpc`]; findings are not errors. Without a session only the chain and this device's receipts are checked.
pub async fn verify(client: &Client, progress: &Progress) -> Result<AuditReport, ClientError> {
    let chain = client.chain();
    chain.verify_deployment().await?;
    // What the server tells comes first: it cannot be ahead of a chain that is read afterwards.
    let told = if client.is_signed_in() { log(client, &LogFilter::default()).await? } else { Vec::new() };
    let events = chain.access_log().await?;
    let stored_head = chain.log_head().await?;
    let now = chain.now().await?;

    let mut report = recompute(&events, stored_head);
    let anchored: HashMap<LeafHash, AnchoredAccess> =
        events.accesses.iter().map(|access| (access.leaf, *access)).collect();
    check_receipts(client, &anchored, now, &mut report)?;
    check_entries(client, &told, &anchored, now, &mut report, progress).await?;
    if client.is_signed_in() {
        report.findings.extend(hidden_reads(client, &told, &events).await?);
    }
    Ok(report)
}

/// Reads of this person's own records that stand on chain and that the server leaves out, also when it is asked again.
async fn hidden_reads(
    client: &Client,
    told: &[LogEntry],
    events: &AccessLogEvents,
) -> Result<Vec<LogFinding>, ClientError> {
    let versions = client.chain().versions_of(client.address()).await?;
    let own: HashSet<RecordId> = versions.iter().map(|version| version.record).collect();
    let mut untold = untold_reads(&own, told, events.accesses.iter().copied());
    // A read may have come in between, and the server's mirror may be a moment behind.
    for _ in 0..MIRROR_TRIES {
        if untold.is_empty() {
            break;
        }
        tokio::time::sleep(MIRROR_PAUSE).await;
        let told = log(client, &LogFilter::default()).await?;
        untold = untold_reads(&own, &told, untold.into_iter());
    }
    let finding = |access: AnchoredAccess| LogFinding {
        kind: "hidden_read",
        what: "Somebody read one of your records, and the server does not tell it.".to_owned(),
        leaf: Some(access.leaf),
    };
    Ok(untold.into_iter().map(finding).collect())
}

fn untold_reads(
    own: &HashSet<RecordId>,
    told: &[LogEntry],
    accesses: impl Iterator<Item = AnchoredAccess>,
) -> Vec<AnchoredAccess> {
    let told: HashSet<LeafHash> = told.iter().map(|entry| entry.leaf).collect();
    accesses.filter(|access| own.contains(&access.record) && !told.contains(&access.leaf)).collect()
}

/// The tree and the chain of heads, from events alone.
fn recompute(events: &AccessLogEvents, stored_head: B256) -> AuditReport {
    let mut findings = Vec::new();
    let mut finding = |kind, what: String| findings.push(LogFinding { kind, what, leaf: None });
    let mut tree = Frontier::default();
    let mut head = Head::EMPTY;
    for (count, anchor) in &events.anchors {
        let from = usize::try_from(tree.size()).unwrap_or(usize::MAX).min(*count);
        tree.extend(events.accesses[from..*count].iter().map(|access| access.leaf));
        if anchor.size != tree.size() {
            finding("size", format!("A checkpoint claims {} leaves, the chain has {}.", anchor.size, tree.size()));
        }
        if anchor.root != tree.root() {
            finding("root", format!("The root of the first {} leaves is not the one that was anchored.", tree.size()));
        }
        head = head.next(anchor.size, anchor.root);
        if anchor.head != head.hash() {
            finding("head", format!("The chain of heads is broken at {} leaves.", anchor.size));
        }
    }
    if head.hash() != stored_head {
        finding("head", "The stored head is not the one that the events give.".to_owned());
    }
    let rest = events.accesses.len() as u64 - tree.size().min(events.accesses.len() as u64);
    if rest > 0 {
        finding("size", format!("{rest} leaves stand on chain without a checkpoint."));
    }
    AuditReport {
        leaves: events.accesses.len() as u64,
        checkpoints: events.anchors.len() as u64,
        root: format!("{:#x}", tree.root()),
        entries_found: 0,
        evidence_checked: 0,
        receipts_anchored: 0,
        receipts_waiting: 0,
        findings,
    }
}

/// A receipt past its time without an `Accessed` for its leaf is evidence against the operator.
fn check_receipts(
    client: &Client,
    anchored: &HashMap<LeafHash, AnchoredAccess>,
    now: u64,
    report: &mut AuditReport,
) -> Result<(), ClientError> {
    for receipt in receipts::all(client.home())? {
        match anchored.get(&receipt.leaf) {
            Some(access) if access.record == receipt.record => report.receipts_anchored += 1,
            Some(_) => report.findings.push(LogFinding {
                kind: "evidence",
                what: "A leaf that was promised for one record stands on chain for another.".to_owned(),
                leaf: Some(receipt.leaf),
            }),
            None if now <= receipt.signed.receipt.anchorBy + GRACE_SECONDS => report.receipts_waiting += 1,
            None => report.findings.push(LogFinding {
                kind: "unlogged_read",
                what: "The operator signed that this read is in the log, and its time has passed without an entry."
                    .to_owned(),
                leaf: Some(receipt.leaf),
            }),
        }
    }
    Ok(())
}

async fn check_entries(
    client: &Client,
    told: &[LogEntry],
    anchored: &HashMap<LeafHash, AnchoredAccess>,
    now: u64,
    report: &mut AuditReport,
    progress: &Progress,
) -> Result<(), ClientError> {
    for (done, entry) in told.iter().enumerate() {
        progress.tell(Step::Items { done: done as u64, total: told.len() as u64 });
        let mut finding =
            |kind, what: &str| report.findings.push(LogFinding { kind, what: what.to_owned(), leaf: Some(entry.leaf) });
        match anchored.get(&entry.leaf) {
            Some(access)
                if access.record == entry.record
                    && access.tag == entry.tag
                    && access.purposes == entry.purpose.bit() =>
            {
                report.entries_found += 1;
            }
            Some(_) => finding("evidence", "The server describes an entry otherwise than the chain."),
            None if entry.index.is_some() => {
                finding("missing_leaf", "The server says that an entry is anchored; it is not on chain.");
            }
            None if entry.time + ANCHOR_SECONDS_MAX < now => {
                finding("unanchored_entry", "An entry of the server's log is old and still not on chain.");
            }
            None => {}
        }
        // Only the patient of the record and the reader may see what a leaf commits to.
        if entry.reader.is_none() {
            continue;
        }
        match client.api()?.evidence(entry.leaf).await {
            Ok(evidence) => {
                let leaf = &evidence.leaf;
                let holds = leaf.hash(client.deployment()) == entry.leaf
                    && leaf.is_promised_in_time()
                    && leaf.request.record == entry.record
                    && leaf.request.tag() == entry.tag
                    && leaf.request.purpose == entry.purpose
                    && Some(leaf.request.grantee) == entry.reader;
                if !holds {
                    report.findings.push(LogFinding {
                        kind: "evidence",
                        what: "The operator's evidence for an entry does not hash to its leaf, or says something else."
                            .to_owned(),
                        leaf: Some(entry.leaf),
                    });
                } else if evidence_is_signed(client, leaf).await? {
                    report.evidence_checked += 1;
                } else {
                    report.findings.push(LogFinding {
                        kind: "evidence",
                        what: "The reader's signatures in the operator's evidence do not hold.".to_owned(),
                        leaf: Some(entry.leaf),
                    });
                }
            }
            Err(error) if matches!(error.kind(), Kind::Server(ErrorCode::NotFound | ErrorCode::Forbidden)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether the reader stood behind a leaf: the wallet signed the login message, which names the session key, which
/// signed the request.
async fn evidence_is_signed(client: &Client, leaf: &protocol::reads::Leaf) -> Result<bool, ClientError> {
    use sha2::{Digest, Sha256};
    let message = &leaf.login_message;
    let key = message
        .lines()
        .last()
        .and_then(|line| line.strip_prefix("- "))
        .and_then(protocol::session::parse_session_resource);
    let Some(key) = key else { return Ok(false) };
    let names_login = leaf.request.login_hash.as_slice() == Sha256::digest(message.as_bytes()).as_slice();
    let is_requested = protocol::session::verify_session_signature(
        &key,
        &leaf.request.signed_bytes(client.deployment()),
        &leaf.signature,
    );
    let hash = alloy::primitives::eip191_hash_message(message);
    let names_reader = message.lines().nth(1) == Some(leaf.request.grantee.to_checksum(None).as_str());
    Ok(names_login
        && is_requested
        && names_reader
        && client.chain().signed_by(leaf.request.grantee, hash, &leaf.login_signature).await?)
}

#[cfg(test)]
mod tests {
    use protocol::{ids::Tag, log::root};

    use super::*;
    use crate::chain::Anchor;

    fn entry(leaf: LeafHash) -> LogEntry {
        LogEntry {
            index: None,
            leaf,
            record: RecordId(B256::repeat_byte(1)),
            version: None,
            tag: Tag(B256::repeat_byte(2)),
            purpose: Purpose::Treatment,
            reader: None,
            time: 0,
            block_number: None,
            tx_hash: None,
        }
    }

    fn access(number: u8) -> AnchoredAccess {
        AnchoredAccess {
            record: RecordId(B256::repeat_byte(1)),
            tag: Tag(B256::repeat_byte(2)),
            purposes: 1,
            leaf: LeafHash(B256::repeat_byte(number)),
        }
    }

    /// Five leaves in two checkpoints, as an honest operator anchors them.
    fn honest() -> (AccessLogEvents, B256) {
        let accesses: Vec<_> = (1..=5).map(access).collect();
        let leaves: Vec<_> = accesses.iter().map(|access| access.leaf).collect();
        let first = Head::EMPTY.next(2, root(&leaves[..2]));
        let second = first.next(5, root(&leaves));
        let anchor = |head: Head| Anchor { size: head.size, root: head.root, head: head.hash(), block_number: 1 };
        let anchors = vec![(2, anchor(first)), (5, anchor(second))];
        (AccessLogEvents { accesses, anchors, head_block: 1 }, second.hash())
    }

    #[test]
    fn an_honest_log_has_no_findings() {
        let (events, head) = honest();
        let report = recompute(&events, head);
        assert!(report.findings.is_empty(), "{:?}", report.findings);
        assert_eq!((report.leaves, report.checkpoints), (5, 2));
        assert!(recompute(&AccessLogEvents::default(), B256::ZERO).findings.is_empty());
    }

    #[test]
    fn a_read_of_an_own_record_that_the_server_leaves_out_is_found() {
        let (events, _) = honest();
        let own = HashSet::from([RecordId(B256::repeat_byte(1))]);
        let all = || events.accesses.iter().copied();
        assert_eq!(untold_reads(&own, &[], all()).len(), 5);
        let told = events.accesses[..4].iter().map(|access| entry(access.leaf)).collect::<Vec<_>>();
        assert_eq!(untold_reads(&own, &told, all()), events.accesses[4..]);
        assert!(untold_reads(&HashSet::new(), &[], all()).is_empty(), "other people's records");
    }

    #[test]
    fn every_change_of_history_is_found() {
        let kinds = |events: &AccessLogEvents, head| {
            recompute(events, head).findings.into_iter().map(|finding| finding.kind).collect::<Vec<_>>()
        };
        let (mut events, head) = honest();
        events.accesses[0] = access(9);
        assert_eq!(kinds(&events, head), ["root", "root"]);
        let (mut events, head) = honest();
        events.anchors[1].1.root = B256::ZERO;
        assert_eq!(kinds(&events, head), ["root", "head", "head"]);
        let (mut events, head) = honest();
        events.accesses.push(access(6));
        assert_eq!(kinds(&events, head), ["size"]);
        let (mut events, head) = honest();
        events.anchors.remove(0);
        assert!(kinds(&events, head).contains(&"head"));
        let (events, _) = honest();
        assert_eq!(kinds(&events, B256::ZERO), ["head"]);
    }
}
