//! The address book: private names for addresses. Only the owner can read it.
//!
//! ```text
//! off len
//!   0   4  magic "MLB1"
//!   4  12  nonce, random
//!  16   …  AES-256-GCM over: length 4 ‖ JSON ‖ zeros up to a multiple of 4,096; and its tag
//! ```
//!
//! Key: `HKDF-Expand(seed, "medlock/v1/address-book\0")`; associated data: label ‖ owner 20.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{kdf, sealed_box, secret::Seed};

/// The largest sealed address book, in bytes.
pub const MAX_ADDRESS_BOOK_LEN: usize = 1 << 20;
/// The longest name, in bytes of UTF-8.
pub const MAX_NAME_LEN: usize = 128;
const MAGIC: &[u8; 4] = b"MLB1";
const NONCE_AT: usize = 4;
const CIPHERTEXT_AT: usize = 16;
const STEP: usize = 4_096;

/// The reason why an address book cannot be made or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressBookError {
    /// A name is empty or longer than [`MAX_NAME_LEN`].
    #[error("a name is empty or too long")]
    Name,
    /// The address book is longer than [`MAX_ADDRESS_BOOK_LEN`].
    #[error("the address book is too long")]
    TooLong,
    /// The bytes are not an address book.
    #[error("malformed address book")]
    Malformed,
    /// The address book belongs to another seed or another owner, or it was changed.
    #[error("the address book was changed or belongs to another account")]
    Tag,
}

/// Private names for addresses. `Debug` prints only the number of names.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AddressBook {
    names: BTreeMap<Address, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    version: u32,
    names: BTreeMap<Address, String>,
}

impl AddressBook {
    /// Returns the name of an address.
    #[must_use]
    pub fn find(&self, address: Address) -> Option<&str> {
        self.names.get(&address).map(String::as_str)
    }

    /// Returns all names with their addresses, ordered by address.
    pub fn iter(&self) -> impl Iterator<Item = (Address, &str)> {
        self.names.iter().map(|(address, name)| (*address, name.as_str()))
    }

    /// Gives an address a name. Replaces an existing name.
    ///
    /// # Errors
    /// [`AddressBookError::Name`] when the name is empty or too long.
    pub fn set(&mut self, address: Address, name: &str) -> Result<(), AddressBookError> {
        if !is_name(name) {
            return Err(AddressBookError::Name);
        }
        self.names.insert(address, name.to_owned());
        Ok(())
    }

    /// Removes the name of an address. Returns `false` when the address had no name.
    pub fn remove(&mut self, address: Address) -> bool {
        self.names.remove(&address).is_some()
    }

    /// Encrypts the address book with a key that derives from the owner's seed.
    ///
    /// # Errors
    /// [`AddressBookError::TooLong`] when the result would be longer than [`MAX_ADDRESS_BOOK_LEN`].
    pub fn seal(&self, seed: &Seed, owner: Address, rng: &mut impl CryptoRng) -> Result<Vec<u8>, AddressBookError> {
        let text = Text { version: 1, names: self.names.clone() };
        let json = Zeroizing::new(serde_json::to_vec(&text).expect("a map of texts is always JSON"));
        let padded_len = (json.len() + 4).next_multiple_of(STEP);
        let padded = sealed_box::pad(&json, padded_len).ok_or(AddressBookError::TooLong)?;
        let mut nonce = [0; 12];
        rng.fill_bytes(&mut nonce);
        let ciphertext = sealed_box::encrypt(&key(seed), &nonce, &aad(owner), &padded);
        let sealed = [MAGIC.as_slice(), &nonce, &ciphertext].concat();
        if sealed.len() > MAX_ADDRESS_BOOK_LEN { Err(AddressBookError::TooLong) } else { Ok(sealed) }
    }

    /// Decrypts a sealed address book.
    ///
    /// # Errors
    /// [`AddressBookError`] when the bytes are malformed, were changed, or belong to another seed or owner.
    pub fn open(sealed: &[u8], seed: &Seed, owner: Address) -> Result<Self, AddressBookError> {
        if sealed.len() > MAX_ADDRESS_BOOK_LEN {
            return Err(AddressBookError::TooLong);
        }
        if !sealed.starts_with(MAGIC) {
            return Err(AddressBookError::Malformed);
        }
        let nonce = sealed[NONCE_AT..].first_chunk().ok_or(AddressBookError::Malformed)?;
        let padded = sealed_box::decrypt(&key(seed), nonce, &aad(owner), &sealed[CIPHERTEXT_AT..])
            .ok_or(AddressBookError::Tag)?;
        let json = sealed_box::unpad(&padded).ok_or(AddressBookError::Malformed)?;
        let text: Text = serde_json::from_slice(json).map_err(|_| AddressBookError::Malformed)?;
        if text.version != 1 || !text.names.values().all(|name| is_name(name)) {
            return Err(AddressBookError::Malformed);
        }
        Ok(Self { names: text.names })
    }
}

impl std::fmt::Debug for AddressBook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AddressBook({} names)", self.names.len())
    }
}

fn is_name(name: &str) -> bool {
    !name.trim().is_empty() && name.len() <= MAX_NAME_LEN && !name.chars().any(char::is_control)
}

fn key(seed: &Seed) -> Zeroizing<[u8; 32]> {
    kdf::expand(seed.expose(), kdf::ADDRESS_BOOK, &[])
}

fn aad(owner: Address) -> Vec<u8> {
    [kdf::ADDRESS_BOOK, owner.as_slice()].concat()
}
