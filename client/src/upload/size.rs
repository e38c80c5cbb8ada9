//! The check of a document's size.

use protocol::envelope::{Metadata, sealed_len};

use super::error::UploadError;

/// Checks that a document has content, and that its envelope is one that the server takes.
///
/// The length of the envelope depends on the length of every field of `metadata`, but not on the content hash, the time or
/// the bytes of the signature: those may be placeholders.
///
/// # Errors
/// [`UploadError::Empty`]; [`UploadError::TooLarge`]; [`UploadError::Metadata`] for a name or media type that the format does not allow.
pub(super) fn check(metadata: &Metadata, envelope_bytes_max: u64) -> Result<(), UploadError> {
    if metadata.content_len == 0 {
        return Err(UploadError::Empty);
    }
    let encoded = metadata.to_cbor().map_err(|error| UploadError::Metadata(error.to_string()))?;
    let size = sealed_len(metadata.content_len, encoded.len());
    if size > envelope_bytes_max { Err(too_large(size, envelope_bytes_max)) } else { Ok(()) }
}

/// The refusal of a document whose envelope has at least `size` bytes.
pub(super) fn too_large(size: u64, envelope_bytes_max: u64) -> UploadError {
    UploadError::TooLarge { size, limit: envelope_bytes_max }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256};
    use protocol::envelope::SignedBy;

    use super::*;
    use crate::error::Failure;

    fn metadata(content_len: u64, signature: Vec<u8>, hash: B256) -> Metadata {
        Metadata {
            content_len,
            media_type: "text/plain".into(),
            file_name: "a.txt".into(),
            content_hash: hash,
            created: 1_700_000_000,
            fhir_type: None,
            codes: Vec::new(),
            signed_by: Some(SignedBy { author: Address::repeat_byte(7), signature: signature.into() }),
        }
    }

    #[test]
    fn empty_and_oversize_documents_are_refused_and_the_limit_itself_is_allowed() {
        let of = |content_len| metadata(content_len, vec![0; 65], B256::ZERO);
        let size = sealed_len(5_000, of(5_000).to_cbor().unwrap().len());
        assert_eq!(check(&of(0), u64::MAX).unwrap_err().code(), "empty_file");
        assert_eq!(check(&of(5_000), size - 1).unwrap_err().code(), "too_large");
        check(&of(5_000), size).unwrap();
    }

    #[test]
    fn placeholders_have_the_length_of_what_takes_their_place() {
        let placeholder = metadata(5_000, vec![0; 65], B256::ZERO);
        let signed = metadata(5_000, vec![0xff; 65], B256::repeat_byte(0xff));
        assert_eq!(placeholder.to_cbor().unwrap().len(), signed.to_cbor().unwrap().len());
    }
}
