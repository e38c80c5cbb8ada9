//! The operator's receipts that this device has seen: kept as evidence until their leaf is anchored, and after.

use protocol::{
    ids::{LeafHash, RecordId},
    reads::SignedReceipt,
};
use serde::{Deserialize, Serialize};

use crate::home::{DeviceError, Home};

const FOLDER: &str = "receipts";

/// A receipt that this device got.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The leaf it promises.
    pub leaf: LeafHash,
    /// The record that was opened.
    pub record: RecordId,
    /// Its version.
    pub version: u16,
    /// When it came, unix seconds.
    pub received_at: u64,
    /// The promise, signed by the operator.
    pub signed: SignedReceipt,
}

/// Keeps a receipt.
pub(crate) fn keep(home: &Home, receipt: &Receipt) -> Result<(), DeviceError> {
    home.write_json(&format!("{FOLDER}/{}.json", receipt.leaf), receipt)
}

/// Every receipt of this device, and the files that cannot be read.
///
/// # Errors
/// [`DeviceError::File`].
pub fn all(home: &Home) -> Result<(Vec<Receipt>, Vec<DeviceError>), DeviceError> {
    let (mut receipts, mut damaged) = (Vec::new(), Vec::new());
    for read in home.list(FOLDER)?.iter().filter_map(|name| home.read_json(name).transpose()) {
        match read {
            Ok(receipt) => receipts.push(receipt),
            Err(error) => damaged.push(error),
        }
    }
    Ok((receipts, damaged))
}
