//! A grantee's way to the data key: the bundle, a signed read request, the operator's release share and receipt.

use alloy::primitives::B256;
use protocol::{
    bodies::{
        grants::{GrantQuery, GrantSide, GrantState, GrantView},
        reads::ReadBody,
    },
    bundle::Bundle,
    capsule::{Binding, Capsule, CapsuleError},
    codes::{Purpose, Right, ScopeKind},
    envelope::Header,
    ids::{LeafHash, Salt, Tag},
    reads::{ANCHOR_SECONDS_MAX, READ_REQUEST_SECONDS_MAX, ReadRequest, SignedReceipt},
    secret::{DataKey, ReaderShare, ReleaseShare},
};

use super::error::DownloadError;
use crate::{
    chain::{ChainVersion, unix_now},
    client::Client,
    envelope::EnvelopeError,
    receipts::{self, Receipt},
    session,
    unlock::Keys,
};

/// How far the operator's clock may be from this device's, in seconds.
const CLOCK_SECONDS: u64 = 300;

/// Both halves of a data key, and the leaf that stands for the release.
pub(super) struct Granted {
    reader: ReaderShare,
    released: ReleaseShare,
    request: ReadRequest,
    pub(super) leaf: LeafHash,
    anchor_by: u64,
}

/// Opens the capsule of the grant and asks the operator for the release share.
pub(super) async fn ask(
    client: &Client,
    keys: &Keys,
    version: &ChainVersion,
    purpose: Option<Purpose>,
) -> Result<Granted, DownloadError> {
    let session = session::current(client)?;
    let grant = find_grant(client, version, keys).await?;
    let salt = grant.salt.ok_or(DownloadError::WrongBundle(None))?;
    let terms = client.chain().terms(version.patient, grant.tag, ScopeKind::Record, version.record.0).await?;
    let purpose = choose_purpose(purpose, &Purpose::from_mask(terms.purposes))?;
    let capsule = capsule_of(client, &grant, version).await?;
    let reader = open_capsule(client, keys, &capsule, version, terms.epoch)?;

    let request = ReadRequest {
        login_hash: session.login_hash(),
        record: version.record,
        version: version.version,
        purpose,
        grantee: keys.owner(),
        salt,
        nonce: B256::new(rand::random()),
        // Half of what is allowed: the server's clock may be a little behind this device's.
        deadline: unix_now() + READ_REQUEST_SECONDS_MAX / 2,
    };
    let signature = session.sign(&request.signed_bytes(client.deployment()));
    let body = ReadBody { request, signature: signature.to_vec().into() };
    let answer = client.api()?.read(&body).await?;
    let released = ReleaseShare::from_bytes(answer.release_share.0);
    check_receipt(client, version, answer.leaf, &answer.receipt).await?;
    let anchor_by = answer.receipt.receipt.anchorBy;
    let receipt = Receipt {
        leaf: answer.leaf,
        record: version.record,
        version: version.version,
        received_at: unix_now(),
        signed: answer.receipt,
    };
    receipts::keep(client.home(), &receipt)?;
    Ok(Granted { reader, released, request: body.request, leaf: answer.leaf, anchor_by })
}

/// The grant by which this person may read the record. Whether it counts is the chain's and the operator's to say; the
/// server's word about a grant that has ended only makes a better sentence.
async fn find_grant(client: &Client, version: &ChainVersion, keys: &Keys) -> Result<GrantView, DownloadError> {
    let query = GrantQuery { side: Some(GrantSide::Received), record: Some(version.record), ..GrantQuery::default() };
    let grants = client.api()?.grants(&query).await?;
    let ours = |grant: &&GrantView| {
        grant.patient == version.patient
            && grant.kind == ScopeKind::Record
            && grant.scope_id == version.record.0
            && grant.salt.is_some_and(|salt| opens(grant.tag, keys, salt))
            // A revoked grant no longer says which right it gave.
            && grant.right != Some(Right::Write)
    };
    let best = grants.iter().filter(ours).min_by_key(|grant| match grant.state {
        GrantState::Active => 0,
        GrantState::Future => 1,
        GrantState::Expired => 2,
        GrantState::Revoked => 3,
    });
    let best = best.ok_or(DownloadError::NoGrant)?;
    match best.state {
        GrantState::Active => Ok(best.clone()),
        GrantState::Future => Err(DownloadError::GrantNotBegun),
        GrantState::Expired => Err(DownloadError::GrantExpired),
        GrantState::Revoked => Err(DownloadError::GrantRevoked),
    }
}

fn opens(tag: Tag, keys: &Keys, salt: Salt) -> bool {
    protocol::identity::opens_tag(tag, keys.owner(), salt)
}

fn choose_purpose(wished: Option<Purpose>, granted: &[Purpose]) -> Result<Purpose, DownloadError> {
    match (wished, granted) {
        (Some(purpose), granted) if granted.contains(&purpose) => Ok(purpose),
        (Some(purpose), []) => Ok(purpose),
        (None, [only]) => Ok(*only),
        (None, []) => Err(DownloadError::NoGrant),
        (Some(asked), granted) => Err(DownloadError::OtherPurpose { granted: granted.to_vec(), asked }),
        (None, granted) => Err(DownloadError::SeveralPurposes(granted.to_vec())),
    }
}

/// The capsule of a version, from a bundle whose granted part hashes to what the chain names. Versions that came later
/// were added off chain; those are checked by opening.
async fn capsule_of(client: &Client, grant: &GrantView, version: &ChainVersion) -> Result<Capsule, DownloadError> {
    let body = client.api()?.bundle(grant.id).await?;
    let bundle = Bundle::try_from(&body).map_err(|error| DownloadError::WrongBundle(Some(error.into())))?;
    let hash = client.chain().bundle_hash(version.patient, grant.tag, ScopeKind::Record, version.record.0).await?;
    if bundle.record() != version.record || !begins_with(&bundle, hash) {
        return Err(DownloadError::WrongBundle(None));
    }
    bundle.find(version.version).cloned().ok_or(DownloadError::LaterVersion(version.version))
}

/// Returns whether the first capsules of a bundle, or all, are those that the patient signed.
pub(crate) fn begins_with(bundle: &Bundle, hash: Option<B256>) -> bool {
    hash.is_some_and(|hash| bundle.signed_len(hash).is_some())
}

fn open_capsule(
    client: &Client,
    keys: &Keys,
    capsule: &Capsule,
    version: &ChainVersion,
    grant_epoch: u32,
) -> Result<ReaderShare, DownloadError> {
    let of = client.chain().envelope_context().record_version(version.record, version.version);
    // The patient sealed it to the key of that time.
    for (key_epoch, key) in keys.openers() {
        let binding = Binding::reader_share(&of, version.patient, keys.owner(), key_epoch, grant_epoch);
        match capsule.open(&key, &binding) {
            Ok(share) => return Ok(share),
            Err(CapsuleError::NoMatch) => {}
            Err(error) => return Err(DownloadError::WrongBundle(Some(error.into()))),
        }
    }
    // A capsule does not say for which epoch it is. If an epoch has another person's key, it is most likely for that.
    match keys.epochs().foreign().last() {
        Some(epoch) => Err(DownloadError::SharedWithForeignKey { epoch }),
        None => Err(DownloadError::WrongBundle(None)),
    }
}

/// Checks the operator's promise: about this read, signed, and soon.
async fn check_receipt(
    client: &Client,
    version: &ChainVersion,
    leaf: LeafHash,
    signed: &SignedReceipt,
) -> Result<(), DownloadError> {
    let wrong = DownloadError::WrongReceipt;
    let receipt = &signed.receipt;
    if receipt.leaf != leaf.0 || receipt.record != version.record.0 || receipt.version != version.version {
        return Err(wrong("The operator's receipt is for another read."));
    }
    if receipt.operator != client.deployment().operator {
        return Err(wrong("The receipt is not the operator's."));
    }
    // The operator counts from the newest block where that is ahead of its clock.
    let earliest = unix_now().saturating_sub(CLOCK_SECONDS);
    let latest = client.chain().now().await? + CLOCK_SECONDS + ANCHOR_SECONDS_MAX;
    if !(earliest..=latest).contains(&receipt.anchorBy) {
        return Err(wrong("The operator's receipt promises an entry at no sensible time."));
    }
    let hash = SignedReceipt::signing_hash(receipt, client.deployment());
    if client.chain().signed_by(receipt.operator, hash, &signed.signature).await? {
        Ok(())
    } else {
        Err(wrong("The operator's signature on the receipt does not hold."))
    }
}

/// Recomputes the leaf from the operator's evidence: it must be about exactly this request, name the time that the receipt
/// promises, and hash to what was promised.
pub(super) async fn check_evidence(client: &Client, granted: &Granted) -> Result<(), DownloadError> {
    let evidence = client.api()?.evidence(granted.leaf).await?;
    let is_ours = evidence.leaf.request == granted.request
        && evidence.leaf.anchor_by == granted.anchor_by
        && evidence.leaf.is_promised_in_time()
        && evidence.leaf.hash(client.deployment()) == granted.leaf
        && evidence.hash == granted.leaf;
    if is_ours {
        Ok(())
    } else {
        Err(DownloadError::WrongReceipt("The operator logged something else than this read."))
    }
}

/// Joins the halves, and checks that they are those of the key which the envelope commits to.
pub(super) async fn joined(
    client: &Client,
    version: &ChainVersion,
    header: &Header,
    granted: &Granted,
) -> Result<DataKey, EnvelopeError> {
    let dek = DataKey::join(&granted.reader, &granted.released);
    let patient_key = client.chain().public_key_at(version.patient, header.key_epoch).await?;
    let context = client.chain().envelope_context();
    header.check_commitment(&context, version.patient, &patient_key, &dek, &granted.released)?;
    Ok(dek)
}
