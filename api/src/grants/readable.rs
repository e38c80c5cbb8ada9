//! Finds the received grants that let their grantee read now, as far as the mirror knows.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256};
use futures::TryStreamExt;
use mongodb::{Collection, bson::doc};
use protocol::{
    codes::ScopeKind,
    ids::{GrantId, RecordId},
    mirror::{self, GrantDoc, RecordDoc},
};

use super::standing::Standings;
use crate::{
    app::App,
    error::ApiError,
    store::received::{self, ReceivedRow},
};

/// The most rows of one patient over one record that count for a grantee. No honest client creates more tags.
const ROWS_OF_RECORD_MAX: i64 = 100;

/// Returns which of these records of one patient `grantee` may read now, as far as the mirror knows. For lists only,
/// never for permission. Only the patient's own grants count, because anybody may grant over any record id.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn readable(
    app: &App,
    grantee: Address,
    patient: Address,
    records: &[RecordDoc],
) -> Result<Vec<RecordId>, ApiError> {
    let categories: BTreeSet<u16> = records.iter().map(|record| record.category).collect();
    let mut scopes: Vec<(ScopeKind, B256)> = vec![(ScopeKind::All, B256::ZERO)];
    scopes.extend(records.iter().map(|record| (ScopeKind::Record, record.id.0)));
    scopes.extend(categories.into_iter().map(|category| (ScopeKind::Category, category_scope(category))));
    let most = ROWS_OF_RECORD_MAX.saturating_mul(i64::try_from(records.len().max(1)).unwrap_or(1));
    let people = (grantee, patient);
    let rows = received::over_scopes(&app.database, &app.at_rest, people, scopes, most).await?;
    let active = active(app, &rows).await?;
    let covers = |row: &&ReceivedRow, record: &RecordDoc| match row.opened.kind {
        ScopeKind::Record => row.opened.scope_id == record.id.0,
        ScopeKind::Category => row.opened.scope_id == category_scope(record.category),
        ScopeKind::All => true,
    };
    let of_patient = records.iter().filter(|record| record.patient == patient);
    Ok(of_patient.filter(|record| active.iter().any(|row| covers(row, record))).map(|record| record.id).collect())
}

/// Returns the rows whose grant lets its grantee read now, as far as the mirror knows.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn active<'a>(app: &App, rows: &'a [ReceivedRow]) -> Result<Vec<&'a ReceivedRow>, ApiError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let grants = mirrored(app, rows.iter().map(|row| row.opened.grant)).await?;
    let standings = Standings::of(app, grants.values()).await?;
    let is_active = |row: &&ReceivedRow| grants.get(&row.opened.grant).is_some_and(|grant| standings.may_read(grant));
    Ok(rows.iter().filter(is_active).collect())
}

fn category_scope(category: u16) -> B256 {
    B256::left_padding_from(&category.to_be_bytes())
}

/// Returns the mirror's grants with these ids.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn mirrored(
    app: &App,
    ids: impl IntoIterator<Item = GrantId>,
) -> Result<BTreeMap<GrantId, GrantDoc>, ApiError> {
    let ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let grants: Collection<GrantDoc> = app.database.collection(mirror::collection::GRANTS);
    let found: Vec<GrantDoc> = grants.find(doc! { "_id": { "$in": ids } }).await?.try_collect().await?;
    Ok(found.into_iter().map(|grant| (grant.id, grant)).collect())
}
