//! Checks a version, and stores its release share, before it is registered.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256},
};
use mongodb::bson::doc;
use protocol::{
    bodies::records::RegisterBody,
    cid::{Cid, Codec},
    error_code::ErrorCode,
    ids::RecordId,
    messages::{Action, SignedAction},
    mirror::{self, VersionDoc, version_id},
};

use super::{
    authority::Uploader,
    shares::{self, Deposit},
};
use crate::{app::App, blobs::ledger, caller::Caller, error::ApiError, relay::Verified};

/// The content of a signed registration.
pub(super) struct Registration {
    record: RecordId,
    version: u16,
    uploader: Address,
    codec: u8,
    digest: B256,
    /// The first version names the patient. For later versions the chain has it.
    patient: Option<Address>,
}

/// Checks a signed registration against its body, and its signature, before anything is looked up.
///
/// # Errors
/// Returns `invalid_request` when message and body do not agree, `forbidden` for another uploader's message, and the
/// errors of [`crate::relay::Relay::verify`].
pub(super) async fn verify<'a>(
    app: &App,
    caller: &Caller,
    signed: &'a SignedAction,
    body: &RegisterBody,
) -> Result<(Registration, Verified<'a>), ApiError> {
    let registration = registration(&signed.action)?;
    if (registration.record, registration.version) != (body.record, body.version) {
        return Err(ApiError::invalid("record and version differ from those in the message"));
    }
    if registration.uploader != caller.address {
        return Err(ApiError::forbidden("only the uploader in the message can deposit its release share"));
    }
    Ok((registration, app.relay.verify(signed).await?))
}

/// Checks a registration against the uploaded envelope. Returns the deposit to make once the contracts are found to
/// accept it.
///
/// # Errors
/// Returns `grant_revoked` when this server has accepted the revocation of the uploader's grant, `not_found` when the
/// envelope was not uploaded, and `invalid_envelope` when it is for another version.
pub(super) async fn check<'a>(
    app: &App,
    caller: &Caller,
    (action, registration): (&Action, Registration),
    body: &'a RegisterBody,
) -> Result<Deposit<'a>, ApiError> {
    let on_chain = app.chain_view.find_record(registration.record, BlockId::latest()).await?;
    // The patient on chain is used. The contracts refuse a message that names another patient.
    let patient = on_chain.as_ref().map(|record| record.patient).or(registration.patient);
    let patient = patient.ok_or_else(|| ApiError::new(ErrorCode::UnknownRecord, "there is no such record on chain"))?;
    if let Some(uploader) = Uploader::of(action, on_chain.as_ref()) {
        uploader.expect_unrevoked(app).await?;
    }
    let cid = cid(registration.codec, registration.digest)?;
    ledger::expect_stored(app, caller.address, &cid, (registration.record, registration.version)).await?;
    let is_registered = on_chain.is_some_and(|record| record.version >= registration.version);
    Ok(Deposit {
        record: registration.record,
        version: registration.version,
        patient,
        depositor: caller.address,
        // Before registration the uploader may start again with another key.
        may_replace: !is_registered || caller.address == patient,
        capsule: &body.release_share,
    })
}

/// Stores the release share of a version that is already on chain.
///
/// # Errors
/// - `unknown_record`
/// - `forbidden` when the caller is not the patient, and has not both opened the record id and uploaded this version
/// - `not_accredited`, `no_grant` or `grant_revoked` for an uploader that may no longer upload
/// - `invalid_capsule`
/// - `already_exists` when the uploader deposits a second, different share
pub(super) async fn deposit(app: &App, caller: &Caller, body: &RegisterBody) -> Result<(), ApiError> {
    let record = app
        .chain_view
        .find_record(body.record, BlockId::latest())
        .await?
        .filter(|record| (1..=record.version).contains(&body.version))
        .ok_or_else(|| ApiError::new(ErrorCode::UnknownRecord, "there is no such version on chain"))?;
    let is_patient = record.patient == caller.address;
    if !is_patient {
        expect_its_uploader(app, caller.address, body).await?;
        let write_salt = body.write_salt.ok_or_else(|| {
            ApiError::new(ErrorCode::NoGrant, "write_salt must show that the uploader may still add records")
        })?;
        let (patient, category) = (record.patient, record.category);
        Uploader { address: caller.address, patient, category, write_salt }.expect_allowed(app).await?;
    }
    let deposit = Deposit {
        record: body.record,
        version: body.version,
        patient: record.patient,
        depositor: caller.address,
        may_replace: is_patient,
        capsule: &body.release_share,
    };
    shares::deposit(app, deposit).await
}

/// Checks that the account has uploaded the version: the record id shows it for the first version, and the mirror's
/// event for later ones.
async fn expect_its_uploader(app: &App, address: Address, body: &RegisterBody) -> Result<(), ApiError> {
    if body.salt.is_none_or(|salt| RecordId::derive(address, salt) != body.record) {
        return Err(ApiError::forbidden(
            "only the patient, or the uploader who can open the record id, can deposit a share",
        ));
    }
    if body.version == 1 {
        return Ok(());
    }
    let versions = app.database.collection::<VersionDoc>(mirror::collection::VERSIONS);
    let version = versions.find_one(doc! { "_id": version_id(body.record, body.version) }).await?;
    let version = version.ok_or_else(|| {
        ApiError::new(ErrorCode::UnknownRecord, "this server has not processed the version's block yet")
    })?;
    if version.uploader != address {
        return Err(ApiError::forbidden("somebody else uploaded this version"));
    }
    Ok(())
}

fn registration(action: &Action) -> Result<Registration, ApiError> {
    match action {
        Action::RegisterRecord(first) => Ok(Registration {
            record: RecordId::derive(first.uploader, first.salt.into()),
            version: 1,
            uploader: first.uploader,
            codec: first.codec,
            digest: first.digest,
            patient: Some(first.patient),
        }),
        Action::RegisterVersion(next) => Ok(Registration {
            record: next.record.into(),
            version: next
                .version
                .checked_add(1)
                .ok_or_else(|| ApiError::new(ErrorCode::OutOfRange, "a record has at most 65,535 versions"))?,
            uploader: next.uploader,
            codec: next.codec,
            digest: next.digest,
            patient: None,
        }),
        _ => Err(ApiError::invalid("the message does not register a record; send it to /v1/actions")),
    }
}

fn cid(codec: u8, digest: B256) -> Result<Cid, ApiError> {
    let codec = Codec::from_code(codec)
        .map_err(|_| ApiError::new(ErrorCode::OutOfRange, "the CID's codec must be raw (0x55) or dag-pb (0x70)"))?;
    Ok(Cid::new(codec, digest))
}
