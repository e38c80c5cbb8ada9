//! Grants as people may see them: the mirror's data, joined with the rows that this server has stored.

use alloy::primitives::Address;
use mongodb::{Collection, bson::doc};
use protocol::{
    bodies::{
        Page,
        grants::{BundleBody, GrantQuery, GrantSide, GrantState, GrantView, ShelfQuery},
    },
    codes::{Purpose, Right, ScopeKind},
    error_code::ErrorCode,
    ids::{GrantId, RecordId},
    mirror::{self, GrantDoc, RecordDoc},
};

use super::{readable::mirrored, standing::Standings};
use crate::{
    app::App,
    caller::Caller,
    error::ApiError,
    extract::page_limit,
    paging::{self, Place, newest_first},
    store::{
        bundles,
        received::{self, ReceivedDoc, ReceivedRow, between, of_grants, on_shelf, over_record, received},
    },
};

/// Returns one page of grants given or received.
pub(super) async fn list(app: &App, caller: &Caller, query: &GrantQuery) -> Result<Page<GrantView>, ApiError> {
    let limit = page_limit(query.limit)? as usize;
    let (record, patient) = (query.record, query.patient);
    let after = Place::parse_some(query.cursor.as_deref())?;
    let after = after.as_ref();
    match query.side.unwrap_or(GrantSide::Given) {
        GrantSide::Given if patient.is_some() || query.shelf.is_some() => {
            Err(ApiError::invalid("patient and shelf can only be used with received grants"))
        }
        GrantSide::Given => given(app, caller.address, record, after, limit).await,
        GrantSide::Received if query.shelf.is_some() && (patient.is_some() || record.is_some()) => {
            Err(ApiError::invalid("shelf cannot be combined with record or patient"))
        }
        GrantSide::Received => {
            let patient = match record {
                // Anybody may grant over any record id. Only the patient's own grants open anything.
                Some(record) => match find_record(app, record).await? {
                    Some(known) if patient.is_none_or(|patient| patient == known.patient) => Some(known.patient),
                    _ => return Ok(Page { items: Vec::new(), next: None }),
                },
                None => patient,
            };
            received_by(app, caller.address, (record, patient, query.shelf), after, limit).await
        }
    }
}

async fn find_record(app: &App, record: RecordId) -> Result<Option<RecordDoc>, ApiError> {
    let records: Collection<RecordDoc> = app.database.collection(mirror::collection::RECORDS);
    Ok(records.find_one(doc! { "_id": record.to_string() }).await?)
}

async fn given(
    app: &App,
    patient: Address,
    record: Option<RecordId>,
    after: Option<&Place>,
    limit: usize,
) -> Result<Page<GrantView>, ApiError> {
    let mut filter = doc! { "patient": format!("{patient:#x}") };
    if let Some(record) = record {
        filter.extend(doc! { "kind": ScopeKind::Record.as_str(), "scope_id": record.to_string() });
    }
    let grants: Collection<GrantDoc> = app.database.collection(mirror::collection::GRANTS);
    let mut found = newest_first(&grants, filter, "place.block_number", after, limit + 1).await?;
    let has_more = paging::cut(&mut found, limit);
    let place = |grant: &GrantDoc| Place {
        at: i64::try_from(grant.place.block_number).unwrap_or(i64::MAX),
        id: grant.id.to_string(),
    };
    let next = found.last().filter(|_| has_more).map(|last| place(last).cursor());
    let ids: Vec<GrantId> = found.iter().map(|grant| grant.id).collect();
    let (rows, standings) =
        tokio::join!(of_grants(&app.database, &app.at_rest, patient, &ids), Standings::of(app, found.iter()));
    let (rows, standings) = (rows?, standings?);
    let items = found.into_iter().map(|grant| {
        let cursor = place(&grant).cursor();
        let row = rows.get(&grant.id);
        (cursor, view(&standings, grant, row, false))
    });
    paging::page(items, limit, next)
}

/// Returns received grants: of one patient over one record, of one patient, or of one shelf.
async fn received_by(
    app: &App,
    grantee: Address,
    (record, patient, shelf): (Option<RecordId>, Option<Address>, Option<ShelfQuery>),
    after: Option<&Place>,
    limit: usize,
) -> Result<Page<GrantView>, ApiError> {
    let filter = match (record, patient) {
        (Some(record), Some(patient)) => over_record(&app.at_rest, grantee, patient, record),
        (_, Some(patient)) => between(&app.at_rest, grantee, patient),
        (_, None) => on_shelf(&app.at_rest, grantee, shelf.unwrap_or(ShelfQuery::Known)),
    };
    let mut found = newest_first(&received(&app.database), filter, "number", after, limit + 1).await?;
    let has_more = paging::cut(&mut found, limit);
    let place = |row: &ReceivedDoc| Place { at: row.number, id: row.id.clone() }.cursor();
    let next = found.last().filter(|_| has_more).map(place);
    let rows: Vec<ReceivedRow> = found.into_iter().filter_map(|row| row.open_for(&app.at_rest, grantee)).collect();
    // A grant that was never mined is not in the mirror.
    let mut grants = mirrored(app, rows.iter().map(|row| row.opened.grant)).await?;
    let standings = Standings::of(app, grants.values()).await?;
    let items = rows.iter().filter_map(|row| {
        let grant = grants.remove(&row.opened.grant)?;
        Some((place(&row.doc), view(&standings, grant, Some(row), true)))
    });
    paging::page(items, limit, next)
}

/// Returns the capsules of one grant.
///
/// # Errors
/// Returns `not_found` when the caller is neither its patient nor its grantee, or when there are no capsules here, and
/// `grant_revoked`.
pub(super) async fn bundle(app: &App, caller: &Caller, grant: GrantId) -> Result<BundleBody, ApiError> {
    let nothing = || ApiError::not_found("this grant does not exist here, or is not yours");
    let row = received::find(&app.database, &app.at_rest, grant).await?.ok_or_else(nothing)?;
    if ![row.opened.patient, row.opened.grantee].contains(&caller.address) {
        return Err(nothing());
    }
    let grant = mirrored(app, [grant]).await?.remove(&grant).ok_or_else(nothing)?;
    let standings = Standings::of(app, std::iter::once(&grant)).await?;
    if standings.state(&grant) == GrantState::Revoked {
        // Nobody gets the capsules of an ended grant.
        return Err(ApiError::new(ErrorCode::GrantRevoked, "the grant was revoked"));
    }
    let kept = bundles::find(&app.database, &app.at_rest, grant.id, i64::from(grant.epoch)).await?;
    kept.map(|kept| kept.body).ok_or_else(nothing)
}

fn view(standings: &Standings, grant: GrantDoc, row: Option<&ReceivedRow>, for_grantee: bool) -> GrantView {
    let state = standings.state(&grant);
    let current = row.filter(|row| row.doc.epoch == i64::from(grant.epoch) && state != GrantState::Revoked);
    GrantView {
        id: grant.id,
        patient: grant.patient,
        grantee: row.map(|row| row.opened.grantee),
        tag: grant.tag,
        salt: row.map(|row| row.opened.salt),
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
        newest_version: current.and_then(|row| row.opened.newest_version),
        shelf: row.filter(|_| for_grantee).map(|row| row.doc.shelf),
        hidden: row.filter(|_| for_grantee).map(|row| row.doc.hidden),
        tx_hash: grant.place.tx_hash,
    }
}
