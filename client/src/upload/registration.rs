//! Registering a stored envelope: the signed message, its release share, and what the chain shows afterwards.

use alloy::primitives::B256;
use protocol::{
    bodies::records::RegisterBody,
    cid::Cid,
    error_code::ErrorCode,
    messages::{Action, RegisterRecord, RegisterVersion},
};

use super::{
    authority::{own_salt, write_salt},
    error::UploadError,
    journal::{Entry, Stored},
};
use crate::{
    act::{Settled, Way, new_deadline, new_nonce, send, settle, sign},
    chain::{ChainError, ChainVersion},
    client::Client,
    progress::{Progress, Step},
    wallet::Wallet,
};

/// The version that the chain has under the number of this upload, even if somebody else uploaded it; `None` while
/// there is none.
pub(super) async fn on_chain(client: &Client, entry: &Entry) -> Result<Option<ChainVersion>, ChainError> {
    match client.chain().find_record(entry.record).await? {
        Some(record) if record.version >= entry.version => {}
        _ => return Ok(None),
    }
    let versions = client.chain().versions(entry.record).await?;
    Ok(versions.into_iter().find(|version| version.version == entry.version))
}

/// Registers the stored envelope, unless it is `standing` on chain already, and puts its release share in.
pub(super) async fn register(
    client: &Client,
    wallet: &dyn Wallet,
    entry: &mut Entry,
    standing: Option<ChainVersion>,
    way: Way,
    progress: &Progress,
) -> Result<Settled, UploadError> {
    progress.tell(Step::Registering);
    let stored = entry.stored.clone().expect("called once the envelope is stored");
    let deposit = |action| RegisterBody {
        action,
        record: entry.record,
        version: entry.version,
        release_share: stored.release_share.clone(),
        salt: entry.salt,
        write_salt: None,
    };
    if let Some(standing) = standing {
        deposit_share(client, entry, deposit(None)).await?;
        return Ok(Settled { tx_hash: Some(standing.tx_hash), block_number: Some(standing.block_number) });
    }
    let settled = if way == Way::Direct {
        let action = registration(client, entry, &stored.cid).await?;
        let settled = send(client, wallet, &action).await?;
        deposit_share(client, entry, deposit(None)).await?;
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
    match on_chain(client, entry).await? {
        Some(version) if version.cid == stored.cid => Ok(settled),
        _ => Err(UploadError::NotShown),
    }
}

/// Puts the release share in for a version that stands on chain, with what shows that the uploader may. The server may be a
/// moment behind.
async fn deposit_share(client: &Client, entry: &Entry, body: RegisterBody) -> Result<(), UploadError> {
    let body = if entry.patient == entry.uploader {
        body
    } else {
        let salt = match entry.salt {
            Some(salt) => salt,
            None => own_salt(client, entry.record)?,
        };
        let write_salt = write_salt(client, entry.patient, entry.category).await?;
        RegisterBody { salt: Some(salt), write_salt: Some(write_salt), ..body }
    };
    let mut tries = 0;
    loop {
        match client.api()?.register(&body).await {
            Ok(_) => return Ok(()),
            Err(error) if error.refusal() == Some(ErrorCode::AlreadyExists) => return Ok(()),
            Err(error) if error.refusal() == Some(ErrorCode::UnknownRecord) && tries < 10 => {
                tries += 1;
                tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// The message that registers the entry's version.
async fn registration(client: &Client, entry: &Entry, cid: &Cid) -> Result<Action, UploadError> {
    let (nonce, deadline) = (new_nonce(), new_deadline(client).await?);
    let is_patient = entry.patient == entry.uploader;
    let write_salt = if is_patient { B256::ZERO } else { write_salt(client, entry.patient, entry.category).await?.0 };
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
