//! Whether a permission stood at a block, from the chain's events up to it: no archive of old states is needed.

use std::collections::{HashMap, hash_map::Entry};

use alloy::primitives::{Address, B256};
use protocol::{
    codes::{Purpose, RecordStatus, Right, ScopeKind},
    grants::{self, scopes_of},
    ids::{RecordId, Tag},
    reads::Leaf,
};

use crate::{
    chain::{AccreditationEvent, ChainError, GrantEvent, RecordHistory},
    client::Client,
};

/// Histories that were read, each once.
#[derive(Default)]
pub(super) struct Permissions {
    blocks: HashMap<B256, u64>,
    times: HashMap<u64, u64>,
    records: HashMap<RecordId, Option<RecordHistory>>,
    grants: HashMap<Address, Vec<(u64, GrantEvent)>>,
    practitioners: HashMap<Address, Vec<(u64, AccreditationEvent)>>,
}

impl Permissions {
    /// The number of the block at which permission was asked. Where a reorganisation has taken it, the newest block whose
    /// time is not after the leaf's.
    pub(super) async fn block_of(&mut self, client: &Client, leaf: &Leaf) -> Result<u64, ChainError> {
        if let Some(number) = self.blocks.get(&leaf.block_hash) {
            return Ok(*number);
        }
        let number = match client.chain().find_block(leaf.block_hash).await? {
            Some(block) => block.number,
            None => client.chain().block_not_after(leaf.time).await?,
        };
        self.blocks.insert(leaf.block_hash, number);
        Ok(number)
    }

    /// The time of a block.
    pub(super) async fn time_of(&mut self, client: &Client, block: u64) -> Result<u64, ChainError> {
        if let Some(time) = self.times.get(&block) {
            return Ok(*time);
        }
        let time = client.chain().block_time(block).await?;
        self.times.insert(block, time);
        Ok(time)
    }

    /// Returns whether the reader of a leaf was permitted at the end of a block.
    pub(super) async fn stood_at(&mut self, client: &Client, leaf: &Leaf, block: u64) -> Result<bool, ChainError> {
        let request = &leaf.request;
        let record = match self.records.entry(request.record) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(client.chain().record_history(request.record).await?),
        };
        let Some(record) = record else { return Ok(false) };
        let grants = match self.grants.entry(record.patient) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(client.chain().grant_events(record.patient).await?),
        };
        let asked = Asked { tag: request.tag(), record: request.record, purpose: request.purpose, time: leaf.time };
        if !is_registered(record, request.version, block) || !is_granted(record, grants, &asked, block) {
            return Ok(false);
        }
        if !request.purpose.needs_accreditation() {
            return Ok(true);
        }
        let practitioner = match self.practitioners.entry(request.grantee) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(client.chain().accreditation_events(request.grantee).await?),
        };
        Ok(is_accredited(practitioner, leaf.time, block))
    }
}

/// The question whether a read was permitted.
struct Asked {
    tag: Tag,
    record: RecordId,
    purpose: Purpose,
    time: u64,
}

/// Returns whether the version was registered, and the record not withdrawn.
fn is_registered(record: &RecordHistory, version: u16, block: u64) -> bool {
    let status = record.statuses.iter().rev().find(|(at, _)| *at <= block).map(|(_, status)| *status);
    record.versions.iter().any(|(at, registered)| *registered == version && *at <= block)
        && status != Some(RecordStatus::Tombstoned)
}

fn is_granted(record: &RecordHistory, events: &[(u64, GrantEvent)], asked: &Asked, block: u64) -> bool {
    let until = || events.iter().rev().filter(|(at, _)| *at <= block).map(|(_, event)| event);
    let patient_epoch = until()
        .find_map(|event| match event {
            GrantEvent::AllRevoked { patient_epoch } => Some(*patient_epoch),
            _ => None,
        })
        .unwrap_or_default();
    let question = grants::Asked { right: Right::Read, purpose: Some(asked.purpose), patient_epoch, time: asked.time };
    let stands = |(kind, id): (ScopeKind, B256)| {
        let last = until().find_map(|event| match event {
            GrantEvent::Granted { tag, scope_id, terms } => {
                (*tag == asked.tag && *scope_id == id && terms.kind == Some(kind)).then_some(Some(terms))
            }
            GrantEvent::Revoked { tag, kind: ended, scope_id } => {
                (*tag == asked.tag && *scope_id == id && *ended == Some(kind)).then_some(None)
            }
            GrantEvent::AllRevoked { .. } => None,
        });
        last.flatten().is_some_and(|terms| terms.permits(&question))
    };
    scopes_of(asked.record, record.category).into_iter().any(stands)
}

/// Returns whether somebody vouched for the reader: the last accreditation, not suspended since, by an accreditor who is
/// active and was not removed in between.
fn is_accredited(events: &[(u64, AccreditationEvent)], time: u64, block: u64) -> bool {
    let until: Vec<&AccreditationEvent> =
        events.iter().take_while(|(at, _)| *at <= block).map(|(_, event)| event).collect();
    let last = until.iter().rposition(|event| matches!(event, AccreditationEvent::Accredited { .. }));
    let Some(last) = last else { return false };
    let AccreditationEvent::Accredited { accreditor, valid_from, valid_until } = until[last] else { return false };
    let set_before = |events: &[&AccreditationEvent]| {
        events.iter().rev().find_map(|event| match event {
            AccreditationEvent::AccreditorSet { accreditor: whose, active, epoch } if whose == accreditor => {
                Some((*active, *epoch))
            }
            _ => None,
        })
    };
    let suspended = until[last..].iter().any(|event| matches!(event, AccreditationEvent::Suspended));
    let (then, now) = (set_before(&until[..last]), set_before(&until));
    !suspended
        && (*valid_from..*valid_until).contains(&time)
        && now.is_some_and(|(active, _)| active)
        && then.map(|(_, epoch)| epoch) == now.map(|(_, epoch)| epoch)
}

#[cfg(test)]
mod tests {
    use protocol::{codes::Category, grants::Terms};

    use super::*;

    const RECORD: RecordId = RecordId(B256::repeat_byte(7));
    const TAG: Tag = Tag(B256::repeat_byte(8));

    fn record() -> RecordHistory {
        RecordHistory {
            patient: Address::repeat_byte(1),
            category: 1,
            versions: vec![(10, 1), (40, 2)],
            statuses: vec![
                (50, RecordStatus::Superseded),
                (60, RecordStatus::Tombstoned),
                (70, RecordStatus::Superseded),
            ],
        }
    }

    fn granted(kind: ScopeKind, scope_id: B256, patient_epoch: u32) -> GrantEvent {
        let terms = Terms {
            not_before: 100,
            not_after: 200,
            epoch: 1,
            patient_epoch,
            purposes: Purpose::Treatment.bit(),
            rights: Right::Read.bit(),
            kind: Some(kind),
        };
        GrantEvent::Granted { tag: TAG, scope_id, terms }
    }

    fn revoked(kind: ScopeKind, scope_id: B256) -> GrantEvent {
        GrantEvent::Revoked { tag: TAG, kind: Some(kind), scope_id }
    }

    fn asked(purpose: Purpose, time: u64) -> Asked {
        Asked { tag: TAG, record: RECORD, purpose, time }
    }

    #[test]
    fn a_grant_stands_from_its_block_to_that_of_its_end() {
        let over_all = granted(ScopeKind::All, B256::ZERO, 0);
        let events = [
            (20, granted(ScopeKind::Record, RECORD.0, 0)),
            (30, revoked(ScopeKind::Record, RECORD.0)),
            (35, over_all),
            (36, GrantEvent::AllRevoked { patient_epoch: 1 }),
            (37, granted(ScopeKind::Category, Category::Laboratory.scope_id(), 1)),
        ];
        let at = |block| is_granted(&record(), &events, &asked(Purpose::Treatment, 150), block);
        assert_eq!([19, 20, 29, 30, 34].map(at), [false, true, true, false, false]);
        assert_eq!([35, 36, 37, 99].map(at), [true, false, true, true]);
        let other = |asked: &Asked| is_granted(&record(), &events, asked, 25);
        assert!(!other(&asked(Purpose::Research, 150)), "another purpose");
        assert!(
            !other(&asked(Purpose::Treatment, 99)) && !other(&asked(Purpose::Treatment, 200)),
            "outside the period"
        );
        assert!(!other(&Asked { tag: Tag(B256::ZERO), ..asked(Purpose::Treatment, 150) }), "somebody else");
        assert!(!other(&Asked { record: RecordId(B256::ZERO), ..asked(Purpose::Treatment, 150) }), "another record");
    }

    #[test]
    fn a_grant_signed_before_everything_ended_does_not_count() {
        let events = [(5, GrantEvent::AllRevoked { patient_epoch: 1 }), (20, granted(ScopeKind::Record, RECORD.0, 0))];
        assert!(!is_granted(&record(), &events, &asked(Purpose::Treatment, 150), 30));
    }

    #[test]
    fn a_version_counts_from_its_block_and_not_while_the_record_is_withdrawn() {
        let at = |version, block| is_registered(&record(), version, block);
        assert_eq!([(1, 9), (1, 10), (2, 39), (2, 40)].map(|(v, b)| at(v, b)), [false, true, false, true]);
        assert_eq!([50, 60, 70].map(|block| at(1, block)), [true, false, true]);
    }

    #[test]
    fn an_accreditation_ends_with_its_suspension_and_with_its_accreditor() {
        let accreditor = Address::repeat_byte(3);
        let set = |active, epoch| AccreditationEvent::AccreditorSet { accreditor, active, epoch };
        let accredited = || AccreditationEvent::Accredited { accreditor, valid_from: 100, valid_until: 200 };
        let events = [
            (1, set(true, 1)),
            (2, accredited()),
            (3, AccreditationEvent::Suspended),
            (4, accredited()),
            (5, set(false, 2)),
            (6, set(true, 3)),
            (7, accredited()),
        ];
        let at = |block| is_accredited(&events, 150, block);
        assert_eq!([1, 2, 3, 4, 5, 6, 7].map(at), [false, true, false, true, false, false, true]);
        assert!(!is_accredited(&events, 200, 7) && !is_accredited(&events, 99, 7), "outside the period");
        assert!(!is_accredited(&[(2, accredited())], 150, 9), "nobody named that accreditor");
    }
}
