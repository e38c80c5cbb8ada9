//! The tree and the chain of heads, recomputed from the chain's events alone.

use alloy::primitives::B256;
use protocol::log::{Frontier, Head};

use super::report::{AuditReport, LogFinding};
use crate::chain::AccessLogEvents;

/// The tree and the chain of heads, from events alone.
pub(super) fn recompute(events: &AccessLogEvents, stored_head: B256) -> AuditReport {
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
        readers_checked: 0,
        permissions_checked: 0,
        receipts_anchored: 0,
        receipts_waiting: 0,
        findings,
    }
}

#[cfg(test)]
mod tests {
    use protocol::{
        ids::{LeafHash, RecordId, Tag},
        log::root,
    };

    use super::*;
    use crate::chain::{Anchor, AnchoredAccess};

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
