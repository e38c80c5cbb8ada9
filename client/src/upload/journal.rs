//! The state of an upload that is kept until it has ended, so that doing it again completes it instead of starting another.
//!
//! A journal entry holds no key: what was encrypted under a lost key is encrypted anew, for the same record and version,
//! of which the chain accepts only one.

use alloy::primitives::{Address, B256, Bytes};
use protocol::{
    bodies::records::RegisterBody,
    cid::Cid,
    codes::Category,
    ids::{RecordId, Salt},
};
use serde::{Deserialize, Serialize};

use crate::home::{DeviceError, Home};

const FOLDER: &str = "uploads";
const SALTS: &str = "salts";

/// An upload that has not ended. One file each: `uploads/<record>-<version>.json`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) record: RecordId,
    pub(super) version: u16,
    /// Opens the record id; `None` for a version of somebody else's making.
    pub(super) salt: Option<Salt>,
    #[serde(with = "protocol::hex_text")]
    pub(super) patient: Address,
    #[serde(with = "protocol::hex_text")]
    pub(super) uploader: Address,
    /// `None` for a further version.
    pub(super) category: Option<Category>,
    #[serde(with = "protocol::hex_text")]
    pub(super) content_hash: B256,
    pub(super) content_len: u64,
    /// Unix seconds; also what the author signed.
    pub(super) begun: u64,
    /// The author's signature over content hash and time.
    #[serde(with = "protocol::hex_text")]
    pub(super) author_signature: Bytes,
    pub(super) stored: Option<Stored>,
}

/// The envelope that the server has.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    pub(super) cid: Cid,
    pub(super) size: u64,
    /// The release share, sealed to the operator.
    #[serde(with = "protocol::hex_text")]
    pub(super) release_share: Bytes,
    /// The signed registration, once it was signed: sent again as it is, it counts once.
    pub(super) body: Option<RegisterBody>,
}

impl Entry {
    fn name(&self) -> String {
        format!("{FOLDER}/{}-{}.json", self.record, self.version)
    }

    pub(super) fn save(&self, home: &Home) -> Result<(), DeviceError> {
        home.write_json(&self.name(), self)
    }

    /// Removes it: the upload has ended. Keeps the salt, which opens the id for later versions.
    pub(super) fn end(&self, home: &Home) -> Result<(), DeviceError> {
        if let Some(salt) = self.salt {
            home.write_json(&format!("{SALTS}/{}.json", self.record), &salt)?;
        }
        home.remove(&self.name())
    }
}

/// Every upload that has not ended, and the files that cannot be read: one of them does not stop the other uploads.
pub(super) fn all(home: &Home) -> Result<(Vec<Entry>, Vec<DeviceError>), DeviceError> {
    let names = home.list(FOLDER)?;
    let (mut entries, mut damaged) = (Vec::new(), Vec::new());
    for read in names.iter().filter_map(|name| home.read_json(name).transpose()) {
        match read {
            Ok(entry) => entries.push(entry),
            Err(error) => damaged.push(error),
        }
    }
    Ok((entries, damaged))
}

/// Returns whether the server has the envelope of an upload of so many bytes that has not ended.
pub(super) fn has_stored(home: &Home, content_len: u64) -> Result<bool, DeviceError> {
    let (entries, _) = all(home)?;
    Ok(entries.iter().any(|entry| entry.content_len == content_len && entry.stored.is_some()))
}

/// Removes the entries of uploads of so many bytes of which nothing is stored: the server no longer takes this size.
pub(super) fn end_unstored(home: &Home, content_len: u64) -> Result<(), DeviceError> {
    let (entries, _) = all(home)?;
    let refused = entries.iter().filter(|entry| entry.content_len == content_len && entry.stored.is_none());
    refused.into_iter().try_for_each(|entry| entry.end(home))
}

/// The salt that opens the id of a record that this device has made.
pub(super) fn salt_of(home: &Home, record: RecordId) -> Result<Option<Salt>, DeviceError> {
    home.read_json(&format!("{SALTS}/{record}.json"))
}
