//! Private names: an address book encrypted under the seed.
//!
//! The server's copy is the common one of all devices; this device keeps the last that it saw, and works from it when
//! there is no server. A write names the revision it replaces; if another device was faster, its book is read, the one
//! change is made in it, and it is written again: so no name is lost.

use alloy::primitives::Address;
use protocol::{
    address_book::{AddressBook, AddressBookError},
    error_code::ErrorCode,
};
use serde::Serialize;

use crate::{
    api::{PrivateBlobName, Revision, ServerError},
    client::Client,
    error::{codes, failure},
    home::DeviceError,
    unlock::Keys,
};

/// Why the address book cannot be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContactsError {
    /// The name cannot be kept.
    #[error("A name cannot be empty or longer than 128 bytes, and has no line breaks or other control characters.")]
    InvalidName,
    /// The address book takes no further name.
    #[error("The address book is full.")]
    Full,
    /// The address book was made by other keys, or was changed.
    #[error("The address book does not open.")]
    NotOpened(#[source] AddressBookError),
    /// Another device changed the address book at every try.
    #[error("Another device keeps changing the names.")]
    Contended,
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { ContactsError {
    InvalidName => codes::USAGE;
    Full => codes::TOO_LARGE;
    NotOpened => codes::INVALID_ADDRESS_BOOK;
    Contended => codes::CONTENDED;
    ..Server;
    ..Device;
} }

impl From<AddressBookError> for ContactsError {
    fn from(error: AddressBookError) -> Self {
        match error {
            AddressBookError::Name => Self::InvalidName,
            AddressBookError::TooLong => Self::Full,
            other => Self::NotOpened(other),
        }
    }
}

const FILE: &str = "address-book.bin";
const TRIES: u32 = 5;

/// One private name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// The address.
    #[serde(with = "protocol::hex_text")]
    pub address: Address,
    /// The name.
    pub name: String,
}

/// All private names, sorted by name. Keeps a copy on this device and works from it when the server has none.
///
/// # Errors
/// [`ContactsError::NotOpened`].
pub async fn list(client: &Client, keys: &Keys) -> Result<Vec<Contact>, ContactsError> {
    let (book, _) = read(client, keys).await?;
    let mut contacts: Vec<Contact> =
        book.iter().map(|(address, name)| Contact { address, name: name.to_owned() }).collect();
    contacts.sort_by_key(|contact| contact.name.to_lowercase());
    Ok(contacts)
}

/// Names somebody, or renames them. Merges with what another device wrote meanwhile.
///
/// # Errors
/// [`ContactsError`].
pub async fn put(client: &Client, keys: &Keys, contact: Contact) -> Result<(), ContactsError> {
    change(client, keys, |book| book.set(contact.address, &contact.name).map(|()| true)).await.map(drop)
}

/// Removes a name. Returns whether it was there.
///
/// # Errors
/// [`ContactsError::NotOpened`], [`ContactsError::Contended`].
pub async fn remove(client: &Client, keys: &Keys, address: Address) -> Result<bool, ContactsError> {
    change(client, keys, |book| Ok(book.remove(address))).await
}

/// Makes one change in the newest book; writes nothing if the change says that nothing changed.
async fn change(
    client: &Client,
    keys: &Keys,
    apply: impl Fn(&mut AddressBook) -> Result<bool, AddressBookError>,
) -> Result<bool, ContactsError> {
    let api = client.api()?;
    for _ in 0..TRIES {
        let (mut book, revision) = read(client, keys).await?;
        if !apply(&mut book)? {
            return Ok(false);
        }
        let sealed = book.seal(keys.seed(), keys.owner(), &mut rand::rng())?;
        match api.put_private_blob(PrivateBlobName::AddressBook, &sealed, revision.as_ref()).await {
            Ok(()) => {
                client.home().write(FILE, &sealed)?;
                return Ok(true);
            }
            // Another device was faster.
            Err(error) if matches!(error.refusal(), Some(ErrorCode::PreconditionFailed | ErrorCode::AlreadyExists)) => {
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(ContactsError::Contended)
}

/// The newest book and the server's revision of it. A server that has none gets this device's copy with the next change.
async fn read(client: &Client, keys: &Keys) -> Result<(AddressBook, Option<Revision>), ContactsError> {
    let open = |sealed: &[u8]| AddressBook::open(sealed, keys.seed(), keys.owner());
    let on_server = match client.api() {
        Ok(api) if client.is_signed_in() => match api.private_blob(PrivateBlobName::AddressBook).await {
            Err(ServerError::Unreachable { .. }) => None,
            other => other?,
        },
        _ => None,
    };
    match on_server {
        Some((sealed, revision)) => {
            let book = open(&sealed)?;
            client.home().write(FILE, &sealed)?;
            Ok((book, Some(revision)))
        }
        None => match client.home().read(FILE)? {
            Some(sealed) => Ok((open(&sealed)?, None)),
            None => Ok((AddressBook::default(), None)),
        },
    }
}
