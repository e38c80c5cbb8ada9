//! Uploads: hash and sign, encrypt while sending, register, deposit the release share.
//!
//! The order of effects follows from what may be lost: the envelope is stored, then the release share (in the same
//! request as the signed registration), then the chain. What is done is in the journal before the next step begins.

mod content;
mod journal;
mod media_type;
mod pipeline;

use std::path::PathBuf;

use alloy::primitives::{Address, B256};
use protocol::{
    authorship,
    bodies::{
        grants::{GrantQuery, GrantSide},
        records::RegisterBody,
    },
    capsule::{Binding, Capsule, OPERATOR_KEY_EPOCH},
    cid::Cid,
    codes::{Category, RecordStatus, Right, ScopeKind},
    envelope::{Metadata, SealParams, SignedBy},
    error_code::ErrorCode,
    identity::PublicKey,
    ids::{RecordId, Salt, Tag},
    messages::{Action, RegisterRecord, RegisterVersion, SetRecordStatus},
    secret::DataKey,
};
use serde::Serialize;
use tokio::io::AsyncRead;

use self::{
    content::Content,
    journal::{Entry, Stored},
};
use crate::{
    act::{Settled, Way, carry_out, new_deadline, new_nonce, settle, sign},
    chain::unix_now,
    client::Client,
    error::{ClientError, Kind},
    progress::{Progress, Step},
    published_key::public_key,
    unlock,
    wallet::{Wallet, Wish},
};

/// Where the document comes from.
pub enum Source {
    /// A file, read twice; it must not change meanwhile.
    File(PathBuf),
    /// A pipe, spooled encrypted until it ends.
    Pipe(Box<dyn AsyncRead + Send + Unpin>),
}

/// Whether it starts a record or continues one.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// A new record.
    NewRecord {
        /// Whose; oneself, or a patient who granted WRITE.
        patient: Address,
        /// Its folder.
        category: Category,
    },
    /// The next version of a record.
    NewVersion(RecordId),
}

/// What is uploaded.
pub struct NewUpload {
    /// The document.
    pub source: Source,
    /// Where it goes.
    pub target: Target,
    /// Its name, for those who can open it.
    pub file_name: String,
    /// Its media type (RFC 6838); guessed from the name if absent.
    pub media_type: Option<String>,
    /// How the registration gets to the chain.
    pub way: Way,
}

/// A finished upload.
#[derive(Clone, Debug, Serialize)]
pub struct Uploaded {
    /// The record.
    pub record: RecordId,
    /// Its version.
    pub version: u16,
    /// CIDv1 of the envelope.
    pub cid: String,
    /// Bytes of the document.
    pub content_bytes: u64,
    /// Bytes of the envelope.
    pub envelope_bytes: u64,
    /// How the registration got to the chain.
    pub settled: Settled,
    /// Whether an interrupted upload of the same document was completed instead of starting a new one.
    pub resumed: bool,
}

/// Uploads one document. After an interruption the same call completes the upload that it began: no second record.
///
/// # Errors
/// [`Kind::KitNotSaved`] for one's own records before the words are saved; [`Kind::KeyNotRegistered`],
/// [`Kind::WrongPublicKey`], [`Kind::SourceChanged`], [`Kind::StoredOtherBytes`], and what wallet, server and chain
/// refuse.
pub async fn upload(
    client: &Client,
    wallet: &dyn Wallet,
    new: NewUpload,
    progress: &Progress,
) -> Result<Uploaded, ClientError> {
    client.chain().verify_deployment().await?;
    let place = Place::find(client, new.target).await?;
    if place.patient == client.address() && !unlock::is_saved(client)? {
        return Err(ClientError::new(Kind::KitNotSaved, "Your recovery words are not saved yet."));
    }
    let content = Content::read(new.source, progress).await?;
    let (mut entry, resumed) = open_entry(client, wallet, &place, &content).await?;
    if resumed && let Some(uploaded) = complete(client, wallet, &mut entry, new.way, progress).await? {
        return Ok(uploaded);
    }

    let media_type = new.media_type.unwrap_or_else(|| media_type::of(&new.file_name).to_owned());
    let fhir_type = media_type::fhir_type(&media_type, &content);
    let metadata = Metadata {
        content_len: content.len,
        media_type,
        file_name: new.file_name,
        content_hash: content.hash,
        created: entry.begun,
        fhir_type,
        codes: Vec::new(),
        signed_by: Some(SignedBy { author: entry.uploader, signature: entry.author_signature.clone() }),
    };
    store(client, &mut entry, metadata, &content, progress).await?;
    finish(client, wallet, &mut entry, new.way, resumed, progress).await
}

/// An upload that has not ended.
#[derive(Clone, Debug, Serialize)]
pub struct Pending {
    /// The record it will be.
    pub record: RecordId,
    /// Its version.
    pub version: u16,
    /// Unix seconds.
    pub begun: u64,
    /// Whether the envelope is stored and only the registration is open.
    pub stored: bool,
}

/// Uploads that have not ended.
///
/// # Errors
/// [`Kind::LocalFile`].
pub fn pending(client: &Client) -> Result<Vec<Pending>, ClientError> {
    let entries = journal::all(client.home())?;
    Ok(entries
        .iter()
        .map(|entry| Pending {
            record: entry.record,
            version: entry.version,
            begun: entry.begun,
            stored: entry.stored.is_some(),
        })
        .collect())
}

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

/// Where an upload goes, with what the chain says about it.
struct Place {
    patient: Address,
    category: Option<Category>,
    /// The record and the version that is replaced, for a further version.
    replaces: Option<(RecordId, u16)>,
}

impl Place {
    async fn find(client: &Client, target: Target) -> Result<Self, ClientError> {
        match target {
            Target::NewRecord { patient, category } => Ok(Self { patient, category: Some(category), replaces: None }),
            Target::NewVersion(record) => {
                let known = client.chain().record(record).await?;
                if known.status == RecordStatus::Tombstoned {
                    return Err(ClientError::new(Kind::Tombstoned, "The record was withdrawn."));
                }
                Ok(Self { patient: known.patient, category: known.category, replaces: Some((record, known.version)) })
            }
        }
    }
}

/// The journal's entry of an interrupted upload of the same document to the same place, or a new one with the author's
/// signature.
async fn open_entry(
    client: &Client,
    wallet: &dyn Wallet,
    place: &Place,
    content: &Content,
) -> Result<(Entry, bool), ClientError> {
    let uploader = client.address();
    let is_same = |entry: &Entry| {
        entry.uploader == uploader
            && entry.patient == place.patient
            && entry.content_hash == content.hash
            && match place.replaces {
                None => entry.version == 1 && entry.category == place.category,
                // Its own registration may have been mined meanwhile.
                Some((record, version)) => {
                    entry.record == record && (entry.version == version + 1 || entry.version == version)
                }
            }
    };
    if let Some(entry) = journal::all(client.home())?.into_iter().find(is_same) {
        match registered_cid(client, &entry).await? {
            // Somebody else's version took the number meanwhile: this upload begins again with the next.
            Some(cid) if entry.stored.as_ref().is_none_or(|stored| stored.cid != cid) => entry.end(client.home())?,
            _ => return Ok((entry, true)),
        }
    }
    let (record, version, salt) = match place.replaces {
        None => {
            let salt = Salt(B256::new(rand::random()));
            (RecordId::derive(uploader, salt), 1, Some(salt))
        }
        Some((record, replaced)) => {
            let version = replaced
                .checked_add(1)
                .ok_or_else(|| ClientError::new(Kind::Usage, "A record has at most 65,535 versions."))?;
            (record, version, None)
        }
    };
    let begun = unix_now();
    let context = client.chain().envelope_context();
    let hash = authorship::signing_hash(&context, record, version, uploader, content.hash, begun);
    let wish = Wish { sentence: "State that this document comes from me." };
    let entry = Entry {
        record,
        version,
        salt,
        patient: place.patient,
        uploader,
        category: place.category,
        content_hash: content.hash,
        content_len: content.len,
        begun,
        author_signature: wallet.sign_typed(hash, wish).await?,
        stored: None,
    };
    entry.save(client.home())?;
    Ok((entry, false))
}

/// Encrypts and sends the document under a new data key, and notes it.
async fn store(
    client: &Client,
    entry: &mut Entry,
    metadata: Metadata,
    content: &Content,
    progress: &Progress,
) -> Result<(), ClientError> {
    let api = client.api()?;
    let context = client.chain().envelope_context();
    let ((patient_key, patient_key_epoch), info) =
        tokio::try_join!(public_key(client, entry.patient), api.server_info())?;
    let operator_key = PublicKey::from_bytes(&info.operator_key)
        .map_err(|error| ClientError::new(Kind::InvalidAnswer, "The operator's key is no key.").because(error))?;
    let metadata_len = metadata.to_cbor().map_err(|error| {
        ClientError::new(Kind::Usage, format!("The document cannot be described: {error}."))
    })?;
    let size = protocol::envelope::sealed_len(content.len, metadata_len.len());
    if size > info.envelope_bytes_max {
        return Err(ClientError::new(
            Kind::TooLarge,
            format!("The server takes envelopes of at most {} bytes; this one has {size}.", info.envelope_bytes_max),
        ));
    }

    let dek = DataKey::generate(&mut rand::rng());
    let params = SealParams {
        context,
        record: entry.record,
        version: entry.version,
        patient: entry.patient,
        patient_key,
        patient_key_epoch,
        metadata,
    };
    let sent = pipeline::seal_and_send(api, params, &dek, content, progress).await?;
    let of = context.record_version(entry.record, entry.version);
    let binding = Binding::release_share(&of, entry.patient, client.deployment().operator, OPERATOR_KEY_EPOCH);
    let release_share = Capsule::seal(&dek.release_share(&of), &operator_key, &binding);
    entry.stored = Some(Stored {
        cid: sent.cid,
        size: sent.size,
        release_share: release_share.as_bytes().to_vec().into(),
        body: None,
    });
    entry.save(client.home())
}

/// Goes on with an interrupted upload whose envelope was stored. `None`: it has to be encrypted anew.
async fn complete(
    client: &Client,
    wallet: &dyn Wallet,
    entry: &mut Entry,
    way: Way,
    progress: &Progress,
) -> Result<Option<Uploaded>, ClientError> {
    let Some(stored) = entry.stored.clone() else { return Ok(None) };
    if registered_cid(client, entry).await? == Some(stored.cid) {
        return finish(client, wallet, entry, way, true, progress).await.map(Some);
    }
    // A registration whose time has passed can no longer succeed; another one takes its place.
    if let Some(body) = &stored.body
        && body.action.as_ref().is_some_and(|signed| signed.action.deadline().saturating_to::<u64>() <= unix_now() + 30)
    {
        entry.stored = Some(Stored { body: None, ..stored });
    }
    match finish(client, wallet, entry, way, true, progress).await {
        Ok(uploaded) => Ok(Some(uploaded)),
        // The server has let the envelope go meanwhile, so it relays nothing that names it.
        Err(error)
            if matches!(
                error.kind(),
                Kind::Server(ErrorCode::NotFound | ErrorCode::InvalidEnvelope | ErrorCode::CidMismatch | ErrorCode::Expired)
            ) =>
        {
            entry.stored = None;
            entry.save(client.home())?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Registers what is stored, and ends the upload.
async fn finish(
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
async fn registered_cid(client: &Client, entry: &Entry) -> Result<Option<Cid>, ClientError> {
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
    let known = journal::salt_of(client.home(), record)?.filter(|salt| RecordId::derive(client.address(), *salt) == record);
    known.ok_or_else(|| {
        ClientError::new(Kind::NotAllowed, "Only the patient and the record's first uploader, on the device that made it, may do this.")
    })
}

/// What opens this uploader's WRITE tag for the patient: told by the server, checked against the chain.
async fn write_salt(client: &Client, entry: &Entry) -> Result<Salt, ClientError> {
    let query = GrantQuery { side: Some(GrantSide::Received), ..GrantQuery::default() };
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
