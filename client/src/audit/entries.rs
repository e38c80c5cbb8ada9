//! Each entry of the server's log, compared with the chain and with the operator's evidence.

use std::collections::{HashMap, HashSet};

use protocol::{
    bodies::log::LogEntry,
    codes::Right,
    ids::{LeafHash, RecordId},
    reads::Leaf,
};

use super::{
    log::{ANCHOR_SECONDS_MAX, is_same},
    permission::Permissions,
    report::{AuditReport, GRACE_SECONDS, LogFinding},
};
use crate::{
    api::ServerError,
    chain::{AnchoredAccess, ChainError},
    client::Client,
    error::{ExitClass, Failure},
    lookup::LookupError,
    progress::{Progress, Step},
    told::concerns_all,
    unlock::Keys,
};

/// The data that every entry is compared with.
pub(super) struct Examination<'a> {
    pub(super) client: &'a Client,
    pub(super) keys: Option<&'a Keys>,
    pub(super) own: &'a HashSet<RecordId>,
    pub(super) anchored: &'a HashMap<LeafHash, AnchoredAccess>,
    pub(super) now: u64,
    pub(super) permissions: Permissions,
}

impl Examination<'_> {
    /// Checks every entry. One that does not hold is a finding, and the next one follows.
    pub(super) async fn check_all(
        mut self,
        told: &[LogEntry],
        report: &mut AuditReport,
        progress: &Progress,
    ) -> Result<(), LookupError> {
        let mut seen = HashSet::new();
        for (done, entry) in told.iter().enumerate() {
            progress.tell(Step::Items { done: done as u64, total: told.len() as u64 });
            if !seen.insert(entry.leaf) {
                report.findings.push(LogFinding::about(entry.leaf, "evidence", "The server tells an entry twice."));
                continue;
            }
            let before = report.findings.len();
            if let Err(error) = self.check(entry, report).await {
                if concerns_all(self.client, &error).await || error.class() == ExitClass::Network {
                    return Err(error);
                }
                report.findings.truncate(before);
                let what = format!("The entry cannot be checked: {error}");
                report.findings.push(LogFinding::about(entry.leaf, "evidence", what));
            }
        }
        Ok(())
    }

    async fn check(&mut self, entry: &LogEntry, report: &mut AuditReport) -> Result<(), LookupError> {
        let access = self.anchored.get(&entry.leaf).copied();
        let evidence = if self.is_owed(entry) { Some(self.client.api()?.evidence(entry.leaf).await) } else { None };
        let leaf = match &evidence {
            Some(Ok(evidence)) => Some(&evidence.leaf),
            _ => None,
        };
        let mut find = |kind, what: &str| report.findings.push(LogFinding::about(entry.leaf, kind, what));

        match access {
            Some(access) if is_same(entry, &access) => report.entries_found += 1,
            Some(_) => find("evidence", "The server describes an entry otherwise than the chain."),
            None if entry.index.is_some() || entry.block_number.is_some() => {
                find("missing_leaf", "The server says that an entry is anchored; it is not on chain.");
            }
            None if self.is_past(entry, leaf) => {
                find("unanchored_entry", "An entry of the server's log is past its time and still not on chain.");
            }
            None => {}
        }

        if let Some(Err(error)) = &evidence {
            if matches!(error, ServerError::Unreachable { .. }) && concerns_all(self.client, error).await {
                return Err(ServerError::unreachable("The server does not answer any more.").into());
            }
            let what =
                format!("The operator does not show the evidence of a read that you may see ({}).", error.code());
            find("withheld_evidence", &what);
        }
        let is_own = self.own.contains(&entry.record);
        if is_own && entry.reader.is_none() && leaf.is_some() {
            find("withheld_evidence", "The server does not say who read one of your records.");
        }

        // The tag on chain stands for one person only, and only the owner's seed says for whom.
        if let Some(keys) = self.keys.filter(|_| is_own)
            && let Some(reader) = entry.reader.or_else(|| leaf.map(|leaf| leaf.request.grantee))
        {
            let (tag, salt) = keys.tag(self.client, reader, Right::Read);
            if tag != entry.tag || leaf.is_some_and(|leaf| leaf.request.salt != salt) {
                find("wrong_reader", "Whoever is said to have read your record does not open the tag of the read.");
            } else {
                report.readers_checked += 1;
            }
        }

        let Some(leaf) = leaf else { return Ok(()) };
        let mut find = |kind, what: &str| report.findings.push(LogFinding::about(entry.leaf, kind, what));
        let says_same = leaf.hash(self.client.deployment()) == entry.leaf
            && leaf.is_promised_in_time()
            && leaf.request.record == entry.record
            && leaf.request.tag() == entry.tag
            && leaf.request.purpose == entry.purpose
            && leaf.time == entry.time
            && entry.version.is_none_or(|version| version == leaf.request.version)
            && entry.reader.is_none_or(|reader| reader == leaf.request.grantee);
        if !says_same {
            find("evidence", "The operator's evidence for an entry does not hash to its leaf, or says something else.");
            return Ok(());
        }
        if !is_signed(self.client, leaf).await? {
            find("evidence", "The reader's signatures in the operator's evidence do not hold.");
            return Ok(());
        }
        report.evidence_checked += 1;
        let asked_at = self.permissions.block_of(self.client, leaf).await?;
        if let Some(access) = access
            && self.permissions.time_of(self.client, access.block_number).await? > leaf.anchor_by
        {
            find("late_anchor", "A read came onto the chain later than its leaf says.");
        }
        if access.is_some_and(|access| access.block_number < asked_at) {
            find("evidence", "The block at which permission was asked is later than the anchor.");
        }
        if self.permissions.stood_at(self.client, leaf, asked_at).await? {
            report.permissions_checked += 1;
        } else {
            find("no_grant", "The operator let somebody read without a permission at the block that it names.");
        }
        Ok(())
    }

    /// Returns whether this person may see what a leaf commits to: the patient of the record, and the reader.
    fn is_owed(&self, entry: &LogEntry) -> bool {
        self.own.contains(&entry.record) || entry.reader == Some(self.client.address())
    }

    fn is_past(&self, entry: &LogEntry, leaf: Option<&Leaf>) -> bool {
        let by = match leaf {
            // The newest block's time may lag behind a clock.
            Some(leaf) => leaf.anchor_by.saturating_add(GRACE_SECONDS),
            None => entry.time.saturating_add(ANCHOR_SECONDS_MAX),
        };
        by < self.now
    }
}

/// Returns whether the reader stood behind a leaf: the wallet signed the login message, which names the session key, which
/// signed the request.
async fn is_signed(client: &Client, leaf: &Leaf) -> Result<bool, ChainError> {
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
