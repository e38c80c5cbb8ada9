//! Keys, ids and nonces. Each value is drawn once, and the same test draws the same values in every run.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    signers::local::PrivateKeySigner,
};
use p256::ecdsa::SigningKey;
use protocol::{
    ids::{RecordId, Salt},
    secret::DataKey,
};

/// How many values each thread has drawn, by its name. A test's thread has the name of the test, so that tests which run at
/// the same time do not change each other's values.
static DRAWN: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

/// Returns 32 bytes that no other draw has returned.
pub(crate) fn bytes() -> B256 {
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let number = drawn.entry(name.clone()).or_default();
    *number += 1;
    keccak256(format!("medlock tests, {name}, {number}"))
}

/// Returns the key of an account that nobody has used.
pub(crate) fn signer() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&bytes()).expect("a hash is a scalar of secp256k1 with all but certainty")
}

/// Returns the address of an account that nobody has used.
pub(crate) fn address() -> Address {
    signer().address()
}

/// Returns a new key for a session.
pub(crate) fn session_key() -> SigningKey {
    SigningKey::from_slice(bytes().as_slice()).expect("a hash is a scalar of P-256 with all but certainty")
}

/// Returns the id of a record that nobody has registered.
pub(crate) fn record() -> RecordId {
    RecordId(bytes())
}

/// Returns a new salt for a tag.
pub(crate) fn salt() -> Salt {
    Salt(bytes())
}

/// Returns a new content key.
pub(crate) fn data_key() -> DataKey {
    DataKey::from_bytes(bytes().0)
}

/// Returns a new nonce for a signed message.
pub(crate) fn nonce() -> U256 {
    bytes().into()
}
