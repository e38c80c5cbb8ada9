//! Lists and downloads: fetch, check everything, decrypt.

pub(crate) mod checked_header;
mod destination;
mod error;
pub(crate) mod key;
pub(crate) mod stream;

use std::path::PathBuf;

use alloy::primitives::{Address, B256};
use futures::{StreamExt, TryStreamExt};
use protocol::{
    authorship::{self, AuthorshipProof},
    bodies::records::{RecordQuery, RecordView, VersionView},
    codes::{Category, Purpose, RecordStatus, Role},
    envelope::{EnvelopeContext, Metadata},
    ids::{LeafHash, RecordId},
};
use serde::Serialize;

pub use destination::{Destination, DestinationError};
pub use error::DownloadError;
pub(crate) use key::begins_with;

use crate::{
    accreditation,
    api::ServerError,
    chain::{ChainError, ChainRecord, ChainVersion},
    client::Client,
    lookup::LookupError,
    progress::{Progress, Step},
    told::{self, Told},
    unlock::Keys,
};

/// A filter for the list of records.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only of this patient.
    pub patient: Option<Address>,
    /// Only of this category.
    pub category: Option<Category>,
}

/// A record of a list. Every field but [`Self::told`] was compared with the chain, or read from it.
#[derive(Clone, Debug, Serialize)]
pub struct RecordItem {
    /// The record.
    pub id: RecordId,
    /// The patient.
    #[serde(with = "protocol::hex_text")]
    pub patient: Address,
    /// The category.
    pub category: Category,
    /// The status.
    pub status: RecordStatus,
    /// Unix seconds from which on its tombstone can no longer be lifted; absent where none stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liftable_until: Option<u64>,
    /// Data from the server that was not compared with the chain.
    #[serde(flatten)]
    pub told: RecordTold,
}

/// Data from the server about a record of a list. Only the version numbers were compared with the chain: none is newer than
/// the chain's newest.
#[derive(Clone, Debug, Serialize)]
pub struct RecordTold {
    /// The uploader of version 1.
    #[serde(with = "protocol::hex_text")]
    pub uploader: Address,
    /// The number of times that it was tombstoned or its tombstone was lifted.
    pub tombstone_epoch: u32,
    /// Unix seconds.
    pub created: u64,
    /// The number of versions.
    pub version_count: u16,
    /// The newest ones, oldest first. `retracted` is the chain's, for the uploaders that the server names.
    pub versions: Vec<VersionView>,
}

/// One record. Every field but [`Self::told`] was compared with the chain, or read from it.
#[derive(Clone, Debug, Serialize)]
pub struct RecordDetails {
    /// The record.
    pub id: RecordId,
    /// The patient.
    #[serde(with = "protocol::hex_text")]
    pub patient: Address,
    /// The uploader of version 1; compared if the node still has the event of that version.
    #[serde(with = "protocol::hex_text")]
    pub uploader: Address,
    /// The category.
    pub category: Category,
    /// The status.
    pub status: RecordStatus,
    /// Unix seconds from which on its tombstone can no longer be lifted; absent where none stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liftable_until: Option<u64>,
    /// The newest versions, oldest first.
    pub versions: Vec<VersionDetails>,
    /// Data from the server that was not compared with the chain.
    #[serde(flatten)]
    pub told: RecordDetailsTold,
}

/// Data from the server about one record, which was not compared with the chain.
#[derive(Clone, Debug, Serialize)]
pub struct RecordDetailsTold {
    /// The number of times that it was tombstoned or its tombstone was lifted.
    pub tombstone_epoch: u32,
    /// Unix seconds.
    pub created: u64,
    /// The number of versions.
    pub version_count: u16,
}

/// One version of a record. Every field but [`Self::told`] was compared with the chain, or read from it.
#[derive(Clone, Debug, Serialize)]
pub struct VersionDetails {
    /// From 1.
    pub version: u16,
    /// The uploader.
    #[serde(with = "protocol::hex_text")]
    pub uploader: Address,
    /// Whether its uploader says not to rely on it.
    pub retracted: bool,
    /// CIDv1 of the envelope.
    pub cid: String,
    /// Block of the registration.
    pub block_number: u64,
    /// Transaction of the registration.
    #[serde(with = "protocol::hex_text")]
    pub tx_hash: B256,
    /// Data from the server that was not compared with the chain.
    #[serde(flatten)]
    pub told: VersionTold,
}

/// Data from the server about a version, which was not compared with the chain.
#[derive(Clone, Debug, Serialize)]
pub struct VersionTold {
    /// Bytes of the envelope, if the server holds it.
    pub size: Option<u64>,
    /// Whether the operator holds its release share, so that grantees can open it.
    pub has_release_share: bool,
    /// Unix seconds.
    pub registered_at: u64,
}

/// Lists what the person owns, uploaded or was granted, newest first. A record about which the server contradicts the
/// chain is told, and does not keep the others from being listed.
///
/// # Errors
/// [`LookupError`].
pub async fn list(client: &Client, filter: Filter) -> Result<(Vec<RecordItem>, Vec<Told>), LookupError> {
    client.chain().verify_deployment().await?;
    let query = RecordQuery { patient: filter.patient, category: filter.category, ..RecordQuery::default() };
    let records = client.api()?.records(&query).await?;
    let compared = records.into_iter().map(|record| async move { (record.id, compared(client, record).await) });
    let mut compared = futures::stream::iter(compared).buffered(16);
    let (mut listed, mut told) = (Vec::new(), Vec::new());
    while let Some((record, result)) = compared.next().await {
        match result {
            Ok(item) => listed.push(item),
            Err(error) => told::tell(client, &mut told, error, |error| Told::record(record, error)).await?,
        }
    }
    Ok((listed, told))
}

/// One record, compared with the chain down to the CID of every version.
///
/// # Errors
/// [`ServerError::WrongAnswer`] if the server contradicts the chain; refusals of server and chain.
pub async fn show(client: &Client, record: RecordId) -> Result<RecordDetails, LookupError> {
    client.chain().verify_deployment().await?;
    let (item, versions) =
        tokio::try_join!(async { compared(client, client.api()?.record(record).await?).await }, async {
            Ok(client.chain().versions(record).await?)
        },)?;
    let RecordItem { id, patient, category, status, liftable_until, told } = item;
    let first = versions.iter().find(|version| version.version == 1);
    if first.is_some_and(|first| first.uploader != told.uploader) {
        return Err(contradiction().into());
    }
    let details = |told: VersionView| {
        let known = versions.iter().find(|version| version.version == told.version).ok_or_else(contradiction)?;
        if known.cid.to_string() != told.cid || known.uploader != told.uploader {
            return Err(contradiction());
        }
        let VersionView { version, uploader, retracted, cid, size, has_release_share, registered_at, .. } = told;
        Ok(VersionDetails {
            version,
            uploader,
            retracted,
            cid,
            block_number: known.block_number,
            tx_hash: known.tx_hash,
            told: VersionTold { size, has_release_share, registered_at },
        })
    };
    let RecordTold { uploader, tombstone_epoch, created, version_count, versions: told_versions } = told;
    Ok(RecordDetails {
        id,
        patient,
        uploader,
        category,
        status,
        liftable_until,
        versions: told_versions.into_iter().map(details).collect::<Result<_, ServerError>>()?,
        told: RecordDetailsTold { tombstone_epoch, created, version_count },
    })
}

/// Compares a record with the chain. The server may be a moment behind, never ahead or otherwise.
async fn compared(client: &Client, mut told: RecordView) -> Result<RecordItem, LookupError> {
    let known = client.chain().find_record(told.id).await?.ok_or_else(contradiction)?;
    let newest = told.versions.iter().map(|version| version.version).max().unwrap_or_default();
    if known.patient != told.patient || known.category != Some(told.category) || newest > known.version {
        return Err(contradiction().into());
    }
    let liftable_until = match known.status {
        RecordStatus::Tombstoned => Some(client.chain().tombstone(told.id).await?.liftable_until),
        _ => None,
    };
    for version in &mut told.versions {
        version.retracted = is_retracted(&known, version.version, version.uploader, told.uploader);
    }
    Ok(RecordItem {
        id: told.id,
        patient: known.patient,
        category: told.category,
        status: known.status,
        liftable_until,
        told: RecordTold {
            uploader: told.uploader,
            tombstone_epoch: told.tombstone_epoch,
            created: told.created,
            version_count: told.version_count,
            versions: told.versions,
        },
    })
}

/// Returns whether the first uploader says not to rely on a version: a word about its own versions only (SPEC, section 9).
pub(crate) fn is_retracted(known: &ChainRecord, version: u16, uploader: Address, first_uploader: Address) -> bool {
    version <= known.retracted && uploader == first_uploader
}

fn contradiction() -> ServerError {
    ServerError::WrongAnswer("The server describes a record otherwise than the chain.")
}

/// The version, or the part of it, that is to be opened.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The record.
    pub record: RecordId,
    /// The version; the newest if absent.
    pub version: Option<u16>,
    /// Why, for everyone but the owner; the only purpose of the grant if absent.
    pub purpose: Option<Purpose>,
    /// Only these bytes of the document; the whole document if absent. The whole envelope is fetched and checked all the
    /// same, since only the whole can be compared with the chain.
    pub range: Option<std::ops::Range<u64>>,
}

/// The author of a document.
#[derive(Clone, Debug, Serialize)]
pub struct Author {
    /// Whether the author signed the content. If not, the author is whoever registered the version on chain.
    pub signed: bool,
    /// Whether there is a signature that was not made by the author that it names. The document still opens: otherwise
    /// a bad signature would keep it from its owner (SPEC, section 5).
    pub forged: bool,
    /// The address of the author.
    #[serde(with = "protocol::hex_text")]
    pub address: Address,
    /// Their name, from a profile that an active accreditor signed.
    pub name: Option<String>,
    /// Roles that count now, from the chain.
    pub roles: Vec<Role>,
}

/// An opened document.
#[derive(Clone, Debug, Serialize)]
pub struct Opened {
    /// The record.
    pub record: RecordId,
    /// Its version.
    pub version: u16,
    /// The patient.
    #[serde(with = "protocol::hex_text")]
    pub patient: Address,
    /// The uploader of this version, from the chain.
    #[serde(with = "protocol::hex_text")]
    pub uploader: Address,
    /// Whether its uploader says not to rely on it, from the chain.
    pub retracted: bool,
    /// The document's own name.
    pub file_name: String,
    /// Its media type.
    pub media_type: String,
    /// When it was made, unix seconds, as its author says.
    pub created: u64,
    /// Bytes of the whole document.
    pub content_bytes: u64,
    /// Hash of the content (SHA-256 over the hashes of its 1 MiB pieces).
    #[serde(with = "protocol::hex_text")]
    pub content_hash: B256,
    /// The author.
    pub author: Author,
    /// The path of the document.
    pub path: PathBuf,
    /// The leaf of the operator's log, for everyone but the owner.
    pub leaf: Option<LeafHash>,
}

/// Opens one version of a record and writes the document.
///
/// # Errors
/// [`DownloadError`]; the server's refusals (`grant_revoked`, `grant_expired`, `not_accredited`, `share_missing`, …) are
/// [`DownloadError::Server`].
pub async fn get(
    client: &Client,
    keys: &Keys,
    wanted: &Wanted,
    destination: &Destination,
    progress: &Progress,
) -> Result<Opened, DownloadError> {
    client.chain().verify_deployment().await?;
    let (version, retracted) = find_version(client, wanted.record, wanted.version).await?;
    destination.check()?;
    let context = client.chain().envelope_context();
    let is_owner = version.patient == keys.owner();
    let granted = if is_owner {
        None
    } else {
        progress.tell(Step::Asking);
        Some(key::ask(client, keys, &version, wanted.purpose).await?)
    };

    let source = stream::from_api(client.api()?, version.cid).await?;
    let total = source.total;
    let data_key = async |header: &protocol::envelope::Header| match &granted {
        None => keys.open_owner_capsule(&context, header),
        Some(granted) => key::joined(client, &version, header, granted).await,
    };
    let expected = stream::Expected { context, record: version.record, version: version.version, cid: version.cid };
    let told = progress.clone();
    let folder = destination.folder()?;
    let opening = stream::open(
        source.pieces.map_err(DownloadError::from),
        expected,
        data_key,
        folder,
        wanted.range.clone(),
        move |done| told.tell(Step::Fetching { done, total: Some(total) }),
    );
    let evidence = async {
        match &granted {
            Some(granted) => key::check_evidence(client, granted).await,
            None => Ok(()),
        }
    };
    let (written, ()) = tokio::try_join!(opening, evidence)?;
    let author = author_of(client, &context, &version, &written.metadata).await?;
    let path = destination.put(written.file, &written.metadata.file_name)?;
    let metadata = written.metadata;
    Ok(Opened {
        record: version.record,
        version: version.version,
        patient: version.patient,
        uploader: version.uploader,
        retracted,
        file_name: metadata.file_name,
        media_type: metadata.media_type,
        created: metadata.created,
        content_bytes: metadata.content_len,
        content_hash: metadata.content_hash,
        author,
        path,
        leaf: granted.map(|granted| granted.leaf),
    })
}

/// The version on chain that was asked for, the newest if none was named; and whether it is retracted.
async fn find_version(
    client: &Client,
    record: RecordId,
    version: Option<u16>,
) -> Result<(ChainVersion, bool), DownloadError> {
    let (known, versions) = tokio::try_join!(client.chain().record(record), client.chain().versions(record))?;
    if known.status == RecordStatus::Tombstoned {
        return Err(DownloadError::Withdrawn);
    }
    let number = version.unwrap_or(known.version);
    if !(1..=known.version).contains(&number) {
        return Err(DownloadError::UnknownVersion { newest: known.version, asked: number });
    }
    let event_of = |number| {
        let known = versions.iter().find(|version| version.version == number);
        known.ok_or(ChainError::NoHistory("The Ethereum node no longer has the event of this version."))
    };
    let (wanted, first) = (event_of(number)?, event_of(1)?);
    Ok((*wanted, is_retracted(&known, number, wanted.uploader, first.uploader)))
}

/// Returns the author of a document, after checking their signature.
async fn author_of(
    client: &Client,
    context: &EnvelopeContext,
    version: &ChainVersion,
    metadata: &Metadata,
) -> Result<Author, DownloadError> {
    let proof = authorship::verify(context, version.record, version.version, metadata);
    let author = match proof {
        AuthorshipProof::Signed(author) => Some(author),
        AuthorshipProof::Unsigned => None,
        AuthorshipProof::AskContract(author) => {
            let hash = authorship::signing_hash(
                context,
                version.record,
                version.version,
                author,
                metadata.content_hash,
                metadata.created,
            );
            let signature = metadata.signed_by.as_ref().map(|signed| signed.signature.clone()).unwrap_or_default();
            client.chain().contract_accepts(author, hash, &signature).await?.then_some(author)
        }
        _ => None,
    };
    let (signed, forged) = (author.is_some(), author.is_none() && proof != AuthorshipProof::Unsigned);
    let address = author.unwrap_or(version.uploader);
    let person = accreditation::person(client, address).await?;
    let (name, roles) = person.map_or((None, Vec::new()), |person| {
        let roles = if person.counts { person.roles } else { Vec::new() };
        (person.name, roles)
    });
    Ok(Author { signed, forged, address, name, roles })
}
