//! Envelopes as far as a server can tell: a true header, then bytes that mean nothing.

use alloy::primitives::Address;
use axum::http::StatusCode;
use protocol::{
    bodies::records::StoredBlob,
    cid::CidBuilder,
    envelope::{EnvelopeContext, Header},
    ids::RecordId,
    secret::{DataKey, Seed},
};

use super::{people::User, seeds};

/// Returns an envelope for a version, whose bytes differ from those of every other.
pub(crate) fn envelope(record: RecordId, version: u16, length: usize) -> Vec<u8> {
    let drawn = seeds::bytes();
    let patient = Seed::from_bytes([7; 32]).identity_key(1);
    let context = EnvelopeContext { chain_id: 31_337, registry: Address::ZERO };
    let dek = DataKey::from_bytes(drawn.0);
    let header = Header::new(&context, record, version, Address::ZERO, (patient.public_key(), 1), &dek);
    let mut bytes = header.to_bytes().to_vec();
    bytes.extend(drawn.0.iter().cycle().take(length.saturating_sub(bytes.len())));
    bytes
}

/// Uploads an envelope of version 1.
pub(crate) async fn stored(user: &User, record: RecordId, bytes: &[u8]) -> StoredBlob {
    let answer = user.upload(record, 1, bytes.to_vec()).await;
    answer.has(StatusCode::CREATED);
    answer.json()
}

/// Returns the CID that clients compute for these bytes.
pub(crate) fn cid_of(bytes: &[u8]) -> String {
    let mut builder = CidBuilder::new();
    builder.update(bytes);
    builder.finish().to_string()
}
