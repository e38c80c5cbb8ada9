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
    api::{PrivateBlobName, Revision},
    client::Client,
    error::{ClientError, Kind},
    unlock::Keys,
};

const FILE: &str = "address-book.bin";
const TRIES: u32 = 5;

/// One private name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// Whose.
    #[serde(with = "protocol::hex_text")]
    pub address: Address,
    /// How the person calls them.
    pub name: String,
}

/// All private names, sorted by name. Keeps a copy on this device and works from it when the server has none.
///
/// # Errors
/// [`Kind::InvalidAddressBook`].
pub async fn list(client: &Client, keys: &Keys) -> Result<Vec<Contact>, ClientError> {
    let (book, _) = read(client, keys).await?;
    let mut contacts: Vec<Contact> =
        book.iter().map(|(address, name)| Contact { address, name: name.to_owned() }).collect();
    contacts.sort_by_key(|contact| contact.name.to_lowercase());
    Ok(contacts)
}

/// Names somebody, or renames them. Merges with what another device wrote meanwhile.
///
/// # Errors
/// [`Kind::Usage`] for a name that cannot be kept, [`Kind::InvalidAddressBook`], [`Kind::Contended`].
pub async fn put(client: &Client, keys: &Keys, contact: Contact) -> Result<(), ClientError> {
    change(client, keys, |book| book.set(contact.address, &contact.name).map(|()| true)).await.map(drop)
}

/// Forgets a name. Says whether it was there.
///
/// # Errors
/// [`Kind::InvalidAddressBook`], [`Kind::Contended`].
pub async fn remove(client: &Client, keys: &Keys, address: Address) -> Result<bool, ClientError> {
    change(client, keys, |book| Ok(book.remove(address))).await
}

/// Makes one change in the newest book; writes nothing if the change says that nothing changed.
async fn change(
    client: &Client,
    keys: &Keys,
    apply: impl Fn(&mut AddressBook) -> Result<bool, AddressBookError>,
) -> Result<bool, ClientError> {
    let api = client.api()?;
    for _ in 0..TRIES {
        let (mut book, revision) = read(client, keys).await?;
        if !apply(&mut book).map_err(unusable)? {
            return Ok(false);
        }
        let sealed = book.seal(keys.seed(), keys.owner(), &mut rand::rng()).map_err(unusable)?;
        match api.put_private_blob(PrivateBlobName::AddressBook, &sealed, revision.as_ref()).await {
            Ok(()) => {
                client.home().write(FILE, &sealed)?;
                return Ok(true);
            }
            // Another device was faster.
            Err(error)
                if matches!(error.kind(), Kind::Server(ErrorCode::PreconditionFailed | ErrorCode::AlreadyExists)) => {}
            Err(error) => return Err(error),
        }
    }
    Err(ClientError::new(Kind::Contended, "Another device keeps changing the names."))
}

/// The newest book and the server's revision of it. A server that has none gets this device's copy with the next change.
async fn read(client: &Client, keys: &Keys) -> Result<(AddressBook, Option<Revision>), ClientError> {
    let open = |sealed: &[u8]| AddressBook::open(sealed, keys.seed(), keys.owner()).map_err(unusable);
    let on_server = match client.api() {
        Ok(api) if client.is_signed_in() => match api.private_blob(PrivateBlobName::AddressBook).await {
            Err(error) if *error.kind() == Kind::Unreachable => None,
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

fn unusable(error: AddressBookError) -> ClientError {
    match error {
        AddressBookError::Name => {
            ClientError::new(Kind::Usage, "A name has at most 128 bytes and no control characters.")
        }
        AddressBookError::TooLong => ClientError::new(Kind::TooLarge, "The address book is full."),
        other => ClientError::new(Kind::InvalidAddressBook, "The address book does not open.").because(other),
    }
}
