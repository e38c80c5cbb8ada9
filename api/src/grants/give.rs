//! What is checked and kept when somebody grants.

use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256},
    providers::Provider,
    rpc::types::Filter,
    sol_types::SolEvent,
};
use contracts::{Terms, grant_registry::GrantRegistry::Granted};
use mongodb::{Collection, bson::doc};
use protocol::{
    bodies::grants::{BundleBody, GrantBody},
    bundle::Bundle,
    capsule::CAPSULE_LEN,
    codes::{MAX_SCOPES, Right, ScopeKind},
    deployment::ContractName,
    error_code::ErrorCode,
    ids::{GrantId, Tag},
    messages::{Action, SignedAction},
    mirror::{self, GrantDoc},
};

use super::bundle_doc::{BundleDoc, bundle_id};
use crate::{caller::Caller, chain, error::ApiError, requests, state::App, store::collection};

/// How far back the chain is asked for a grant that the mirror does not have yet.
const RECENT_BLOCKS: u64 = 1_000;

/// Checks a signed Grant against its bundles; gives what is to be kept.
///
/// # Errors
/// `invalid_request` when message and bundles do not agree, `forbidden` for another patient's message,
/// `invalid_capsule`.
pub(super) fn check(caller: &Caller, signed: &SignedAction, body: &GrantBody) -> Result<Vec<BundleDoc>, ApiError> {
    let Action::Grant(message) = &signed.action else {
        return Err(ApiError::invalid("the message is not a Grant; send it to /v1/actions"));
    };
    if message.patient != caller.address {
        return Err(ApiError::forbidden("only the patient grants"));
    }
    let tag = opened_tag(body)?;
    if tag.0 != message.tag {
        return Err(ApiError::invalid("grantee and salt do not open the tag of the message"));
    }
    if message.rights != body.right.bit() {
        return Err(ApiError::invalid("the right is not the one that the message grants"));
    }
    if message.scopes.len() != body.bundles.len() {
        return Err(ApiError::invalid("there must be one bundle for each scope of the message"));
    }
    let mut documents = Vec::with_capacity(body.bundles.len());
    for (scope, bundle) in message.scopes.iter().zip(&body.bundles) {
        if (scope.kind, scope.id) != (bundle.kind.code(), bundle.scope_id) {
            return Err(ApiError::invalid("the bundles are not in the order of the message's scopes"));
        }
        if checked_hash(body.right, bundle)? != scope.bundleHash {
            return Err(ApiError::invalid("a bundle is not the one whose hash the message names"));
        }
        let epoch = scope
            .epoch
            .checked_add(1)
            .ok_or_else(|| ApiError::new(ErrorCode::OutOfRange, "the grant epoch is out of range"))?;
        documents.push(document(caller.address, tag, body, bundle.clone(), epoch));
    }
    Ok(documents)
}

/// Keeps the checked bundles of a Grant durably, before it is sent and after the contracts were found to accept it.
///
/// # Errors
/// `key_not_registered` when the grantee has none, `not_found` for an unknown request.
pub(super) async fn keep(app: &App, caller: &Caller, body: &GrantBody, bundles: &[BundleDoc]) -> Result<(), ApiError> {
    let expected = async {
        match body.request {
            Some(request) => requests::expect_open(app, request, caller.address, body.grantee).await,
            None => Ok(()),
        }
    };
    let (key, request, stored) = tokio::join!(expect_key(app, body), expected, store(app, bundles));
    key.and(request).and(stored)
}

/// Keeps the bundles of grants that stand on chain already.
///
/// # Errors
/// `no_grant` when one does not stand, `invalid_request` when a bundle does not begin with the one that was granted.
pub(super) async fn put_in_again(app: &App, caller: &Caller, body: &GrantBody) -> Result<(), ApiError> {
    let tag = opened_tag(body)?;
    if body.bundles.is_empty() {
        return Err(ApiError::invalid("there is no bundle to keep"));
    }
    let mut documents = Vec::with_capacity(body.bundles.len());
    for bundle in &body.bundles {
        let complete = checked_hash(body.right, bundle)?;
        let terms = standing_terms(app, caller.address, tag, bundle, body.right).await?;
        let granted = granted_hash(app, caller.address, tag, bundle, &terms).await?;
        // Later versions are added off chain, so the granted bundle is a beginning of the present one.
        if granted != complete && !beginnings(bundle).any(|beginning| beginning == granted) {
            return Err(ApiError::invalid("the bundle does not begin with the one that was granted"));
        }
        documents.push(document(caller.address, tag, body, bundle.clone(), terms.epoch));
    }
    if let Some(request) = body.request {
        requests::expect_open(app, request, caller.address, body.grantee).await?;
    }
    store(app, &documents).await?;
    if let Some(request) = body.request {
        requests::approve(&app.database, request, app.clock.now()).await?;
    }
    Ok(())
}

/// Replaces the bundle of a standing grant by one that has all its capsules and more.
///
/// # Errors
/// `not_found` for who is not its patient, `grant_revoked`, `invalid_request` when a capsule would be lost.
pub(super) async fn catch_up(app: &App, caller: &Caller, grant: GrantId, bundle: BundleBody) -> Result<(), ApiError> {
    let nothing = || ApiError::not_found("there is no such grant of yours here");
    let bundles: Collection<BundleDoc> = app.database.collection(collection::BUNDLES);
    let newest = bundles
        .find_one(doc! { "_id": { "$gte": bundle_id(grant, 0), "$lte": bundle_id(grant, u32::MAX) } })
        .sort(doc! { "_id": -1 })
        .await?
        .filter(|known| known.patient == caller.address)
        .ok_or_else(nothing)?;
    if (bundle.kind, bundle.scope_id) != (newest.kind, newest.scope_id) {
        return Err(ApiError::invalid("the bundle is for another scope than the grant"));
    }
    checked_hash(newest.right, &bundle)?;
    let terms = standing_terms(app, caller.address, newest.tag, &bundle, newest.right).await?;
    let standing = bundles.find_one(doc! { "_id": bundle_id(grant, terms.epoch) }).await?.ok_or_else(nothing)?;
    if !standing.bundle.capsules.iter().all(|capsule| bundle.capsules.contains(capsule)) {
        return Err(ApiError::invalid("the bundle lacks a capsule that the grantee has"));
    }
    store(app, &[BundleDoc { bundle, stored_at: now_ms(), ..standing }]).await
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

/// The hash that the message must name for a bundle; checks its form on the way.
fn checked_hash(right: Right, bundle: &BundleBody) -> Result<B256, ApiError> {
    if bundle.capsules.iter().any(|entry| entry.capsule.len() != CAPSULE_LEN) {
        return Err(ApiError::new(ErrorCode::InvalidCapsule, "a capsule is 117 bytes"));
    }
    match (right, bundle.kind) {
        (Right::Write, _) if !bundle.capsules.is_empty() => {
            Err(ApiError::new(ErrorCode::InvalidCapsule, "a grant to write has no capsules"))
        }
        (Right::Write, ScopeKind::Record) => {
            Err(ApiError::new(ErrorCode::OutOfRange, "writing is granted over a category or all"))
        }
        (Right::Write, _) => Ok(Bundle::NONE),
        (Right::Read, ScopeKind::Record) => {
            let bundle = Bundle::try_from(bundle)
                .map_err(|error| ApiError::new(ErrorCode::InvalidCapsule, error.to_string()))?;
            Ok(bundle.hash())
        }
        (Right::Read, _) => Err(ApiError::new(ErrorCode::OutOfRange, "reading is granted over single records")),
    }
}

/// The hashes of all beginnings of a bundle, for which one was granted before versions were added.
fn beginnings(bundle: &BundleBody) -> impl Iterator<Item = B256> + '_ {
    (0..bundle.capsules.len()).filter_map(|length| {
        let capsules = bundle.capsules[..length].to_vec();
        Bundle::try_from(&BundleBody { capsules, ..*bundle }).ok().map(|beginning| beginning.hash())
    })
}

/// What the grant says on chain now, if it stands with this right.
async fn standing_terms(
    app: &App,
    patient: Address,
    tag: Tag,
    bundle: &BundleBody,
    right: Right,
) -> Result<Terms, ApiError> {
    let registry = chain::grant_registry(app);
    let patient_epoch = registry.patientEpochOf(patient);
    let (terms, patient_epoch) = tokio::join!(
        chain::terms_of(app, patient, tag, (bundle.kind, bundle.scope_id), BlockId::latest()),
        patient_epoch.call(),
    );
    let (terms, patient_epoch) = (terms?, patient_epoch?);
    if terms.epoch == 0 {
        return Err(ApiError::new(ErrorCode::NoGrant, "no such grant stands on chain"));
    }
    if terms.rights & right.bit() == 0 || terms.patient_epoch != patient_epoch {
        return Err(ApiError::new(ErrorCode::GrantRevoked, "the grant was revoked"));
    }
    Ok(terms)
}

/// The bundle hash that was granted: from the mirror, or from the chain's recent events when the mirror is behind.
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

/// A grant to read is useless to somebody without a key, and sealing to a key that is not on chain is a mistake.
async fn expect_key(app: &App, body: &GrantBody) -> Result<(), ApiError> {
    if body.right == Right::Read && !chain::has_identity_key(app, body.grantee).await? {
        return Err(ApiError::new(ErrorCode::KeyNotRegistered, "the grantee has not published an encryption key"));
    }
    Ok(())
}

fn document(patient: Address, tag: Tag, body: &GrantBody, bundle: BundleBody, epoch: u32) -> BundleDoc {
    let grant = GrantId::derive(patient, tag, bundle.kind, bundle.scope_id);
    BundleDoc {
        id: bundle_id(grant, epoch),
        grant,
        epoch: epoch.into(),
        patient,
        grantee: body.grantee,
        tag,
        salt: body.salt,
        right: body.right,
        kind: bundle.kind,
        scope_id: bundle.scope_id,
        bundle,
        request: body.request,
        stored_at: now_ms(),
    }
}

async fn store(app: &App, documents: &[BundleDoc]) -> Result<(), ApiError> {
    let bundles: Collection<BundleDoc> = app.database.collection(collection::BUNDLES);
    // The first time, which is the common one, is a single write.
    match bundles.insert_many(documents).ordered(false).await {
        Ok(_) => Ok(()),
        Err(error) if crate::store::is_duplicate(&error) => {
            for document in documents {
                let standing = bundles.find_one(doc! { "_id": &document.id }).await?;
                // Catch-up adds capsules; the beginning that was signed, sent again, takes none of them away.
                let is_beginning = |known: &BundleDoc| {
                    known.request == document.request
                        && document.bundle.capsules.iter().all(|capsule| known.bundle.capsules.contains(capsule))
                };
                if !standing.as_ref().is_some_and(is_beginning) {
                    bundles.replace_one(doc! { "_id": &document.id }, document).upsert(true).await?;
                }
            }
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
