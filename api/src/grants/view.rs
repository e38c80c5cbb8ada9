//! Grants as people may see them: the mirror's view, joined with the capsules and salts that this server keeps.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256};
use futures::TryStreamExt;
use mongodb::{
    Collection,
    bson::{Document, doc},
};
use protocol::{
    bodies::{
        Page,
        grants::{GrantQuery, GrantSide, GrantState, GrantView},
    },
    codes::{Purpose, Right, ScopeKind},
    ids::{GrantId, RecordId},
    mirror::{self, CursorDoc, GrantDoc, PatientDoc, RecordDoc},
};

use super::bundle_doc::{BundleDoc, bundle_id};
use crate::{caller::Caller, error::ApiError, extract::page_limit, relay::Revocations, state::App, store::collection};

/// A scope that somebody may read now, as far as the mirror knows. For lists only, never for permission.
pub(crate) struct ReadScope {
    /// Whose records.
    pub(crate) patient: Address,
    /// What it covers.
    pub(crate) kind: ScopeKind,
    /// Record id, category or zero.
    pub(crate) scope_id: B256,
}

impl ReadScope {
    /// Whether the record lies in it.
    pub(crate) fn covers(&self, record: &RecordDoc) -> bool {
        self.patient == record.patient
            && match self.kind {
                ScopeKind::Record => self.scope_id == record.id.0,
                ScopeKind::Category => self.scope_id == B256::left_padding_from(&record.category.to_be_bytes()),
                ScopeKind::All => true,
            }
    }
}

/// The scopes that `grantee` may read now, of the grants that this server was told about.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn read_scopes(app: &App, grantee: Address) -> Result<Vec<ReadScope>, ApiError> {
    /// Of a bundle, whose capsules may be many, only the grant.
    #[derive(serde::Deserialize)]
    struct Received {
        grant: GrantId,
    }
    let bundles: Collection<Received> = app.database.collection(collection::BUNDLES);
    let received: Vec<Received> = bundles
        .find(doc! { "grantee": format!("{grantee:#x}"), "right": Right::Read.as_str() })
        .projection(doc! { "grant": 1 })
        .await?
        .try_collect()
        .await?;
    let grants = mirrored(app, received.iter().map(|bundle| bundle.grant).collect()).await?;
    let views = Standings::of(app, grants.values()).await?;
    Ok(grants
        .values()
        .filter(|grant| grant.rights & Right::Read.bit() != 0 && views.state(app, grant) == GrantState::Active)
        .map(|grant| ReadScope { patient: grant.patient, kind: grant.kind, scope_id: grant.scope_id })
        .collect())
}

/// One page of grants given or received.
pub(super) async fn list(app: &App, caller: &Caller, query: &GrantQuery) -> Result<Page<GrantView>, ApiError> {
    let limit = page_limit(query.limit)?;
    let record = query
        .record
        .as_deref()
        .map(|text| text.parse::<RecordId>().map_err(|_| ApiError::invalid("record is not a record id")))
        .transpose()?;
    let after = query.cursor.as_deref().map(Cursor::parse).transpose()?;
    match query.side.unwrap_or(GrantSide::Given) {
        GrantSide::Given => given(app, caller.address, record, after, limit).await,
        GrantSide::Received => received(app, caller.address, record, after, limit).await,
    }
}

/// Where a page ends: a time or block number, and the id of its last item.
struct Cursor {
    at: i64,
    id: String,
}

impl Cursor {
    fn parse(text: &str) -> Result<Self, ApiError> {
        let invalid = || ApiError::invalid("cursor is not one that this server gave");
        let (at, id) = text.split_once(':').ok_or_else(invalid)?;
        let is_id = id.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'x' | b':'));
        if !is_id {
            return Err(invalid());
        }
        Ok(Self { at: at.parse().map_err(|_| invalid())?, id: id.to_owned() })
    }

    /// Matches what comes after it, newest first.
    fn filter(&self, field: &str) -> Document {
        doc! { "$or": [{ field: { "$lt": self.at } }, { field: self.at, "_id": { "$lt": &self.id } }] }
    }
}

async fn given(
    app: &App,
    patient: Address,
    record: Option<RecordId>,
    after: Option<Cursor>,
    limit: u32,
) -> Result<Page<GrantView>, ApiError> {
    const AT: &str = "place.block_number";
    let mut all = vec![doc! { "patient": format!("{patient:#x}") }];
    all.extend(record.map(|record| doc! { "kind": ScopeKind::Record.as_str(), "scope_id": record.to_string() }));
    all.extend(after.map(|cursor| cursor.filter(AT)));
    let grants: Collection<GrantDoc> = app.database.collection(mirror::collection::GRANTS);
    let found = grants.find(doc! { "$and": all }).sort(doc! { AT: -1, "_id": -1 }).limit(i64::from(limit) + 1).await?;
    let mut found: Vec<GrantDoc> = found.try_collect().await?;
    let next =
        cut(&mut found, limit).then(|| found.last().map(|last| format!("{}:{}", last.place.block_number, last.id)));
    let (bundles, standings) = tokio::join!(bundles_of(app, &found), Standings::of(app, found.iter()));
    let (mut bundles, standings) = (bundles?, standings?);
    let items = found.into_iter().map(|grant| {
        let bundle = bundles.remove(&grant.id);
        standings.view(app, grant, bundle)
    });
    Ok(Page { items: items.collect(), next: next.flatten() })
}

/// The bundle of each grant: that of its present epoch, else the newest that was mined, which still names the grantee.
async fn bundles_of(app: &App, grants: &[GrantDoc]) -> Result<BTreeMap<GrantId, BundleDoc>, ApiError> {
    let bundles: Collection<BundleDoc> = app.database.collection(collection::BUNDLES);
    let find = async |filter: Document| -> Result<Vec<BundleDoc>, ApiError> {
        Ok(bundles.find(filter).await?.try_collect().await?)
    };
    // A grant that is renewed over and over has many bundles; one is wanted.
    let present: Vec<String> = grants.iter().map(|grant| bundle_id(grant.id, grant.epoch)).collect();
    let mut found: BTreeMap<GrantId, BundleDoc> =
        find(doc! { "_id": { "$in": present } }).await?.into_iter().map(|bundle| (bundle.grant, bundle)).collect();
    let epochs: BTreeMap<GrantId, i64> = grants
        .iter()
        .filter(|grant| !found.contains_key(&grant.id))
        .map(|grant| (grant.id, grant.epoch.into()))
        .collect();
    if epochs.is_empty() {
        return Ok(found);
    }
    let without: Vec<String> = epochs.keys().map(ToString::to_string).collect();
    let earlier = find(doc! { "grant": { "$in": without } }).await?;
    let mined =
        earlier.into_iter().filter(|bundle| epochs.get(&bundle.grant).is_some_and(|epoch| bundle.epoch <= *epoch));
    // A later one wins.
    found.extend(mined.map(|bundle| (bundle.grant, bundle)));
    Ok(found)
}

async fn received(
    app: &App,
    grantee: Address,
    record: Option<RecordId>,
    mut after: Option<Cursor>,
    limit: u32,
) -> Result<Page<GrantView>, ApiError> {
    let bundles: Collection<BundleDoc> = app.database.collection(collection::BUNDLES);
    loop {
        let mut all = vec![doc! { "grantee": format!("{grantee:#x}") }];
        all.extend(record.map(|record| doc! { "kind": ScopeKind::Record.as_str(), "scope_id": record.to_string() }));
        all.extend(after.as_ref().map(|cursor| cursor.filter("stored_at")));
        let newest_first = doc! { "stored_at": -1, "_id": -1 };
        let found = bundles.find(doc! { "$and": all }).sort(newest_first).limit(i64::from(limit) + 1).await?;
        let mut found: Vec<BundleDoc> = found.try_collect().await?;
        let has_more = cut(&mut found, limit);
        let next = found.last().filter(|_| has_more).map(|last| format!("{}:{}", last.stored_at, last.id));
        let mut grants = mirrored(app, found.iter().map(|bundle| bundle.grant).collect()).await?;
        // Of a renewed grant only the bundle of its present epoch counts; what was never mined is not there at all.
        // Once revoked, the epoch is past every bundle: the newest bundle then stands for the grant.
        let mut newest: BTreeMap<GrantId, i64> = BTreeMap::new();
        for bundle in &found {
            let is_mined = grants.get(&bundle.grant).is_some_and(|grant| i64::from(grant.epoch) >= bundle.epoch);
            if is_mined {
                let epoch = newest.entry(bundle.grant).or_insert(bundle.epoch);
                *epoch = (*epoch).max(bundle.epoch);
            }
        }
        let standings = Standings::of(app, grants.values()).await?;
        let mut items = Vec::with_capacity(found.len());
        for bundle in found {
            if newest.get(&bundle.grant) == Some(&bundle.epoch)
                && let Some(grant) = grants.remove(&bundle.grant)
            {
                items.push(standings.view(app, grant, Some(bundle)));
            }
        }
        match next {
            // A page of nothing but unmined grants must not look like the end.
            Some(next) if items.is_empty() => after = Some(Cursor::parse(&next)?),
            next => return Ok(Page { items, next }),
        }
    }
}

/// Cuts the extra item off that shows whether there is a further page.
fn cut<T>(found: &mut Vec<T>, limit: u32) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = found.len() > limit;
    found.truncate(limit);
    has_more
}

async fn mirrored(app: &App, ids: BTreeSet<GrantId>) -> Result<BTreeMap<GrantId, GrantDoc>, ApiError> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let grants: Collection<GrantDoc> = app.database.collection(mirror::collection::GRANTS);
    let found: Vec<GrantDoc> = grants.find(doc! { "_id": { "$in": ids } }).await?.try_collect().await?;
    Ok(found.into_iter().map(|grant| (grant.id, grant)).collect())
}

/// What decides beside the grants themselves whether they count.
struct Standings {
    patient_epochs: BTreeMap<Address, u32>,
    revocations: BTreeMap<Address, Revocations>,
}

impl Standings {
    async fn of(app: &App, grants: impl Iterator<Item = &GrantDoc>) -> Result<Self, ApiError> {
        let patients: BTreeSet<Address> = grants.map(|grant| grant.patient).collect();
        let hex: Vec<String> = patients.iter().map(|patient| format!("{patient:#x}")).collect();
        let epochs: Collection<PatientDoc> = app.database.collection(mirror::collection::PATIENTS);
        let cursor: Collection<CursorDoc> = app.database.collection(mirror::collection::CURSOR);
        let (epochs, cursor) = tokio::join!(
            async { epochs.find(doc! { "_id": { "$in": hex } }).await?.try_collect::<Vec<PatientDoc>>().await },
            async { cursor.find_one(doc! { "_id": mirror::CURSOR_ID }).await },
        );
        let (epochs, cursor) = (epochs?, cursor?);
        let mirrored_to = cursor.map_or(0, |cursor| cursor.block_number);
        let mut revocations = BTreeMap::new();
        for patient in patients {
            revocations.insert(patient, app.relay.revocations(patient, mirrored_to).await?);
        }
        let patient_epochs = epochs.into_iter().map(|patient| (patient.address, patient.patient_epoch)).collect();
        Ok(Self { patient_epochs, revocations })
    }

    fn state(&self, app: &App, grant: &GrantDoc) -> GrantState {
        let patient_epoch = self.patient_epochs.get(&grant.patient).copied().unwrap_or(0);
        let is_ending =
            self.revocations.get(&grant.patient).is_some_and(|ending| ending.all || ending.grants.contains(&grant.id));
        let now = app.clock.now();
        if grant.revoked || grant.rights == 0 || grant.patient_epoch < patient_epoch || is_ending {
            GrantState::Revoked
        } else if now < grant.not_before {
            GrantState::Future
        } else if now >= grant.not_after {
            GrantState::Expired
        } else {
            GrantState::Active
        }
    }

    fn view(&self, app: &App, grant: GrantDoc, bundle: Option<BundleDoc>) -> GrantView {
        let state = self.state(app, &grant);
        let (grantee, salt, bundle) = match bundle {
            // Capsules of an earlier epoch, or of a grant that has ended, are nobody's any more.
            Some(bundle) if bundle.epoch == i64::from(grant.epoch) && state != GrantState::Revoked => {
                (Some(bundle.grantee), Some(bundle.salt), Some(bundle.bundle))
            }
            Some(bundle) => (Some(bundle.grantee), Some(bundle.salt), None),
            None => (None, None, None),
        };
        GrantView {
            id: grant.id,
            patient: grant.patient,
            grantee,
            tag: grant.tag,
            salt,
            kind: grant.kind,
            scope_id: grant.scope_id,
            right: Right::from_bit(grant.rights),
            purposes: Purpose::from_mask(grant.purposes),
            not_before: grant.not_before,
            not_after: grant.not_after,
            epoch: grant.epoch,
            patient_epoch: grant.patient_epoch,
            state,
            bundle_hash: grant.bundle_hash,
            bundle,
            tx_hash: grant.place.tx_hash,
        }
    }
}
