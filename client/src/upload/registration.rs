//! Registering a stored envelope: the signed message, its release share, and what the chain shows afterwards.

use alloy::primitives::B256;
use protocol::{
    bodies::{
        grants::{GrantQuery, GrantSide},
        records::RegisterBody,
    },
    cid::Cid,
    codes::{RecordStatus, Right, ScopeKind},
    error_code::ErrorCode,
    ids::{RecordId, Salt, Tag},
    messages::{Action, RegisterRecord, RegisterVersion, SetRecordStatus},
};

use super::{
    Uploaded,
    journal::{self, Entry, Stored},
};
use crate::{
    act::{Settled, Way, carry_out, new_deadline, new_nonce, settle, sign},
    client::Client,
    error::{ClientError, Kind},
    progress::{Progress, Step},
    wallet::Wallet,
};

/// Supersedes or tombstones a record: its patient, or its first uploader on the device that made it.
///
/// # Errors
/// What wallet, server and chain refuse.
pub async fn set_status(
    client: &Client,
    wallet: &dyn Wallet,
    record: RecordId,
    status: RecordStatus,
    way: Way,
) -> Result<Settled, ClientError> {
    let known = client.chain().record(record).await?;
    let salt = if known.patient == client.address() { Salt(B256::ZERO) } else { own_salt(client, record)? };
    let action = Action::SetRecordStatus(SetRecordStatus {
        signer: client.address(),
        record: record.0,
        status: status.code(),
        salt: salt.0,
        nonce: new_nonce(),
        deadline: new_deadline(client).await?,
    });
    carry_out(client, wallet, action, way).await
}

/// Registers what is stored, and ends the upload.
pub(super) async fn finish(
    client: &Client,
    wallet: &dyn Wallet,
    entry: &mut Entry,
    way: Way,
    resumed: bool,
    progress: &Progress,
) -> Result<Uploaded, ClientError> {
    progress.tell(Step::Registering);
    let stored = entry.stored.clone().expect("called once the envelope is stored");
    let deposit = |action| RegisterBody {
        action,
        record: entry.record,
        version: entry.version,
        release_share: stored.release_share.clone(),
        salt: entry.salt,
    };
    let settled = if let Some(settled) = registered(client, entry, &stored.cid).await? {
        deposit_share(client, &deposit(None)).await?;
        settled
    } else if way == Way::Direct {
        let action = registration(client, entry, &stored.cid).await?;
        let settled = client.chain().send(wallet, &action).await?;
        deposit_share(client, &deposit(None)).await?;
        settled
    } else {
        let body = match &stored.body {
            Some(body) => body.clone(),
            None => {
                let action = registration(client, entry, &stored.cid).await?;
                let body = deposit(Some(sign(client, wallet, action).await?));
                entry.stored = Some(Stored { body: Some(body.clone()), ..stored.clone() });
                entry.save(client.home())?;
                body
            }
        };
        let view = client.api()?.register(&body).await?;
        let signed = body.action.as_ref().expect("a relayed registration is signed");
        settle(client, &signed.action, view).await?
    };
    if registered_cid(client, entry).await? != Some(stored.cid) {
        return Err(ClientError::new(Kind::Changed, "The chain does not show the version just registered."));
    }
    entry.end(client.home())?;
    Ok(Uploaded {
        record: entry.record,
        version: entry.version,
        cid: stored.cid.to_string(),
        content_bytes: entry.content_len,
        envelope_bytes: stored.size,
        settled,
        resumed,
    })
}

/// The CID that the chain has for the entry's version; `None` while it has none.
pub(super) async fn registered_cid(client: &Client, entry: &Entry) -> Result<Option<Cid>, ClientError> {
    match client.chain().find_record(entry.record).await? {
        Some(record) if record.version >= entry.version => {}
        _ => return Ok(None),
    }
    let versions = client.chain().versions(entry.record).await?;
    Ok(versions.iter().find(|version| version.version == entry.version).map(|version| version.cid))
}

/// The registration that stands on chain already, if it is this upload's.
async fn registered(client: &Client, entry: &Entry, cid: &Cid) -> Result<Option<Settled>, ClientError> {
    if registered_cid(client, entry).await? != Some(*cid) {
        return Ok(None);
    }
    let versions = client.chain().versions(entry.record).await?;
    let version = versions.iter().find(|version| version.version == entry.version);
    Ok(version.map(|version| Settled { tx_hash: Some(version.tx_hash), block_number: Some(version.block_number) }))
}

/// Puts the release share in for a version that stands on chain. The server's node may be a moment behind.
async fn deposit_share(client: &Client, body: &RegisterBody) -> Result<(), ClientError> {
    let mut tries = 0;
    loop {
        match client.api()?.register(body).await {
            Ok(_) => return Ok(()),
            Err(error) if *error.kind() == Kind::Server(ErrorCode::AlreadyExists) => return Ok(()),
            Err(error) if *error.kind() == Kind::Server(ErrorCode::UnknownRecord) && tries < 10 => {
                tries += 1;
                tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The message that registers the entry's version.
async fn registration(client: &Client, entry: &Entry, cid: &Cid) -> Result<Action, ClientError> {
    let (nonce, deadline) = (new_nonce(), new_deadline(client).await?);
    let is_patient = entry.patient == entry.uploader;
    let write_salt = if is_patient { B256::ZERO } else { write_salt(client, entry).await?.0 };
    let (codec, digest) = (cid.codec().code(), cid.digest());
    Ok(match (entry.salt, entry.category) {
        (Some(salt), Some(category)) => Action::RegisterRecord(RegisterRecord {
            uploader: entry.uploader,
            patient: entry.patient,
            salt: salt.0,
            category: category.code(),
            codec,
            digest,
            writeSalt: write_salt,
            nonce,
            deadline,
        }),
        _ => Action::RegisterVersion(RegisterVersion {
            uploader: entry.uploader,
            record: entry.record.0,
            version: entry.version - 1,
            codec,
            digest,
            salt: if is_patient { B256::ZERO } else { own_salt(client, entry.record)?.0 },
            writeSalt: write_salt,
            nonce,
            deadline,
        }),
    })
}

/// What opens the id of a record that this device has made for a patient.
fn own_salt(client: &Client, record: RecordId) -> Result<Salt, ClientError> {
    let known =
        journal::salt_of(client.home(), record)?.filter(|salt| RecordId::derive(client.address(), *salt) == record);
    known.ok_or_else(|| {
        ClientError::new(
            Kind::NotAllowed,
            "Only the patient and the record's first uploader, on the device that made it, may do this.",
        )
    })
}

/// What opens this uploader's WRITE tag for the patient: told by the server, checked against the chain.
async fn write_salt(client: &Client, entry: &Entry) -> Result<Salt, ClientError> {
    let query = GrantQuery {
        side: Some(GrantSide::Received),
        patient: Some(format!("{:#x}", entry.patient)),
        ..GrantQuery::default()
    };
    let now = client.chain().now().await?;
    let patient_epoch = client.chain().patient_epoch(entry.patient).await?;
    for grant in client.api()?.grants(&query).await? {
        let covers = match grant.kind {
            ScopeKind::All => true,
            ScopeKind::Category => entry.category.is_some_and(|category| category.scope_id() == grant.scope_id),
            ScopeKind::Record => false,
        };
        let Some(salt) = grant.salt.filter(|_| covers && grant.patient == entry.patient) else { continue };
        if Tag::derive(entry.uploader, salt) != grant.tag {
            continue;
        }
        let terms = client.chain().terms(entry.patient, grant.tag, grant.kind, grant.scope_id).await?;
        let counts = terms.rights == Right::Write.bit()
            && terms.patient_epoch == patient_epoch
            && (terms.not_before..terms.not_after).contains(&now);
        if counts {
            return Ok(salt);
        }
    }
    Err(ClientError::new(Kind::NoGrant, "The patient has not allowed you to add records of this kind."))
}
