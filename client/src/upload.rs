//! Uploads: hash and sign, encrypt while sending, register, deposit the release share.
//!
//! The order of effects follows from what may be lost: the envelope is stored, then the release share (in the same
//! request as the signed registration), then the chain. What is done is in the journal before the next step begins.
//! A document whose size is refused is neither hashed nor signed, and leaves no entry in the journal.

pub(crate) mod authority;
mod content;
mod error;
mod journal;
mod media_type;
mod pipeline;
mod registration;
mod size;

use alloy::primitives::{Address, B256};
use protocol::{
    authorship,
    bodies::{account::ServerInfo, records::RegisterBody},
    capsule::{Binding, Capsule},
    codes::{Category, RecordStatus},
    envelope::{Metadata, SealParams, SignedBy},
    error_code::ErrorCode,
    identity::PublicKey,
    ids::{RecordId, Salt},
    secret::DataKey,
};
use serde::Serialize;

pub use self::{authority::AuthorityError, content::Source, error::UploadError};
use self::{
    authority::write_salt,
    content::{Content, Opened},
    journal::{Entry, Stored},
    registration::{on_chain, register},
};
use crate::{
    act::{Settled, Way},
    chain::{ChainVersion, unix_now},
    client::Client,
    error::{Code, Failure, codes},
    home::DeviceError,
    operator_key, own_key,
    progress::Progress,
    published_key::public_key,
    told::concerns_all,
    unlock,
    wallet::{Wallet, Wish},
};

/// Length of the signature of a wallet that is a key.
const SIGNATURE_LEN: usize = 65;

/// The record that an upload starts or continues.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// A new record.
    NewRecord {
        /// The patient: oneself, or somebody who granted WRITE.
        patient: Address,
        /// The category.
        category: Category,
    },
    /// The next version of a record.
    NewVersion(RecordId),
}

/// A document to be uploaded, and where it goes.
pub struct NewUpload {
    /// The document.
    pub source: Source,
    /// The record that it starts or continues.
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
    /// The transaction of the registration.
    pub settled: Settled,
    /// Whether an interrupted upload of the same document was completed instead of starting a new one.
    pub resumed: bool,
}

/// Uploads one document. After an interruption the same call completes the upload that it began: no second record.
///
/// # Errors
/// [`UploadError`]: [`UploadError::KitNotSaved`] for one's own records before the words are saved, [`UploadError::Empty`]
/// and [`UploadError::TooLarge`] before the document is hashed.
pub async fn upload(
    client: &Client,
    wallet: &dyn Wallet,
    new: NewUpload,
    progress: &Progress,
) -> Result<Uploaded, UploadError> {
    client.chain().verify_deployment().await?;
    let place = Place::find(client, new.target).await?;
    if place.patient == client.address() && !unlock::is_saved(client)? {
        return Err(UploadError::KitNotSaved);
    }
    let info = client.api()?.server_info().await?;
    let opened = Opened::open(new.source, info.envelope_bytes_max, progress).await?;
    let media_type = new.media_type.unwrap_or_else(|| media_type::of(&new.file_name).to_owned());
    let mut metadata = Metadata {
        content_len: opened.len,
        fhir_type: media_type::fhir_type(&media_type, &opened),
        media_type,
        file_name: new.file_name,
        content_hash: B256::ZERO,
        created: unix_now(),
        codes: Vec::new(),
        signed_by: Some(SignedBy { author: client.address(), signature: vec![0; SIGNATURE_LEN].into() }),
    };
    // An envelope that the server has already is not sent again, however large.
    if !journal::has_stored(client.home(), opened.len)?
        && let Err(refused) = size::check(&metadata, info.envelope_bytes_max)
    {
        if matches!(refused, UploadError::Empty | UploadError::TooLarge { .. }) {
            journal::end_unstored(client.home(), opened.len)?;
        }
        return Err(refused);
    }
    let content = opened.hash(progress).await?;
    let found = find_entry(client, &place, content.hash).await?;
    let resumed = found.is_some();
    let (mut entry, standing) = match found {
        Some(found) => found,
        None => {
            // Nothing is signed or noted for an upload that could not be sealed or registered.
            patient_key(client, place.patient).await?;
            if place.patient != client.address() {
                write_salt(client, place.patient, place.category).await?;
            }
            (new_entry(client, wallet, &place, &content).await?, None)
        }
    };
    let settled = match register_stored(client, wallet, &mut entry, standing, new.way, progress).await? {
        Some(settled) => settled,
        None => {
            metadata.content_hash = content.hash;
            metadata.created = entry.begun;
            metadata.signed_by = Some(SignedBy { author: entry.uploader, signature: entry.author_signature.clone() });
            // A wallet that is a contract may sign at greater length than was counted above.
            if let Err(refused) = size::check(&metadata, info.envelope_bytes_max) {
                entry.end(client.home())?;
                return Err(refused);
            }
            store(client, &mut entry, metadata, &info, &content, progress).await?;
            register(client, wallet, &mut entry, None, new.way, progress).await?
        }
    };
    entry.end(client.home())?;
    let stored = entry.stored.expect("what is registered is stored");
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

/// Returns whether the failure of one upload would stop the next one, too.
pub async fn stops_others(client: &Client, error: &UploadError) -> bool {
    let code = error.code();
    if code == codes::LOCAL_FILE {
        // Most often it is the file that was to be uploaded.
        return !client.home().can_write();
    }
    let stopping: [Code; 7] = [
        codes::KIT_NOT_SAVED,
        codes::KEY_NOT_REGISTERED,
        codes::FOREIGN_KEY,
        codes::OWN_KEY_UNKNOWN,
        codes::NO_GRANT,
        ErrorCode::QuotaExceeded.into(),
        ErrorCode::BudgetExceeded.into(),
    ];
    stopping.contains(&code) || concerns_all(client, error).await
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

/// Uploads that have not ended, and the notes of uploads that cannot be read.
///
/// # Errors
/// [`DeviceError::File`].
pub fn pending(client: &Client) -> Result<(Vec<Pending>, Vec<DeviceError>), DeviceError> {
    let (entries, damaged) = journal::all(client.home())?;
    let pending = entries
        .iter()
        .map(|entry| Pending {
            record: entry.record,
            version: entry.version,
            begun: entry.begun,
            stored: entry.stored.is_some(),
        })
        .collect();
    Ok((pending, damaged))
}

/// The record that an upload starts or continues, compared with the chain.
struct Place {
    patient: Address,
    category: Option<Category>,
    /// The record and the version that is replaced, for a further version.
    replaces: Option<(RecordId, u16)>,
}

impl Place {
    async fn find(client: &Client, target: Target) -> Result<Self, UploadError> {
        match target {
            Target::NewRecord { patient, category } => Ok(Self { patient, category: Some(category), replaces: None }),
            Target::NewVersion(record) => {
                let known = client.chain().record(record).await?;
                if known.status == RecordStatus::Tombstoned {
                    return Err(UploadError::Withdrawn);
                }
                Ok(Self { patient: known.patient, category: known.category, replaces: Some((record, known.version)) })
            }
        }
    }
}

/// The journal's entry of an interrupted upload of the same document to the same place, and the version that it has on
/// chain, if one. `None` if there is no such upload, or if the chain has another envelope under its number.
async fn find_entry(
    client: &Client,
    place: &Place,
    content_hash: B256,
) -> Result<Option<(Entry, Option<ChainVersion>)>, UploadError> {
    let is_same = |entry: &Entry| {
        entry.uploader == client.address()
            && entry.patient == place.patient
            && entry.content_hash == content_hash
            && match place.replaces {
                None => entry.version == 1 && entry.category == place.category,
                // Its own registration may have been mined meanwhile.
                Some((record, version)) => {
                    entry.record == record && (entry.version == version + 1 || entry.version == version)
                }
            }
    };
    // A note that cannot be read is no reason to upload nothing: medlock doctor names it.
    let (entries, _) = journal::all(client.home())?;
    let Some(entry) = entries.into_iter().find(is_same) else { return Ok(None) };
    let standing = on_chain(client, &entry).await?;
    let stored = entry.stored.as_ref().map(|stored| stored.cid);
    if standing.is_some_and(|standing| stored != Some(standing.cid)) {
        // Somebody else's version took the number meanwhile: this upload begins again with the next.
        entry.end(client.home())?;
        return Ok(None);
    }
    Ok(Some((entry, standing)))
}

/// A new entry of the journal, with the author's signature.
async fn new_entry(
    client: &Client,
    wallet: &dyn Wallet,
    place: &Place,
    content: &Content,
) -> Result<Entry, UploadError> {
    let uploader = client.address();
    let (record, version, salt) = match place.replaces {
        None => {
            let salt = Salt(B256::new(rand::random()));
            (RecordId::derive(uploader, salt), 1, Some(salt))
        }
        Some((record, replaced)) => {
            let version = replaced.checked_add(1).ok_or(UploadError::TooManyVersions)?;
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
    Ok(entry)
}

/// Returns the key that a patient's records are sealed to, and its epoch. One's own records are sealed to one's own key,
/// never to whatever the chain has newest.
async fn patient_key(client: &Client, patient: Address) -> Result<(PublicKey, u32), UploadError> {
    if patient == client.address() {
        Ok(own_key::to_seal_to(client).await?)
    } else {
        Ok(public_key(client, patient).await?)
    }
}

/// Encrypts and sends the document under a new data key, and notes it.
async fn store(
    client: &Client,
    entry: &mut Entry,
    metadata: Metadata,
    info: &ServerInfo,
    content: &Content,
    progress: &Progress,
) -> Result<(), UploadError> {
    let api = client.api()?;
    let context = client.chain().envelope_context();
    let (patient_key, patient_key_epoch) = patient_key(client, entry.patient).await?;
    let operator_key = operator_key::check(client, &info.deployment, operator_key::SERVER)?;

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
    let binding = Binding::release_share(&of, entry.patient, client.deployment().operator, operator_key.epoch);
    let release_share = Capsule::seal(&dek.release_share(&of), &operator_key.key, &binding);
    entry.stored = Some(Stored {
        cid: sent.cid,
        size: sent.size,
        release_share: release_share.as_bytes().to_vec().into(),
        body: None,
    });
    Ok(entry.save(client.home())?)
}

/// Registers the envelope that an interrupted upload has stored. `None`: nothing is stored, or the server no longer has it,
/// so the document must be encrypted anew.
async fn register_stored(
    client: &Client,
    wallet: &dyn Wallet,
    entry: &mut Entry,
    standing: Option<ChainVersion>,
    way: Way,
    progress: &Progress,
) -> Result<Option<Settled>, UploadError> {
    let Some(stored) = &mut entry.stored else { return Ok(None) };
    if standing.is_some() {
        return register(client, wallet, entry, standing, way, progress).await.map(Some);
    }
    // A registration whose time has passed can no longer succeed; another one takes its place.
    let is_over = |body: &RegisterBody| {
        let deadline = body.action.as_ref().map(|signed| signed.action.deadline().saturating_to::<u64>());
        deadline.is_some_and(|deadline| deadline <= unix_now() + 30)
    };
    stored.body.take_if(|body| is_over(body));
    match register(client, wallet, entry, None, way, progress).await {
        Ok(settled) => Ok(Some(settled)),
        // The server has let the envelope go meanwhile, so it relays nothing that names it.
        Err(UploadError::Server(error))
            if matches!(
                error.refusal(),
                Some(ErrorCode::NotFound | ErrorCode::InvalidEnvelope | ErrorCode::CidMismatch | ErrorCode::Expired)
            ) =>
        {
            entry.stored = None;
            entry.save(client.home())?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
