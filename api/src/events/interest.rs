//! Finds the people whom an event of the chain concerns.

use std::collections::BTreeSet;

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, LogData},
};
use contracts::{
    ChainEvent, Terms, access_log::AccessLog::AccessLogEvents, accreditation::Accreditation::AccreditationEvents,
    grant_registry::GrantRegistry::GrantRegistryEvents, key_registry::KeyRegistry::KeyRegistryEvents,
    record_registry::RecordRegistry::RecordRegistryEvents,
};
use mongodb::{
    Collection,
    bson::{Document, doc},
};
use protocol::{
    bodies::{feed::FeedKind, grants::Shelf},
    codes::ScopeKind,
    deployment::{ContractName, Deployment},
    ids::{GrantId, LeafHash, RecordId},
    mirror::{self, EventDoc, RecordDoc},
};

use crate::{
    app::App,
    error::ApiError,
    grants,
    store::{
        feed::FeedEntry,
        received::{self, ReceivedRow},
    },
};

/// Returns the feed entries for one event. The list is empty if the event concerns nobody.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(super) async fn entries(app: &App, event: &EventDoc, decoded: ChainEvent) -> Result<Vec<FeedEntry>, ApiError> {
    let time = event.place.block_time;
    let (kind, subject, people) = match decoded {
        ChainEvent::Record(event) => of_record(app, event).await?,
        ChainEvent::Grant(event) => of_grant(app, event, time).await?,
        ChainEvent::Log(event) => of_log(app, event).await?,
        ChainEvent::Key(event) => of_key(&event),
        ChainEvent::Accreditation(event) => of_accreditation(&event),
    };
    let entry = |person: Person| {
        let entry = FeedEntry::caused_by(&app.at_rest, &event.id, person.address, (kind, &subject), time);
        if person.of_stranger { entry.of_stranger(time) } else { entry }
    };
    let known: BTreeSet<Address> =
        people.iter().filter(|person| !person.of_stranger).map(|person| person.address).collect();
    // A person who is concerned in two ways gets one entry, not counted as caused by a stranger.
    let once = people.into_iter().filter(|person| !(person.of_stranger && known.contains(&person.address)));
    Ok(once.map(entry).collect())
}

/// The kind of an event, its subject, and the people whom it concerns.
type Interest = (FeedKind, String, BTreeSet<Person>);

/// A person whom an event concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Person {
    address: Address,
    /// Whether a stranger caused the event, so that the number of entries is limited.
    of_stranger: bool,
}

impl From<Address> for Person {
    fn from(address: Address) -> Self {
        Self { address, of_stranger: false }
    }
}

/// Returns these addresses as people who have a relation to the event.
fn concerned<const N: usize>(addresses: [Address; N]) -> BTreeSet<Person> {
    addresses.into_iter().map(Person::from).collect()
}

/// Returns the event as the contracts declare it. Returns `None` if it is not one of theirs.
pub(super) fn decode(deployment: &Deployment, event: &EventDoc) -> Option<ChainEvent> {
    const CONTRACTS: [ContractName; 5] = [
        ContractName::Accreditation,
        ContractName::KeyRegistry,
        ContractName::RecordRegistry,
        ContractName::GrantRegistry,
        ContractName::AccessLog,
    ];
    let contract = CONTRACTS.into_iter().find(|name| deployment.address_of(*name) == event.contract)?;
    let topics: Option<Vec<B256>> = event.topics.iter().map(|topic| topic.parse().ok()).collect();
    let log = LogData::new(topics?, event.data.clone())?;
    ChainEvent::decode(contract, &log).ok()
}

async fn of_record(app: &App, event: RecordRegistryEvents) -> Result<Interest, ApiError> {
    let (kind, id, patient, mut people) = match event {
        RecordRegistryEvents::RecordRegistered(registered) => {
            let people = concerned([registered.patient, registered.uploader]);
            (FeedKind::RecordRegistered, registered.id, registered.patient, people)
        }
        RecordRegistryEvents::RecordStatusChanged(changed) => {
            (FeedKind::RecordStatusChanged, changed.id, changed.patient, concerned([changed.patient]))
        }
        RecordRegistryEvents::RecordRetracted(retracted) => {
            let people = concerned([retracted.patient, retracted.uploader]);
            (FeedKind::RecordRetracted, retracted.id, retracted.patient, people)
        }
        _ => return Ok((FeedKind::RecordRegistered, String::new(), BTreeSet::new())),
    };
    let records: Collection<RecordDoc> = app.database.collection(mirror::collection::RECORDS);
    if let Some(record) = records.find_one(doc! { "_id": format!("{id:#x}") }).await? {
        people.insert(record.uploader.into());
    }
    let over_record = doc! { "scope_id": format!("{id:#x}"), "kind": ScopeKind::Record.as_str() };
    let rows = shown(received::of_mirrored(&app.database, &app.at_rest, patient, over_record).await?);
    // Former grantees get no more entries about the record.
    people.extend(people_of(grants::active(app, &rows).await?));
    Ok((kind, RecordId(id).to_string(), people))
}

async fn of_grant(app: &App, event: GrantRegistryEvents, time: u64) -> Result<Interest, ApiError> {
    let (kind, patient, tag, scope_kind, scope_id) = match event {
        GrantRegistryEvents::Granted(granted) => {
            let scope_kind = Terms::from(granted.terms).kind;
            (FeedKind::Granted, granted.patient, granted.tag, scope_kind, granted.scopeId)
        }
        GrantRegistryEvents::Revoked(revoked) => {
            let scope_kind = ScopeKind::from_code(revoked.kind);
            (FeedKind::Revoked, revoked.patient, revoked.tag, scope_kind, revoked.scopeId)
        }
        GrantRegistryEvents::AllRevoked(revoked) => {
            let rows =
                shown(received::of_mirrored(&app.database, &app.at_rest, revoked.patient, Document::new()).await?);
            let ended = grants::mirrored(app, rows.iter().map(|row| row.opened.grant)).await?;
            // Grantees whose grant this event ended, without those whose grant had ended before.
            let stood = |row: &&ReceivedRow| {
                ended.get(&row.opened.grant).is_some_and(|grant| {
                    grant.rights != 0
                        && grant.patient_epoch.saturating_add(1) == revoked.patientEpoch
                        && grant.not_after > time
                })
            };
            let mut people = people_of(rows.iter().filter(stood));
            people.insert(revoked.patient.into());
            return Ok((FeedKind::Revoked, format!("{:#x}", revoked.patient), people));
        }
        _ => return Ok((FeedKind::Granted, String::new(), BTreeSet::new())),
    };
    // The event is about this grant, so its grantee gets an entry in every state of the grant.
    let id = scope_kind.map(|scope_kind| GrantId::derive(patient, tag.into(), scope_kind, scope_id));
    let this: Vec<GrantId> = id.into_iter().collect();
    let mut rows = shown(received::of_grants(&app.database, &app.at_rest, patient, &this).await?.into_values());
    if rows.is_empty() {
        // If this server never received the capsules, another grant under the same tag shows who the grantee is.
        rows = shown(
            received::of_mirrored(&app.database, &app.at_rest, patient, doc! { "tag": format!("{tag:#x}") }).await?,
        );
    }
    let mut people = people_of(&rows);
    people.insert(patient.into());
    Ok((kind, id.map(|id| id.to_string()).unwrap_or_default(), people))
}

async fn of_log(app: &App, event: AccessLogEvents) -> Result<Interest, ApiError> {
    // Anybody may keep a log in this contract. Only the deployment's operator releases keys.
    let accessed = match event {
        AccessLogEvents::Accessed(accessed) if accessed.operator == app.deployment.operator => accessed,
        _ => return Ok((FeedKind::Accessed, String::new(), BTreeSet::new())),
    };
    let record = app.chain_view.find_record(accessed.record.into(), BlockId::latest()).await?;
    let people = record.map(|record| record.patient.into()).into_iter().collect();
    Ok((FeedKind::Accessed, LeafHash(accessed.leaf).to_string(), people))
}

fn of_key(event: &KeyRegistryEvents) -> Interest {
    match event {
        KeyRegistryEvents::KeyRegistered(registered) => {
            (FeedKind::KeyRegistered, format!("{:#x}", registered.keyHash), concerned([registered.owner]))
        }
        _ => (FeedKind::KeyRegistered, String::new(), BTreeSet::new()),
    }
}

fn of_accreditation(event: &AccreditationEvents) -> Interest {
    let (about, people) = match event {
        AccreditationEvents::Accredited(accredited) => {
            (accredited.practitioner, concerned([accredited.practitioner, accredited.accreditor]))
        }
        AccreditationEvents::AccreditationChanged(changed) => {
            (changed.practitioner, concerned([changed.practitioner, changed.accreditor]))
        }
        AccreditationEvents::AccreditorSet(set) => (set.accreditor, concerned([set.accreditor])),
        _ => (Address::ZERO, BTreeSet::new()),
    };
    (FeedKind::AccreditationChanged, format!("{about:#x}"), people)
}

/// Returns the grants that their grantees see: without hidden ones, and without those from people whom the grantee has
/// blocked.
fn shown(grants: impl IntoIterator<Item = ReceivedRow>) -> Vec<ReceivedRow> {
    grants.into_iter().filter(|row| !row.doc.hidden && row.doc.shelf != Shelf::Blocked).collect()
}

/// Returns the grantees of these grants.
fn people_of<'a>(grants: impl IntoIterator<Item = &'a ReceivedRow>) -> BTreeSet<Person> {
    let person =
        |row: &ReceivedRow| Person { address: row.opened.grantee, of_stranger: row.doc.shelf == Shelf::Strangers };
    grants.into_iter().map(person).collect()
}
