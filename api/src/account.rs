//! The caller's own account (`GET /v1/me`) and the identity of this server (`GET /v1/deployment`).

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::Address;
use axum::extract::State;
use futures::TryStreamExt;
use mongodb::bson::doc;
use protocol::{
    bodies::account::{Me, ServerInfo},
    codes::{Role, SLOT_IDENTITY},
    mirror::{AccreditorDoc, KeyDoc, PractitionerDoc, collection},
};

use crate::{app::App, blobs::ledger, caller::Caller, error::ApiError, extract::Json, private_blobs};

/// Returns the signed-in address, its roles, and its use of storage.
///
/// **Who may call:** any signed-in address.
#[utoipa::path(get, path = "/v1/me", tag = "account", responses((status = 200, body = Me)))]
pub(crate) async fn me(State(app): State<App>, caller: Caller) -> Result<Json<Me>, ApiError> {
    let accreditors = app.database.collection::<AccreditorDoc>(collection::ACCREDITORS);
    let accreditor = accreditors.find_one(doc! { "_id": caller.hex(), "active": true }).await?.is_some();
    let (has_keyring, has_address_book) = private_blobs::kept(&app, &caller).await?;
    Ok(Json(Me {
        address: caller.address,
        session_expires_at: caller.expires_at,
        roles: current_roles(&app, caller.address).await?,
        accreditor,
        key_epoch: identity_key(&app, caller.address).await?.map_or(0, |key| key.epoch),
        has_keyring,
        has_address_book,
        stored_bytes: ledger::stored_bytes(&app, caller.address).await?,
        quota_bytes: app.settings.limits.quota_bytes,
    }))
}

/// Returns the contracts that this server uses, and the operator's keys to which release shares are sealed.
///
/// **Who may call:** anyone.
#[utoipa::path(get, path = "/v1/deployment", tag = "server", responses((status = 200, body = ServerInfo)), security())]
pub(crate) async fn deployment(State(app): State<App>) -> Json<ServerInfo> {
    Json(ServerInfo {
        deployment: app.deployment.as_ref().clone(),
        envelope_bytes_max: app.settings.limits.envelope_bytes_max,
        anchor_seconds_max: protocol::reads::ANCHOR_SECONDS_MAX,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// Returns the current roles of `address`, as far as the mirror knows. For display only, never for permission.
pub(crate) async fn current_roles(app: &App, address: Address) -> Result<Vec<Role>, ApiError> {
    Ok(roles_of(app, &BTreeSet::from([address])).await?.remove(&address).unwrap_or_default())
}

/// Returns the current roles of several addresses. Addresses that were never accredited, as far as the mirror knows,
/// are left out. Addresses whose accreditation has ended have no roles.
pub(crate) async fn roles_of(
    app: &App,
    addresses: &BTreeSet<Address>,
) -> Result<BTreeMap<Address, Vec<Role>>, ApiError> {
    if addresses.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids = |of: &mut dyn Iterator<Item = Address>| of.map(|address| format!("{address:#x}")).collect::<Vec<_>>();
    let practitioners = app.database.collection::<PractitionerDoc>(collection::PRACTITIONERS);
    let known = doc! { "_id": { "$in": ids(&mut addresses.iter().copied()) } };
    let practitioners: Vec<PractitionerDoc> = practitioners.find(known).await?.try_collect().await?;
    let accreditors = app.database.collection::<AccreditorDoc>(collection::ACCREDITORS);
    let theirs = doc! { "_id": { "$in": ids(&mut practitioners.iter().map(|practitioner| practitioner.accreditor)) } };
    let accreditors: Vec<AccreditorDoc> = accreditors.find(theirs).await?.try_collect().await?;
    let now = app.clock.now();
    let roles = |practitioner: &PractitionerDoc| {
        let accreditor = accreditors.iter().find(|accreditor| accreditor.address == practitioner.accreditor);
        if practitioner.counts_at(now, accreditor) { Role::from_mask(practitioner.roles) } else { Vec::new() }
    };
    Ok(practitioners.iter().map(|practitioner| (practitioner.address, roles(practitioner))).collect())
}

/// Returns the newest identity key that the mirror knows.
pub(crate) async fn identity_key(app: &App, owner: Address) -> Result<Option<KeyDoc>, ApiError> {
    let keys = app.database.collection::<KeyDoc>(collection::KEYS);
    let of_owner = doc! { "owner": format!("{owner:#x}"), "slot": i32::from(SLOT_IDENTITY) };
    Ok(keys.find_one(of_owner).sort(doc! { "epoch": -1 }).await?)
}
