//! The signature of an author over the content of a record version. It is stored inside the envelope, so only readers
//! see it.

use alloy::{
    primitives::{Address, B256, U256},
    sol,
    sol_types::{Eip712Domain, SolStruct},
};

use crate::{
    deployment::{DOMAIN_NAME, DOMAIN_VERSION},
    envelope::{EnvelopeContext, Metadata, SignedBy},
    ids::RecordId,
    messages::verify_signature,
};

sol! {
    /// `author` wrote the content with this hash as this version of this record.
    #[derive(Debug, PartialEq, Eq)]
    struct Authorship { bytes32 record; uint16 version; address author; bytes32 contentHash; uint64 created; }
}

/// The result of checking who wrote a record version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthorshipProof {
    /// The envelope has no signature.
    Unsigned,
    /// The key of this author made the signature.
    Signed(Address),
    /// The signature was not made by the author's own key. If the author is a contract, ask it (ERC-1271) about
    /// [`signing_hash`]. Otherwise the signature is forged.
    AskContract(Address),
}

/// Returns the EIP-712 hash that the author signs: domain "medlock" version "1", this chain, `RecordRegistry`.
#[must_use]
pub fn signing_hash(
    context: &EnvelopeContext,
    record: RecordId,
    version: u16,
    author: Address,
    content_hash: B256,
    created: u64,
) -> B256 {
    message(record, version, author, content_hash, created).eip712_signing_hash(&domain(context))
}

/// Returns the message that the author's wallet shows and signs.
#[must_use]
pub fn message(record: RecordId, version: u16, author: Address, content_hash: B256, created: u64) -> Authorship {
    Authorship { record: record.0, version, author, contentHash: content_hash, created }
}

/// Returns the EIP-712 domain of the message.
#[must_use]
pub fn domain(context: &EnvelopeContext) -> Eip712Domain {
    Eip712Domain::new(
        Some(DOMAIN_NAME.into()),
        Some(DOMAIN_VERSION.into()),
        Some(U256::from(context.chain_id)),
        Some(context.registry),
        None,
    )
}

/// Checks the author's signature in the metadata of an opened envelope.
#[must_use]
pub fn verify(context: &EnvelopeContext, record: RecordId, version: u16, metadata: &Metadata) -> AuthorshipProof {
    let Some(SignedBy { author, signature }) = &metadata.signed_by else { return AuthorshipProof::Unsigned };
    let hash = signing_hash(context, record, version, *author, metadata.content_hash, metadata.created);
    if verify_signature(hash, *author, signature).is_ok() {
        AuthorshipProof::Signed(*author)
    } else {
        AuthorshipProof::AskContract(*author)
    }
}
