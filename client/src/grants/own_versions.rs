//! The patient's own record versions with their data keys: what bundles and release shares are made of.

use std::time::Duration;

use alloy::primitives::Address;
use bytes::BytesMut;
use futures::{StreamExt, TryStreamExt};
use protocol::{
    bundle::Bundle,
    capsule::{Binding, Capsule, OPERATOR_KEY_EPOCH},
    codes::RecordStatus,
    envelope::{HEADER_LEN, Header},
    error_code::ErrorCode,
    identity::PublicKey,
    ids::RecordId,
    secret::DataKey,
};

use crate::{
    chain::ChainVersion,
    client::Client,
    download::stream::open_error,
    error::{ClientError, Kind},
    unlock::Keys,
};

/// How often a version that stands on chain is asked for while the server's mirror does not have it yet.
const MIRROR_TRIES: u32 = 10;
const MIRROR_PAUSE: Duration = Duration::from_millis(300);

/// Versions of one record, oldest first, each with its data key.
pub(crate) struct OwnVersions {
    record: RecordId,
    patient: Address,
    versions: Vec<(ChainVersion, DataKey)>,
}

impl OwnVersions {
    /// Opens the owner capsule of every version.
    ///
    /// # Errors
    /// [`Kind::NotAllowed`] for somebody else's record; [`Kind::Tombstoned`]; [`Kind::Commitment`] or
    /// [`Kind::InvalidEnvelope`] for a version that its uploader made otherwise than the protocol says.
    pub(crate) async fn of_record(client: &Client, keys: &Keys, record: RecordId) -> Result<Self, ClientError> {
        let (known, versions) = tokio::try_join!(client.chain().record(record), client.chain().versions(record))?;
        if known.patient != keys.owner() {
            return Err(ClientError::new(Kind::NotAllowed, format!("Record {record} is somebody else's.")));
        }
        if known.status == RecordStatus::Tombstoned {
            return Err(ClientError::new(Kind::Tombstoned, format!("Record {record} was withdrawn.")));
        }
        let open = async |version: ChainVersion| {
            let dek = open_version(client, keys, &version).await?;
            Ok::<_, ClientError>((version, dek))
        };
        let versions = futures::stream::iter(versions.into_iter().map(open)).buffered(8).try_collect().await?;
        Ok(Self { record, patient: keys.owner(), versions })
    }

    /// The capsules for one grantee. The same versions, key and grant epoch always give the same bytes.
    pub(crate) fn bundle(
        &self,
        client: &Client,
        grantee: Address,
        grantee_key: (&PublicKey, u32),
        grant_epoch: u32,
    ) -> Result<Bundle, ClientError> {
        let context = client.chain().envelope_context();
        let (key, key_epoch) = grantee_key;
        let capsules = self.versions.iter().map(|(version, dek)| {
            let of = context.record_version(self.record, version.version);
            let binding = Binding::reader_share(&of, self.patient, grantee, key_epoch, grant_epoch);
            (version.version, Capsule::seal(&dek.reader_share(&of), key, &binding))
        });
        Bundle::new(self.record, capsules.collect())
            .map_err(|error| ClientError::new(Kind::NoHistory, "The RPC does not have every version.").because(error))
    }
}

impl OwnVersions {
    /// Which record.
    pub(crate) const fn record(&self) -> RecordId {
        self.record
    }

    /// The release share of every version, sealed to the operator.
    pub(crate) fn release_shares(&self, client: &Client, operator_key: &PublicKey) -> Vec<(u16, Capsule)> {
        let seal = |(version, dek): &(ChainVersion, DataKey)| {
            (version.version, seal_release_share(client, self.patient, version, dek, operator_key))
        };
        self.versions.iter().map(seal).collect()
    }
}

/// The data key of one version of an own record, from its owner capsule.
pub(crate) async fn open_version(client: &Client, keys: &Keys, version: &ChainVersion) -> Result<DataKey, ClientError> {
    let header = fetch_header(client, version).await?;
    let context = client.chain().envelope_context();
    header.open_owner_capsule(&context, keys.owner(), &keys.identity_at(header.key_epoch)).map_err(open_error)
}

/// The release share of one version, sealed to the operator.
pub(crate) fn seal_release_share(
    client: &Client,
    patient: Address,
    version: &ChainVersion,
    dek: &DataKey,
    operator_key: &PublicKey,
) -> Capsule {
    let of = client.chain().envelope_context().record_version(version.record, version.version);
    let binding = Binding::release_share(&of, patient, client.deployment().operator, OPERATOR_KEY_EPOCH);
    Capsule::seal(&dek.release_share(&of), operator_key, &binding)
}

/// The first 161 bytes of an envelope.
///
/// They are not compared with the CID, which takes the whole file. What a lying store could gain by another header is
/// nothing: the capsule in it opens only if somebody sealed it to this patient for exactly this version, and the key it
/// then gives opens nothing but that somebody's own envelope.
async fn fetch_header(client: &Client, version: &ChainVersion) -> Result<Header, ClientError> {
    let api = client.api()?;
    let mut tries = 0;
    let mut blob = loop {
        match api.blob(&version.cid, Some(0..HEADER_LEN as u64)).await {
            // The version stands on chain; the server's mirror may be a moment behind.
            Err(error) if *error.kind() == Kind::Server(ErrorCode::NotFound) && tries < MIRROR_TRIES => {
                tries += 1;
                tokio::time::sleep(MIRROR_PAUSE).await;
            }
            other => break other?,
        }
    };
    let mut bytes = BytesMut::with_capacity(HEADER_LEN);
    while bytes.len() < HEADER_LEN {
        match blob.chunk().await? {
            Some(chunk) => bytes.extend_from_slice(&chunk),
            None => break,
        }
    }
    let header = Header::parse(&bytes).map_err(open_error)?;
    header.expect(version.record, version.version).map_err(open_error)?;
    Ok(header)
}
