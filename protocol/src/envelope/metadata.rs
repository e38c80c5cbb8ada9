//! The metadata before the content, as deterministic CBOR (RFC 8949, section 4.2.1).
//!
//! The metadata are a map with these keys in this order, each at most once:
//! 1 content length (uint) · 2 media type (text) · 3 file name (text) · 4 content hash (32 bytes) ·
//! 5 created, Unix seconds (uint) · 6 FHIR resource type (text, optional) · 7 codes (array of [system, code],
//! optional, not empty) · 8 author (20 bytes, with 9) · 9 author's signature (bytes, with 8).

use alloy::primitives::{Address, B256, Bytes};
use ciborium::Value;

use super::{MAX_CONTENT_LEN, MAX_METADATA_LEN};

/// The longest file name, in bytes of UTF-8.
pub const MAX_FILE_NAME_LEN: usize = 255;
const MAX_MEDIA_TYPE_LEN: usize = 127;
const MAX_FHIR_TYPE_LEN: usize = 64;
const MAX_CODES: usize = 32;
const MAX_CODE_PART_LEN: usize = 128;
const MAX_SIGNATURE_LEN: usize = 4_096;

/// The field of the metadata that is out of range. Never contains the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The content is longer than [`MAX_CONTENT_LEN`] bytes.
    #[error("the content is too long")]
    ContentLength,
    /// The media type is too long, or is not `type/subtype` in visible ASCII.
    #[error("the media type is not valid")]
    MediaType,
    /// The file name is empty, too long, or contains a path separator or control character.
    #[error("the file name is not valid")]
    FileName,
    /// The FHIR type is too long, or contains something other than ASCII letters and digits.
    #[error("the FHIR type is not valid")]
    FhirType,
    /// There are more than 32 codes, or a part of one is empty or too long.
    #[error("the codes are not valid")]
    Codes,
    /// The author's signature is empty or longer than 4,096 bytes.
    #[error("the author's signature is not valid")]
    Signature,
    /// All fields together are longer than [`MAX_METADATA_LEN`].
    #[error("the metadata are too long")]
    TooLong,
    /// The bytes are not the deterministic CBOR of this map.
    #[error("the metadata are not deterministic CBOR")]
    Encoding,
}

/// A code from a terminology, such as LOINC.
#[derive(Clone, PartialEq, Eq)]
pub struct Coding {
    /// The URI of the terminology.
    pub system: String,
    /// The code in the terminology.
    pub code: String,
}

/// The author of the content and the author's signature (see [`crate::authorship`]).
#[derive(Clone, PartialEq, Eq)]
pub struct SignedBy {
    /// The author.
    pub author: Address,
    /// The signature over the EIP-712 message `Authorship`: 65 bytes, or a signature that the author's contract accepts
    /// (ERC-1271).
    pub signature: Bytes,
}

/// The metadata of a record version. `Debug` prints none of it, because all of it is about a person.
#[derive(Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The length of the content, in bytes.
    pub content_len: u64,
    /// The media type of the content.
    pub media_type: String,
    /// The name under which to save the content; not a path.
    pub file_name: String,
    /// The content hash; see [`super::ContentHasher`].
    pub content_hash: B256,
    /// The time at which the content was made, in Unix seconds, as stated by the author.
    pub created: u64,
    /// The FHIR resource type, if the content is a FHIR resource.
    pub fhir_type: Option<String>,
    /// Codes that say what the content is about.
    pub codes: Vec<Coding>,
    /// The author, if one has signed.
    pub signed_by: Option<SignedBy>,
}

impl std::fmt::Debug for Metadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metadata").finish_non_exhaustive()
    }
}

impl Metadata {
    /// Checks every field and returns the encoding.
    ///
    /// # Errors
    /// [`MetadataError`] names the first field that is out of range.
    pub fn to_cbor(&self) -> Result<Vec<u8>, MetadataError> {
        self.validate()?;
        let text = |text: &str| Value::Text(text.to_owned());
        let mut map = vec![
            (Value::from(1), Value::from(self.content_len)),
            (Value::from(2), text(&self.media_type)),
            (Value::from(3), text(&self.file_name)),
            (Value::from(4), Value::Bytes(self.content_hash.to_vec())),
            (Value::from(5), Value::from(self.created)),
        ];
        if let Some(fhir_type) = &self.fhir_type {
            map.push((Value::from(6), text(fhir_type)));
        }
        if !self.codes.is_empty() {
            let codes = self.codes.iter().map(|coding| Value::Array(vec![text(&coding.system), text(&coding.code)]));
            map.push((Value::from(7), Value::Array(codes.collect())));
        }
        if let Some(SignedBy { author, signature }) = &self.signed_by {
            map.push((Value::from(8), Value::Bytes(author.to_vec())));
            map.push((Value::from(9), Value::Bytes(signature.to_vec())));
        }
        let mut bytes = Vec::new();
        ciborium::into_writer(&Value::Map(map), &mut bytes).expect("writing to memory does not fail");
        if bytes.len() > MAX_METADATA_LEN { Err(MetadataError::TooLong) } else { Ok(bytes) }
    }

    /// Decodes metadata. Refuses every encoding except the one that [`Metadata::to_cbor`] returns.
    ///
    /// # Errors
    /// [`MetadataError`] for a field that is out of range or another encoding.
    pub fn from_cbor(bytes: &[u8]) -> Result<Self, MetadataError> {
        if bytes.len() > MAX_METADATA_LEN {
            return Err(MetadataError::TooLong);
        }
        let value: Value = ciborium::from_reader(bytes).map_err(|_| MetadataError::Encoding)?;
        let metadata = Self::from_value(value).ok_or(MetadataError::Encoding)?;
        // Encoding again must give the same bytes: shortest integers, definite lengths, sorted keys, nothing after the
        // map.
        if metadata.to_cbor()? == bytes { Ok(metadata) } else { Err(MetadataError::Encoding) }
    }

    fn from_value(value: Value) -> Option<Self> {
        let mut fields: Vec<Option<Value>> = vec![None; 10];
        for (key, value) in value.into_map().ok()? {
            let key = usize::try_from(key.into_integer().ok()?).ok()?;
            *fields.get_mut(key)? = Some(value);
        }
        let mut take = |key: usize| fields[key].take();
        let uint = |value: Value| u64::try_from(value.into_integer().ok()?).ok();
        let text = |value: Value| value.into_text().ok();
        let author = take(8).map(|value| Address::try_from(value.into_bytes().ok()?.as_slice()).ok());
        let signature = take(9).map(|value| value.into_bytes().ok());
        Some(Self {
            content_len: uint(take(1)?)?,
            media_type: text(take(2)?)?,
            file_name: text(take(3)?)?,
            content_hash: B256::try_from(take(4)?.into_bytes().ok()?.as_slice()).ok()?,
            created: uint(take(5)?)?,
            fhir_type: match take(6) {
                Some(value) => Some(text(value)?),
                None => None,
            },
            codes: match take(7) {
                Some(value) => value.into_array().ok()?.into_iter().map(coding).collect::<Option<_>>()?,
                None => Vec::new(),
            },
            signed_by: match (author, signature) {
                (None, None) => None,
                (Some(author), Some(signature)) => Some(SignedBy { author: author?, signature: signature?.into() }),
                _ => return None,
            },
        })
    }

    fn validate(&self) -> Result<(), MetadataError> {
        let graphic = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if self.content_len > MAX_CONTENT_LEN {
            return Err(MetadataError::ContentLength);
        }
        let (kind, subtype) = self.media_type.split_once('/').ok_or(MetadataError::MediaType)?;
        let parameters_allowed = self.media_type.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if kind.is_empty() || subtype.is_empty() || !parameters_allowed || self.media_type.len() > MAX_MEDIA_TYPE_LEN {
            return Err(MetadataError::MediaType);
        }
        if !is_file_name(&self.file_name) {
            return Err(MetadataError::FileName);
        }
        if let Some(fhir_type) = &self.fhir_type {
            let alphanumeric = fhir_type.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if fhir_type.is_empty() || fhir_type.len() > MAX_FHIR_TYPE_LEN || !alphanumeric {
                return Err(MetadataError::FhirType);
            }
        }
        let part = |text: &str| !text.is_empty() && text.len() <= MAX_CODE_PART_LEN && graphic(text);
        if self.codes.len() > MAX_CODES || !self.codes.iter().all(|coding| part(&coding.system) && part(&coding.code)) {
            return Err(MetadataError::Codes);
        }
        if let Some(signed_by) = &self.signed_by
            && !(1..=MAX_SIGNATURE_LEN).contains(&signed_by.signature.len())
        {
            return Err(MetadataError::Signature);
        }
        Ok(())
    }
}

/// Returns whether metadata may contain this file name. A valid name means one file in one folder on every system, and
/// is shown as it is written. Names come from strangers.
#[must_use]
pub fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_FILE_NAME_LEN
        && name != "."
        && name != ".."
        && !name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\') || is_text_direction(c))
}

/// Returns whether the character changes the text direction, so that a name is displayed differently from its content
/// ("gpj.exe" displayed as "exe.jpg").
const fn is_text_direction(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn coding(value: Value) -> Option<Coding> {
    let parts: [Value; 2] = value.into_array().ok()?.try_into().ok()?;
    let [system, code] = parts;
    Some(Coding { system: system.into_text().ok()?, code: code.into_text().ok()? })
}
