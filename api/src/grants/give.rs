//! Checks and stores new grants and their bundles.

use std::collections::{BTreeMap, BTreeSet};

use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256},
    providers::Provider,
    rpc::types::Filter,
    sol_types::SolEvent,
};
use contracts::{Terms, grant_registry::GrantRegistry::Granted};
use futures::TryStreamExt;
use mongodb::{Collection, bson::doc};
use protocol::{
    bodies::grants::{BundleBody, GrantBody},
    bundle::{Bundle, CAPSULES_MAX},
    capsule::CAPSULE_LEN,
    codes::{MAX_SCOPES, Right, ScopeKind},
    deployment::ContractName,
    error_code::ErrorCode,
    grants::{GrantForm, GrantFormError},
    ids::{GrantId, RecordId, Tag},
    messages::{Action, Scope, SignedAction},
    mirror::{self, GrantDoc, RecordDoc},
};

use crate::{
    app::App,
    caller::Caller,
    error::ApiError,
    relations, requests,
    store::{
        self,
        bundles::{self, KeptBundle},
        received::{self, New},
    },
    time::now_ms,
    work,
};

/// The number of recent blocks to search for a grant that the mirror does not have yet.
const RECENT_BLOCKS: u64 = 1_000;

/// The bundles to store, with or without a Grant. The checks that need no other service are done.
pub(super) struct Kept {
    body: GrantBody,
    tag: Tag,
    /// For each bundle, in order: the hash that the message must name, and the parsed bundle.
    bundles: Vec<Checked>,
}

/// A bundle whose form is valid.
struct Checked {
    hash: B256,
    parsed: Option<Bundle>,
}

/// Checks the form of all bundles and hashes each capsule once. This takes long, so it runs outside the async threads.
///
/// # Errors
/// `invalid_request`, `out_of_range`, `invalid_capsule`.
pub(super) async fn check_form(body: GrantBody) -> Result<Kept, ApiError> {
    let tag = opened_tag(&body)?;
    let capsules = body.bundles.iter().map(|bundle| bundle.capsules.len()).sum::<usize>();
    if capsules > CAPSULES_MAX {
        return Err(ApiError::new(
            ErrorCode::OutOfRange,
            "the records have more than 800 versions in total; share fewer records at a time",
        ));
    }
    work::run(capsules * CAPSULE_LEN, move || {
        let bundles = body.bundles.iter().map(|bundle| checked(body.right, bundle)).collect::<Result<_, _>>()?;
        Ok(Kept { body, tag, bundles })
    })
    .await
}

/// Checks a signed Grant against its body. Only checks that need no other service run here.
///
/// # Errors
/// Returns `invalid_request` when they do not agree, `forbidden` for another patient's message, and `out_of_range` for
/// a grant that breaks a rule of its form ([`GrantForm`]).
pub(super) fn check_message(
    caller: &Caller,
    signed: &SignedAction,
    body: &GrantBody,
    now: u64,
) -> Result<(), ApiError> {
    let Action::Grant(message) = &signed.action else {
        return Err(ApiError::invalid("the message is not a Grant; send it to /v1/actions"));
    };
    if message.patient != caller.address {
        return Err(ApiError::forbidden("only the patient can give a grant"));
    }
    if opened_tag(body)?.0 != message.tag {
        return Err(ApiError::invalid("grantee and salt do not match the tag in the message"));
    }
    if message.rights != body.right.bit() {
        return Err(ApiError::invalid("the right differs from the one in the message"));
    }
    if message.scopes.len() != body.bundles.len() {
        return Err(ApiError::invalid("there must be one bundle for each scope of the message"));
    }
    let same_scope =
        |(scope, bundle): (&Scope, &BundleBody)| (scope.kind, scope.id) == (bundle.kind.code(), bundle.scope_id);
    if !message.scopes.iter().zip(&body.bundles).all(same_scope) {
        return Err(ApiError::invalid("the bundles are not in the order of the message's scopes"));
    }
    let scopes: Vec<_> = body.bundles.iter().map(|bundle| (bundle.kind, bundle.scope_id)).collect();
    let form = GrantForm {
        patient: message.patient,
        grantee: body.grantee,
        right: body.right,
        scopes: &scopes,
        purposes: message.purposes,
        not_before: message.notBefore.to(),
        not_after: message.notAfter.to(),
    };
    form.check(now).map_err(|error| match error {
        GrantFormError::Grantee => ApiError::invalid(error.to_string()),
        _ => ApiError::new(ErrorCode::OutOfRange, error.to_string()),
    })
}

/// Compares the bundles with the hashes in the message. Returns the epoch that each grant will have.
///
/// # Errors
/// Returns `invalid_request` when they do not agree.
pub(super) fn check_hashes(signed: &SignedAction, kept: &Kept) -> Result<Vec<u32>, ApiError> {
    let Action::Grant(message) = &signed.action else { return Ok(Vec::new()) };
    let mut epochs = Vec::with_capacity(kept.bundles.len());
    for (scope, checked) in message.scopes.iter().zip(&kept.bundles) {
        if checked.hash != scope.bundleHash {
            return Err(ApiError::invalid("a bundle does not match its hash in the message"));
        }
        let epoch = scope.epoch.checked_add(1);
        epochs.push(epoch.ok_or_else(|| ApiError::new(ErrorCode::OutOfRange, "the grant epoch is out of range"))?);
    }
    Ok(epochs)
}

/// Stores the checked bundles of a Grant durably, before it is sent and after the contracts were found to accept it.
///
/// # Errors
/// Returns `key_not_registered` when the grantee has no key, `not_found` for an unknown request, and `unknown_record`
/// or `forbidden` for a record that is not the patient's.
pub(super) async fn keep(
    app: &App,
    caller: &Caller,
    signed: &SignedAction,
    kept: &Kept,
    epochs: &[u32],
) -> Result<(), ApiError> {
    let Action::Grant(message) = &signed.action else { return Ok(()) };
    let expected = async {
        match kept.body.request {
            Some(request) => requests::expect_open(app, request, caller.address, kept.body.grantee).await,
            None => Ok(()),
        }
    };
    let ends_at = message.notAfter.to::<u64>();
    let standings: Vec<(u32, u64)> = epochs.iter().map(|epoch| (*epoch, ends_at)).collect();
    let records = own_records(app, caller.address, &kept.body.bundles);
    let (key, request, records) = tokio::join!(expect_key(app, &kept.body), expected, records);
    key.and(request)?;
    store(app, caller.address, kept, &standings, &records?).await
}

/// Stores the bundles of grants that are already on chain.
///
/// # Errors
/// Returns `no_grant` when a grant is not on chain, and `invalid_request` when a bundle does not begin with the granted
/// one.
pub(super) async fn put_in_again(app: &App, caller: &Caller, kept: &Kept) -> Result<(), ApiError> {
    if kept.bundles.is_empty() {
        return Err(ApiError::invalid("the request contains no bundle"));
    }
    let mut standings = Vec::with_capacity(kept.bundles.len());
    for (bundle, checked) in kept.body.bundles.iter().zip(&kept.bundles) {
        let terms = standing_terms(app, caller.address, kept.tag, bundle, kept.body.right).await?;
        let granted = granted_hash(app, caller.address, kept.tag, bundle, &terms).await?;
        // Capsules of later versions are added off chain, so the granted bundle is the beginning of the current one.
        let begins = granted == checked.hash
            || checked.parsed.as_ref().is_some_and(|bundle| bundle.signed_len(granted).is_some());
        if !begins {
            return Err(ApiError::invalid("the bundle does not begin with the granted bundle"));
        }
        standings.push((terms.epoch, terms.not_after));
    }
    if let Some(request) = kept.body.request {
        requests::expect_not_denied(app, request, caller.address, kept.body.grantee).await?;
    }
    let records = own_records(app, caller.address, &kept.body.bundles).await?;
    store(app, caller.address, kept, &standings, &records).await?;
    if let Some(request) = kept.body.request {
        store::requests::approve(&app.database, &app.at_rest, request, app.clock.now()).await?;
    }
    Ok(())
}

/// Replaces the bundle of an active grant with one that has all its capsules and more.
///
/// # Errors
/// Returns `not_found` when the caller is not its patient, `grant_revoked`, and `invalid_request` when a capsule would
/// be lost.
pub(super) async fn catch_up(app: &App, caller: &Caller, grant: GrantId, bundle: BundleBody) -> Result<(), ApiError> {
    let nothing = || ApiError::not_found("this grant does not exist here, or is not yours");
    let known = received::find(&app.database, &app.at_rest, grant).await?;
    let known = known.filter(|known| known.opened.patient == caller.address).ok_or_else(nothing)?;
    if (bundle.kind, bundle.scope_id) != (known.opened.kind, known.opened.scope_id) {
        return Err(ApiError::invalid("the bundle is for another scope than the grant"));
    }
    let right = if known.doc.reads { Right::Read } else { Right::Write };
    let terms = standing_terms(app, caller.address, known.opened.tag, &bundle, right).await?;
    let standing = bundles::find(&app.database, &app.at_rest, grant, i64::from(terms.epoch)).await?;
    let standing = standing.ok_or_else(nothing)?;
    let new = work::run(bundle.capsules.len() * CAPSULE_LEN, move || {
        let new = checked(right, &bundle)?;
        let is_complete = match (&new.parsed, Bundle::try_from(&standing.body)) {
            (Some(new), Ok(old)) => new.holds_all_of(&old),
            _ => standing.body.capsules.is_empty(),
        };
        if !is_complete {
            return Err(ApiError::invalid("the bundle lacks a capsule that the grantee already has"));
        }
        Ok(KeptBundle { body: bundle, stored_at: now_ms(), ..standing })
    })
    .await?;
    bundles::replace(&app.database, &app.at_rest, &new).await?;
    // The row describes the newest bundle, so it stays if a later bundle was stored in the meantime.
    received::note_newest(&app.database, &app.at_rest, grant, new.epoch, new.newest_version()).await
}

fn opened_tag(body: &GrantBody) -> Result<Tag, ApiError> {
    if body.grantee == Address::ZERO {
        return Err(ApiError::invalid("the grantee is the zero address"));
    }
    if body.bundles.len() > MAX_SCOPES {
        return Err(ApiError::new(ErrorCode::OutOfRange, "a grant has at most 64 scopes"));
    }
    Ok(Tag::derive(body.grantee, body.salt))
}

/// Returns the hash that the message must name for a bundle, and the parsed bundle. Checks its form.
fn checked(right: Right, bundle: &BundleBody) -> Result<Checked, ApiError> {
    match (right, bundle.kind) {
        (Right::Write, _) if !bundle.capsules.is_empty() => {
            Err(ApiError::new(ErrorCode::InvalidCapsule, "a grant to write must not have capsules"))
        }
        (Right::Write, ScopeKind::Record) => {
            Err(ApiError::new(ErrorCode::OutOfRange, "a grant to write must be over a category or all records"))
        }
        (Right::Write, _) => Ok(Checked { hash: Bundle::NONE, parsed: None }),
        (Right::Read, ScopeKind::Record) => {
            let bundle = Bundle::try_from(bundle)
                .map_err(|error| ApiError::new(ErrorCode::InvalidCapsule, error.to_string()))?;
            Ok(Checked { hash: bundle.hash(), parsed: Some(bundle) })
        }
        (Right::Read, _) => Err(ApiError::new(ErrorCode::OutOfRange, "a grant to read must be over single records")),
    }
}

/// Returns the time (Unix seconds) at which each record in the bundles was created. All must be the patient's. A grant
/// over somebody else's record would open nothing and only fill its grantee's lists.
async fn own_records(app: &App, patient: Address, bundles: &[BundleBody]) -> Result<BTreeMap<RecordId, u64>, ApiError> {
    let wanted = bundles.iter().filter(|bundle| bundle.kind == ScopeKind::Record);
    let wanted: BTreeSet<RecordId> = wanted.map(|bundle| RecordId(bundle.scope_id)).collect();
    let records: Collection<RecordDoc> = app.database.collection(mirror::collection::RECORDS);
    let ids: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mirrored: Vec<RecordDoc> = records.find(doc! { "_id": { "$in": ids } }).await?.try_collect().await?;
    let mut known: BTreeMap<RecordId, (Address, u64)> =
        mirrored.into_iter().map(|record| (record.id, (record.patient, record.created))).collect();
    // If the mirror is a moment behind, the chain is asked.
    let missing: Vec<RecordId> = wanted.into_iter().filter(|record| !known.contains_key(record)).collect();
    for record in missing {
        let found = app
            .chain_view
            .find_record(record, BlockId::latest())
            .await?
            .ok_or_else(|| ApiError::new(ErrorCode::UnknownRecord, "a record in the grant is not on chain"))?;
        known.insert(record, (found.patient, found.created.to::<u64>()));
    }
    if known.values().any(|(owner, _)| *owner != patient) {
        return Err(ApiError::forbidden("only the patient of a record can grant access to it"));
    }
    Ok(known.into_iter().map(|(record, (_, created))| (record, created)).collect())
}

/// Returns the terms of the grant on chain. It must be active with this right.
async fn standing_terms(
    app: &App,
    patient: Address,
    tag: Tag,
    bundle: &BundleBody,
    right: Right,
) -> Result<Terms, ApiError> {
    let head = BlockId::latest();
    let (terms, patient_epoch) = tokio::try_join!(
        app.chain_view.terms_of(patient, tag, (bundle.kind, bundle.scope_id), head),
        app.chain_view.patient_epoch_of(patient, head),
    )?;
    if terms.epoch == 0 {
        return Err(ApiError::new(ErrorCode::NoGrant, "this grant is not on chain"));
    }
    if terms.rights & right.bit() == 0 || terms.patient_epoch != patient_epoch {
        return Err(ApiError::new(ErrorCode::GrantRevoked, "the grant was revoked"));
    }
    Ok(terms)
}

/// Returns the hash of the granted bundle: from the mirror, or from the chain's recent events when the mirror is
/// behind.
async fn granted_hash(
    app: &App,
    patient: Address,
    tag: Tag,
    bundle: &BundleBody,
    terms: &Terms,
) -> Result<B256, ApiError> {
    let grant = GrantId::derive(patient, tag, bundle.kind, bundle.scope_id);
    let grants: Collection<GrantDoc> = app.database.collection(mirror::collection::GRANTS);
    let mirrored = grants.find_one(doc! { "_id": grant.to_string() }).await?;
    if let Some(known) = mirrored.filter(|known| known.epoch == terms.epoch) {
        return Ok(known.bundle_hash);
    }
    let head = app.chain.get_block_number().await?;
    let filter = Filter::new()
        .address(app.deployment.address_of(ContractName::GrantRegistry))
        .event_signature(Granted::SIGNATURE_HASH)
        .topic1(patient.into_word())
        .topic2(tag.0)
        .topic3(bundle.scope_id)
        .from_block(BlockNumberOrTag::Number(head.saturating_sub(RECENT_BLOCKS)))
        .to_block(BlockNumberOrTag::Number(head));
    let events = app.chain.get_logs(&filter).await?;
    events
        .iter()
        .rev()
        .filter_map(|log| Granted::decode_log(&log.inner).ok())
        .find(|event| {
            let granted = Terms::from(event.terms);
            granted.epoch == terms.epoch && granted.kind == terms.kind
        })
        .map(|event| event.bundleHash)
        .ok_or_else(|| ApiError::new(ErrorCode::Unavailable, "the mirror does not have the grant yet"))
}

/// Checks that the grantee has the named key on chain. Without a key a grant to read is useless, and sealing to a key
/// that is not on chain is a mistake.
async fn expect_key(app: &App, body: &GrantBody) -> Result<(), ApiError> {
    if body.right == Right::Read && !app.chain_view.has_identity_key(body.grantee).await? {
        return Err(ApiError::new(ErrorCode::KeyNotRegistered, "the grantee has not published an encryption key"));
    }
    Ok(())
}

/// Stores bundles and their rows. `standings` has for each bundle the epoch of its grant, and the end of the grant
/// (Unix seconds).
async fn store(
    app: &App,
    patient: Address,
    kept: &Kept,
    standings: &[(u32, u64)],
    records: &BTreeMap<RecordId, u64>,
) -> Result<(), ApiError> {
    let Kept { body, tag, .. } = kept;
    let stored_at = now_ms();
    let documents = body.bundles.iter().zip(standings).map(|(bundle, (epoch, _))| {
        let grant = GrantId::derive(patient, *tag, bundle.kind, bundle.scope_id);
        KeptBundle { grant, epoch: i64::from(*epoch), body: bundle.clone(), request: body.request, stored_at }
    });
    let documents: Vec<KeptBundle> = documents.collect();
    store_bundles(app, &documents, &kept.bundles).await?;
    relations::note(app, patient, body.grantee).await?;
    let shelf = relations::shelf(app, body.grantee, patient).await?;
    let number = received::next_number(&app.database, &app.at_rest, body.grantee).await?;
    for ((document, (_, ends_at)), number) in documents.iter().zip(standings).zip(number..) {
        let new = New {
            bundle: document,
            patient,
            grantee: body.grantee,
            tag: *tag,
            salt: body.salt,
            right: body.right,
            created: records.get(&RecordId(document.body.scope_id)).copied().unwrap_or(0),
            ends_at: *ends_at,
            number,
        };
        received::write(&app.database, &app.at_rest, &new, shelf).await?;
    }
    // Finds a block that was made in the meantime. A later block finds the rows.
    if relations::shelf(app, body.grantee, patient).await? != shelf {
        relations::sort_again(app, body.grantee, patient).await?;
    }
    Ok(())
}

async fn store_bundles(app: &App, new: &[KeptBundle], parsed: &[Checked]) -> Result<(), ApiError> {
    if bundles::insert(&app.database, &app.at_rest, new).await? {
        return Ok(());
    }
    for (bundle, Checked { parsed, .. }) in new.iter().zip(parsed) {
        let standing = bundles::find(&app.database, &app.at_rest, bundle.grant, bundle.epoch).await?;
        // Catch-up adds capsules. If the beginning that was signed is sent again, it must not remove them.
        let is_beginning = |known: &KeptBundle| {
            known.request == bundle.request
                && match (parsed, Bundle::try_from(&known.body)) {
                    (Some(new), Ok(known)) => known.holds_all_of(new),
                    _ => bundle.body.capsules.is_empty(),
                }
        };
        if !standing.as_ref().is_some_and(is_beginning) {
            bundles::replace(&app.database, &app.at_rest, bundle).await?;
        }
    }
    Ok(())
}
