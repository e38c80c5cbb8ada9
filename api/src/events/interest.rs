//! Whom an event of the chain concerns.

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
use futures::TryStreamExt;
use mongodb::{
    Collection,
    bson::{Document, doc},
};
use protocol::{
    bodies::feed::FeedKind,
    codes::ScopeKind,
    deployment::{ContractName, Deployment},
    ids::{GrantId, LeafHash, RecordId},
    mirror::{self, EventDoc, RecordDoc},
};

use super::FeedEntry;
use crate::{chain, error::ApiError, grants::BundleDoc, state::App, store::collection};

/// The entries that tell people about one event; none for an event that concerns nobody.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn entries(app: &App, event: &EventDoc, decoded: ChainEvent) -> Result<Vec<FeedEntry>, ApiError> {
    let (kind, subject, people) = match decoded {
        ChainEvent::Record(event) => of_record(app, event).await?,
        ChainEvent::Grant(event) => of_grant(app, event).await?,
        ChainEvent::Log(event) => of_log(app, event).await?,
        ChainEvent::Key(event) => of_key(&event),
        ChainEvent::Accreditation(event) => of_accreditation(&event),
    };
    let time = event.place.block_time;
    Ok(people.into_iter().map(|to| FeedEntry::caused_by(&event.id, to, kind, &subject, time)).collect())
}

/// What happened, to what, and whom it concerns.
type Interest = (FeedKind, String, BTreeSet<Address>);

/// The event as the contracts declare it; `None` for what is none of theirs.
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
            let people = BTreeSet::from([registered.patient, registered.uploader]);
            (FeedKind::RecordRegistered, registered.id, registered.patient, people)
        }
        RecordRegistryEvents::RecordStatusChanged(changed) => {
            (FeedKind::RecordStatusChanged, changed.id, changed.patient, BTreeSet::from([changed.patient]))
        }
        _ => return Ok((FeedKind::RecordRegistered, String::new(), BTreeSet::new())),
    };
    let records: Collection<RecordDoc> = app.database.collection(mirror::collection::RECORDS);
    if let Some(record) = records.find_one(doc! { "_id": format!("{id:#x}") }).await? {
        people.insert(record.uploader);
    }
    let over_record = doc! { "scope_id": format!("{id:#x}"), "kind": ScopeKind::Record.as_str() };
    people.extend(grantees(app, patient, over_record).await?);
    Ok((kind, RecordId(id).to_string(), people))
}

async fn of_grant(app: &App, event: GrantRegistryEvents) -> Result<Interest, ApiError> {
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
            let mut people = grantees(app, revoked.patient, Document::new()).await?;
            people.insert(revoked.patient);
            return Ok((FeedKind::Revoked, format!("{:#x}", revoked.patient), people));
        }
        _ => return Ok((FeedKind::Granted, String::new(), BTreeSet::new())),
    };
    let mut people = grantees(app, patient, doc! { "tag": format!("{tag:#x}") }).await?;
    people.insert(patient);
    let id = scope_kind.map(|scope_kind| GrantId::derive(patient, tag.into(), scope_kind, scope_id));
    Ok((kind, id.map(|id| id.to_string()).unwrap_or_default(), people))
}

async fn of_log(app: &App, event: AccessLogEvents) -> Result<Interest, ApiError> {
    let AccessLogEvents::Accessed(accessed) = event else {
        return Ok((FeedKind::Accessed, String::new(), BTreeSet::new()));
    };
    let record = chain::find_record(app, accessed.record.into(), BlockId::latest()).await?;
    let people = record.map(|record| record.patient).into_iter().collect();
    Ok((FeedKind::Accessed, LeafHash(accessed.leaf).to_string(), people))
}

fn of_key(event: &KeyRegistryEvents) -> Interest {
    match event {
        KeyRegistryEvents::KeyRegistered(registered) => {
            (FeedKind::KeyRegistered, format!("{:#x}", registered.keyHash), BTreeSet::from([registered.owner]))
        }
        _ => (FeedKind::KeyRegistered, String::new(), BTreeSet::new()),
    }
}

fn of_accreditation(event: &AccreditationEvents) -> Interest {
    let (about, people) = match event {
        AccreditationEvents::Accredited(accredited) => {
            (accredited.practitioner, BTreeSet::from([accredited.practitioner, accredited.accreditor]))
        }
        AccreditationEvents::AccreditationChanged(changed) => {
            (changed.practitioner, BTreeSet::from([changed.practitioner, changed.accreditor]))
        }
        AccreditationEvents::AccreditorSet(set) => (set.accreditor, BTreeSet::from([set.accreditor])),
        _ => (Address::ZERO, BTreeSet::new()),
    };
    (FeedKind::AccreditationChanged, format!("{about:#x}"), people)
}

/// The grantees of those bundles of the patient that match. Anybody may have bundles over anybody's records; only the
/// patient's own say who has to do with them.
async fn grantees(app: &App, patient: Address, mut bundles: Document) -> Result<BTreeSet<Address>, ApiError> {
    bundles.insert("patient", format!("{patient:#x}"));
    let collection: Collection<BundleDoc> = app.database.collection(collection::BUNDLES);
    let found: Vec<BundleDoc> = collection.find(bundles).await?.try_collect().await?;
    Ok(found.into_iter().map(|bundle| bundle.grantee).collect())
}
