//! The patient's own record versions with their data keys: what bundles and release shares are made of.

use alloy::primitives::Address;
use futures::StreamExt;
use protocol::{
    bundle::{Bundle, BundleError},
    capsule::{Binding, Capsule},
    codes::RecordStatus,
    envelope::Header,
    identity::PublicKey,
    ids::RecordId,
    operator_keys::OperatorPublicKey,
    secret::DataKey,
};

use crate::{
    api::ServerError,
    chain::{ChainError, ChainVersion},
    client::Client,
    download::checked_header::checked_header,
    envelope::EnvelopeError,
    error::{codes, failure, lift},
    home::DeviceError,
    told::{Told, concerns_all},
    unlock::Keys,
};

/// Why the versions of a record cannot be shared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VersionsError {
    /// The record is somebody else's.
    #[error("Record {0} is somebody else's.")]
    NotYours(RecordId),
    /// The record was withdrawn.
    #[error("Record {0} was withdrawn.")]
    Withdrawn(RecordId),
    /// The node no longer has the events of all versions.
    #[error("The Ethereum node does not have every version.")]
    Incomplete(#[source] BundleError),
    /// No version opens; the reason of the first.
    #[error(transparent)]
    Envelope(EnvelopeError),
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { VersionsError {
    NotYours => codes::NOT_ALLOWED;
    Withdrawn => codes::RECORD_TOMBSTONED;
    Incomplete => codes::NO_HISTORY;
    ..Envelope;
    ..Server;
    ..Chain;
    ..Device;
} }

lift! { EnvelopeError => VersionsError { Server, Chain, Device, ..Envelope } }

/// Versions whose envelopes are read at once.
const READ_AT_ONCE: usize = 3;

/// Versions of one record, oldest first, each with its data key; and those that do not open.
pub(crate) struct OwnVersions {
    record: RecordId,
    patient: Address,
    versions: Vec<(ChainVersion, DataKey)>,
    told: Vec<Told>,
}

impl OwnVersions {
    /// Opens the owner capsule of every version. One that is missing or that its uploader made otherwise than the
    /// protocol says is told, and does not keep the others from being shared.
    ///
    /// # Errors
    /// [`VersionsError`]; if no version opens, the reason of the first.
    pub(crate) async fn of_record(client: &Client, keys: &Keys, record: RecordId) -> Result<Self, VersionsError> {
        let (known, versions) = tokio::try_join!(client.chain().record(record), client.chain().versions(record))?;
        if known.patient != keys.owner() {
            return Err(VersionsError::NotYours(record));
        }
        if known.status == RecordStatus::Tombstoned {
            return Err(VersionsError::Withdrawn(record));
        }
        let open = async |version: ChainVersion| {
            let opened = open_version(client, keys, &version).await;
            (version, opened)
        };
        let mut own = Self { record, patient: keys.owner(), versions: Vec::new(), told: Vec::new() };
        let mut first = None;
        let mut opened = futures::stream::iter(versions.into_iter().map(open)).buffered(READ_AT_ONCE);
        while let Some((version, result)) = opened.next().await {
            match result {
                Ok(dek) => own.versions.push((version, dek)),
                Err(error) if concerns_all(client, &error).await => return Err(error.into()),
                Err(error) => {
                    own.told.push(Told::version(record, version.version, &error));
                    first.get_or_insert(error);
                }
            }
        }
        match first {
            Some(error) if own.versions.is_empty() => Err(error.into()),
            _ => Ok(own),
        }
    }

    /// The versions that do not open, and why.
    pub(crate) fn told(&self) -> &[Told] {
        &self.told
    }

    /// The capsules for one grantee. The same versions, key and grant epoch always give the same bytes.
    pub(crate) fn bundle(
        &self,
        client: &Client,
        grantee: Address,
        grantee_key: (&PublicKey, u32),
        grant_epoch: u32,
    ) -> Result<Bundle, VersionsError> {
        let context = client.chain().envelope_context();
        let (key, key_epoch) = grantee_key;
        let capsules = self.versions.iter().map(|(version, dek)| {
            let of = context.record_version(self.record, version.version);
            let binding = Binding::reader_share(&of, self.patient, grantee, key_epoch, grant_epoch);
            (version.version, Capsule::seal(&dek.reader_share(&of), key, &binding))
        });
        Bundle::new(self.record, capsules.collect()).map_err(VersionsError::Incomplete)
    }
}

impl OwnVersions {
    /// The release share of every version, sealed to the operator.
    pub(crate) fn release_shares(&self, client: &Client, operator_key: &OperatorPublicKey) -> Vec<(u16, Capsule)> {
        let seal = |(version, dek): &(ChainVersion, DataKey)| {
            (version.version, seal_release_share(client, self.patient, version, dek, operator_key))
        };
        self.versions.iter().map(seal).collect()
    }
}

/// The data key of one version of an own record, from its owner capsule.
pub(crate) async fn open_version(
    client: &Client,
    keys: &Keys,
    version: &ChainVersion,
) -> Result<DataKey, EnvelopeError> {
    let header = fetch_header(client, version).await?;
    let context = client.chain().envelope_context();
    keys.open_owner_capsule(&context, &header)
}

/// The release share of one version, sealed to the operator.
pub(crate) fn seal_release_share(
    client: &Client,
    patient: Address,
    version: &ChainVersion,
    dek: &DataKey,
    operator_key: &OperatorPublicKey,
) -> Capsule {
    let of = client.chain().envelope_context().record_version(version.record, version.version);
    let binding = Binding::release_share(&of, patient, client.deployment().operator, operator_key.epoch);
    Capsule::seal(&dek.release_share(&of), &operator_key.key, &binding)
}

/// The header of an envelope of which every byte was compared with the CID on chain.
///
/// Anybody can seal a data key of their own to a patient (HPKE base mode has no sender). With a header of its own making a
/// server would have the patient sign a bundle, or deposit a release share, of a key that opens nothing.
async fn fetch_header(client: &Client, version: &ChainVersion) -> Result<Header, EnvelopeError> {
    let bytes = checked_header(client, version).await?;
    let header = Header::parse(&bytes)?;
    header.expect(version.record, version.version)?;
    Ok(header)
}
