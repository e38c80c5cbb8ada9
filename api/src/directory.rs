//! The directory of accredited people: `/v1/directory`.
//!
//! The chain holds who is accredited. The names come from public profiles that the accreditors signed.

use std::collections::HashMap;

use alloy::primitives::Address;
use axum::{extract::State, http::StatusCode};
use futures::TryStreamExt;
use mongodb::{
    Collection, Database,
    bson::{Document, doc},
};
use protocol::{
    bodies::{
        Page,
        people::{DirectoryEntry, DirectoryQuery},
    },
    codes::{Role, SLOT_IDENTITY},
    error_code::ErrorCode,
    mirror::{AccreditorDoc, KeyDoc, PractitionerDoc, collection as mirror},
    statements::{PROFILE_TEXT_BYTES_MAX, SignedProfile},
};
use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    caller::Caller,
    error::ApiError,
    extract::{AddressInPath, Json, Path, Query, page_limit},
    paging,
    store::{collection, index},
};

/// A signed profile. `_id`: the practitioner's address.
#[derive(Clone, Serialize, Deserialize)]
struct ProfileDoc {
    #[serde(rename = "_id", with = "protocol::hex_text")]
    practitioner: Address,
    /// Lower case, for searching.
    name: String,
    /// Unix seconds.
    issued: i64,
    #[serde(with = "crate::store::json_text")]
    signed: SignedProfile,
}

/// Creates the indexes of the profiles.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    database.collection::<ProfileDoc>(collection::PROFILES).create_index(index(doc! { "name": 1, "_id": 1 })).await?;
    Ok(())
}

/// Lists accredited people by address, or by name if the query has one.
///
/// **Who may call:** any signed-in address.
#[utoipa::path(get, path = "/v1/directory", tag = "people", params(DirectoryQuery), responses((status = 200, body = Page<DirectoryEntry>)))]
pub(crate) async fn list_directory(
    State(app): State<App>,
    _caller: Caller,
    Query(query): Query<DirectoryQuery>,
) -> Result<Json<Page<DirectoryEntry>>, ApiError> {
    let limit = page_limit(query.limit)? as usize;
    // One batch for each page: a search for a rare role returns short pages instead of taking one long request.
    let (candidates, further) = match &query.name {
        Some(name) => by_name(&app, name, query.cursor.as_deref()).await?,
        None => by_address(&app, query.cursor.as_deref()).await?,
    };
    let found = entries(&app, candidates).await?;
    let wanted = found.into_iter().filter(|(entry, _)| query.role.is_none_or(|role| entry.roles.contains(&role)));
    paging::page(wanted.map(|(entry, place)| (place, entry)), limit, further).map(Json)
}

/// Stores a practitioner's public profile, or replaces an older one.
///
/// **Who may call:** its accreditor or the practitioner. The profile must have the accreditor's signature.
#[utoipa::path(put, path = "/v1/directory/{address}", tag = "people", params(("address" = String, Path, pattern = "^0x[0-9a-fA-F]{40}$")),
    request_body = SignedProfile, responses((status = 204)))]
pub(crate) async fn put_profile(
    State(app): State<App>,
    caller: Caller,
    Path(AddressInPath(practitioner)): Path<AddressInPath>,
    Json(signed): Json<SignedProfile>,
) -> Result<StatusCode, ApiError> {
    let profile = &signed.profile;
    if profile.practitioner != practitioner {
        return Err(ApiError::invalid("the profile belongs to another practitioner"));
    }
    if caller.address != profile.accreditor && caller.address != practitioner {
        return Err(ApiError::forbidden("only the accreditor or the practitioner can store a profile"));
    }
    check_texts(&signed)?;
    let now = app.clock.now();
    if profile.issued > now + app.settings.limits.clock_skew_seconds_max {
        return Err(ApiError::new(ErrorCode::ClockSkew, "the profile was issued in the future"));
    }
    app.chain_view
        .verify_signed(SignedProfile::signing_hash(profile, &app.deployment), signed.signer(), &signed.signature)
        .await?;
    check_accreditation(&app, &signed).await?;
    store(&app, signed).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check_texts(signed: &SignedProfile) -> Result<(), ApiError> {
    let profile = &signed.profile;
    for (field, text) in
        [("name", &profile.name), ("organisation", &profile.organisation), ("specialty", &profile.specialty)]
    {
        if text.len() > PROFILE_TEXT_BYTES_MAX {
            let detail = format!("{field} may have at most {PROFILE_TEXT_BYTES_MAX} bytes");
            return Err(ApiError::new(ErrorCode::OutOfRange, detail));
        }
        if text.chars().any(char::is_control) {
            return Err(ApiError::invalid(format!("{field} must not have control characters")));
        }
    }
    if profile.name.trim().is_empty() {
        return Err(ApiError::new(ErrorCode::OutOfRange, "name must not be empty"));
    }
    Ok(())
}

/// Checks that the accreditor vouches for the practitioner now, in at least the roles of the profile.
async fn check_accreditation(app: &App, signed: &SignedProfile) -> Result<(), ApiError> {
    let profile = &signed.profile;
    let registry = app.chain_view.accreditation();
    let practitioner = registry.practitionerOf(profile.practitioner).call().await?;
    if practitioner.accreditor != profile.accreditor {
        return Err(ApiError::forbidden("this accreditor does not vouch for the practitioner"));
    }
    if !registry.isAccreditor(profile.accreditor).call().await? {
        return Err(ApiError::new(ErrorCode::NotAccredited, "the accreditor is not active now"));
    }
    let epoch = registry.accreditorEpochOf(profile.accreditor).call().await?;
    if practitioner.accreditorEpoch != epoch {
        let detail =
            "the accreditor was removed after it accredited this practitioner, and has not accredited it again";
        return Err(ApiError::new(ErrorCode::NotAccredited, detail));
    }
    if profile.accreditorEpoch != epoch {
        let detail = "the profile was signed for another epoch of the accreditor";
        return Err(ApiError::new(ErrorCode::StaleState, detail));
    }
    if profile.roles & !practitioner.roles != 0 || profile.roles == 0 {
        return Err(ApiError::new(
            ErrorCode::NotAccredited,
            "the profile shows a role that the accreditor does not vouch for",
        ));
    }
    Ok(())
}

/// Stores the profile unless a newer one exists. Storing the same profile again changes nothing.
async fn store(app: &App, signed: SignedProfile) -> Result<(), ApiError> {
    let doc = ProfileDoc {
        practitioner: signed.profile.practitioner,
        name: signed.profile.name.to_lowercase(),
        issued: i64::try_from(signed.profile.issued).map_err(ApiError::internal)?,
        signed,
    };
    let profiles = app.database.collection::<ProfileDoc>(collection::PROFILES);
    let id = format!("{:#x}", doc.practitioner);
    let older = doc! { "_id": &id, "issued": { "$lt": doc.issued } };
    if profiles.replace_one(older, &doc).await?.matched_count == 1 {
        return Ok(());
    }
    match profiles.insert_one(&doc).await {
        Ok(_) => Ok(()),
        Err(error) if crate::store::is_duplicate(&error) => {
            let same = profiles.find_one(doc! { "_id": &id }).await?.is_some_and(|stored| stored.signed == doc.signed);
            if same { Ok(()) } else { Err(ApiError::new(ErrorCode::StaleState, "a newer profile is stored")) }
        }
        Err(error) => Err(error.into()),
    }
}

/// Practitioners that are read for one page.
const BATCH: i64 = 200;

/// A practitioner with its place in the order of the list.
type Candidate = (PractitionerDoc, String);

/// Returns the next practitioners in the order of addresses, and the place to continue from.
async fn by_address(app: &App, after: Option<&str>) -> Result<(Vec<Candidate>, Option<String>), ApiError> {
    let filter = after.map_or_else(Document::new, |after| doc! { "_id": { "$gt": after } });
    let practitioners: Vec<PractitionerDoc> = app
        .database
        .collection::<PractitionerDoc>(mirror::PRACTITIONERS)
        .find(filter)
        .sort(doc! { "_id": 1 })
        .limit(BATCH)
        .await?
        .try_collect()
        .await?;
    let is_full = practitioners.len() as i64 == BATCH;
    let further = practitioners.last().filter(|_| is_full).map(|doc| format!("{:#x}", doc.address));
    let candidates = practitioners.into_iter().map(|doc| {
        let place = format!("{:#x}", doc.address);
        (doc, place)
    });
    Ok((candidates.collect(), further))
}

/// Returns the next practitioners whose name has this prefix, in the order of names. A place is `name NUL address`.
async fn by_name(app: &App, prefix: &str, after: Option<&str>) -> Result<(Vec<Candidate>, Option<String>), ApiError> {
    let prefix = prefix.to_lowercase();
    let end = format!("{prefix}{}", char::MAX);
    let profiles: Collection<ProfileDoc> = app.database.collection(collection::PROFILES);
    let find = async |filter: Document, limit: i64| -> Result<Vec<ProfileDoc>, ApiError> {
        Ok(profiles.find(filter).sort(doc! { "name": 1, "_id": 1 }).limit(limit).await?.try_collect().await?)
    };
    let profiles = match after {
        None => find(doc! { "name": { "$gte": &prefix, "$lt": end } }, BATCH).await?,
        Some(after) => {
            let (name, id) = after
                .split_once('\0')
                .filter(|(name, _)| name.starts_with(&prefix))
                .ok_or_else(|| ApiError::invalid("the cursor does not belong to this list"))?;
            // Two queries along the index instead of one query with `$or`.
            let mut found = find(doc! { "name": name, "_id": { "$gt": id } }, BATCH).await?;
            let missing = BATCH - i64::try_from(found.len()).unwrap_or(BATCH);
            if missing > 0 {
                found.extend(find(doc! { "name": { "$gt": name, "$lt": end } }, missing).await?);
            }
            found
        }
    };
    let is_full = profiles.len() as i64 == BATCH;
    let place = |profile: &ProfileDoc| format!("{}\0{:#x}", profile.name, profile.practitioner);
    let further = profiles.last().filter(|_| is_full).map(place);
    let ids: Vec<String> = profiles.iter().map(|profile| format!("{:#x}", profile.practitioner)).collect();
    let practitioners: Vec<PractitionerDoc> = app
        .database
        .collection(mirror::PRACTITIONERS)
        .find(doc! { "_id": { "$in": ids } })
        .await?
        .try_collect()
        .await?;
    let practitioners: HashMap<Address, PractitionerDoc> =
        practitioners.into_iter().map(|doc| (doc.address, doc)).collect();
    let candidates = profiles.iter().filter_map(|profile| {
        let doc = practitioners.get(&profile.practitioner)?;
        Some((doc.clone(), place(profile)))
    });
    Ok((candidates.collect(), further))
}

/// Returns the entries for these practitioners. Accreditors, keys and profiles are fetched for all of them together.
async fn entries(app: &App, candidates: Vec<Candidate>) -> Result<Vec<(DirectoryEntry, String)>, ApiError> {
    let ids: Vec<String> = candidates.iter().map(|(doc, _)| format!("{:#x}", doc.address)).collect();
    let accreditor_ids: Vec<String> = candidates.iter().map(|(doc, _)| format!("{:#x}", doc.accreditor)).collect();
    let accreditors: Vec<AccreditorDoc> = app
        .database
        .collection(mirror::ACCREDITORS)
        .find(doc! { "_id": { "$in": accreditor_ids } })
        .await?
        .try_collect()
        .await?;
    let keys: Vec<KeyDoc> = app
        .database
        .collection(mirror::KEYS)
        .find(doc! { "owner": { "$in": &ids }, "slot": i32::from(SLOT_IDENTITY) })
        .await?
        .try_collect()
        .await?;
    let profiles: Vec<ProfileDoc> = app
        .database
        .collection(collection::PROFILES)
        .find(doc! { "_id": { "$in": &ids } })
        .await?
        .try_collect()
        .await?;
    let entry = |(doc, place): Candidate| {
        let accreditor = accreditors.iter().find(|accreditor| accreditor.address == doc.accreditor);
        // A profile is valid only while its signer is still the accreditor that vouches, in the same epoch.
        let current = |profile: &&ProfileDoc| {
            let of = &profile.signed.profile;
            profile.practitioner == doc.address
                && of.accreditor == doc.accreditor
                && of.accreditorEpoch == doc.accreditor_epoch
                && accreditor.is_some_and(|accreditor| accreditor.active && accreditor.epoch == doc.accreditor_epoch)
        };
        let profile = profiles.iter().find(current);
        let entry = DirectoryEntry {
            address: doc.address,
            accreditor: doc.accreditor,
            roles: Role::from_mask(doc.roles),
            valid_from: doc.valid_from,
            valid_until: doc.valid_until,
            suspended: !doc.is_vouched_for(accreditor),
            has_key: keys.iter().any(|key| key.owner == doc.address),
            profile: profile.map(|profile| profile.signed.clone()),
        };
        (entry, place)
    };
    Ok(candidates.into_iter().map(entry).collect())
}
