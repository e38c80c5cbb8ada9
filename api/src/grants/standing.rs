//! Determines the current state of grants, for a whole page in a fixed number of queries.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::Address;
use futures::TryStreamExt;
use mongodb::{Collection, bson::doc};
use protocol::{
    bodies::grants::GrantState,
    codes::Right,
    mirror::{self, CursorDoc, GrantDoc, PatientDoc},
};

use crate::{app::App, error::ApiError, relay::Revocations};

/// Returns which of these patients' grants and records are ended by messages that this server has accepted and that are
/// not in the mirror yet.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn ending(
    app: &App,
    patients: &BTreeSet<Address>,
) -> Result<BTreeMap<Address, Revocations>, ApiError> {
    let cursor: Collection<CursorDoc> = app.database.collection(mirror::collection::CURSOR);
    let cursor = cursor.find_one(doc! { "_id": mirror::CURSOR_ID }).await?;
    let mirrored_to = cursor.map_or(0, |cursor| cursor.block_number);
    Ok(app.relay.revocations_of(patients, mirrored_to).await?)
}

/// The data, beside the grants themselves, that decides their state.
pub(super) struct Standings {
    patient_epochs: BTreeMap<Address, u32>,
    revocations: BTreeMap<Address, Revocations>,
    /// Unix seconds.
    now: u64,
}

impl Standings {
    /// Reads the data for all patients of these grants.
    ///
    /// # Errors
    /// Returns an error when the database does not answer.
    pub(super) async fn of(app: &App, grants: impl Iterator<Item = &GrantDoc>) -> Result<Self, ApiError> {
        let patients: BTreeSet<Address> = grants.map(|grant| grant.patient).collect();
        let now = app.clock.now();
        if patients.is_empty() {
            return Ok(Self { patient_epochs: BTreeMap::new(), revocations: BTreeMap::new(), now });
        }
        let hex: Vec<String> = patients.iter().map(|patient| format!("{patient:#x}")).collect();
        let epochs: Collection<PatientDoc> = app.database.collection(mirror::collection::PATIENTS);
        let (epochs, revocations) = tokio::join!(
            async { epochs.find(doc! { "_id": { "$in": hex } }).await?.try_collect::<Vec<PatientDoc>>().await },
            ending(app, &patients),
        );
        let (epochs, revocations) = (epochs?, revocations?);
        let patient_epochs = epochs.into_iter().map(|patient| (patient.address, patient.patient_epoch)).collect();
        Ok(Self { patient_epochs, revocations, now })
    }

    /// Returns the current state of a grant.
    pub(super) fn state(&self, grant: &GrantDoc) -> GrantState {
        let patient_epoch = self.patient_epochs.get(&grant.patient).copied().unwrap_or(0);
        let is_ending =
            self.revocations.get(&grant.patient).is_some_and(|ending| ending.all || ending.grants.contains(&grant.id));
        if is_ending { GrantState::Revoked } else { grant.terms().state_at(patient_epoch, self.now) }
    }

    /// Returns whether it lets its grantee read now.
    pub(super) fn may_read(&self, grant: &GrantDoc) -> bool {
        grant.rights & Right::Read.bit() != 0 && self.state(grant) == GrantState::Active
    }
}
