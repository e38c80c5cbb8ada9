//! Who vouches for whom, and the directory of accredited people.

use alloy::primitives::Address;
use protocol::codes::Role;
use serde::Serialize;

use crate::{act::{Settled, Way}, client::Client, error::ClientError, wallet::Wallet};

/// Names or removes an accreditor; only the owner of `Accreditation`.
///
/// # Errors
/// What wallet, server and chain refuse.
pub async fn set_accreditor(client: &Client, wallet: &dyn Wallet, accreditor: Address, active: bool, way: Way) -> Result<Settled, ClientError> {
    let _ = (client, wallet, accreditor, active, way);
    Err(crate::error::being_written())
}

/// What an accreditor vouches for.
#[derive(Clone, Debug)]
pub struct NewAccreditation {
    /// For whom.
    pub practitioner: Address,
    /// In which roles; not empty.
    pub roles: Vec<Role>,
    /// First second, unix.
    pub valid_from: u64,
    /// First second after, unix.
    pub valid_until: u64,
}

/// Vouches for a practitioner.
///
/// # Errors
/// What wallet, server and chain refuse.
pub async fn accredit(client: &Client, wallet: &dyn Wallet, new: &NewAccreditation, way: Way) -> Result<Settled, ClientError> {
    let _ = (client, wallet, new, way);
    Err(crate::error::being_written())
}

/// Suspends or reinstates a practitioner.
///
/// # Errors
/// What wallet, server and chain refuse.
pub async fn set_suspended(client: &Client, wallet: &dyn Wallet, practitioner: Address, suspended: bool, way: Way) -> Result<Settled, ClientError> {
    let _ = (client, wallet, practitioner, suspended, way);
    Err(crate::error::being_written())
}

/// What an accreditor publishes about a practitioner.
#[derive(Clone, Debug)]
pub struct NewProfile {
    /// About whom.
    pub practitioner: Address,
    /// Their name.
    pub name: String,
    /// Where they work.
    pub organisation: String,
    /// What they do.
    pub specialty: String,
}

/// Signs and publishes a practitioner's profile; roles are those on chain.
///
/// # Errors
/// What wallet, server and chain refuse.
pub async fn publish_profile(client: &Client, wallet: &dyn Wallet, new: &NewProfile) -> Result<(), ClientError> {
    let _ = (client, wallet, new);
    Err(crate::error::being_written())
}

/// Filters of the directory.
#[derive(Clone, Debug, Default)]
pub struct DirectoryFilter {
    /// Only this role.
    pub role: Option<Role>,
    /// Only names that begin so.
    pub name: Option<String>,
}

/// One accredited person, as the chain knows them; the profile only if its accreditor's signature holds.
#[derive(Clone, Debug, Serialize)]
pub struct Person {
    /// Who.
    #[serde(with = "protocol::hex_text")]
    pub address: Address,
    /// Who vouches.
    #[serde(with = "protocol::hex_text")]
    pub accreditor: Address,
    /// In which roles.
    pub roles: Vec<Role>,
    /// Unix seconds.
    pub valid_from: u64,
    /// Unix seconds.
    pub valid_until: u64,
    /// Whether the accreditation counts now.
    pub counts: bool,
    /// Whether a key is published.
    pub has_key: bool,
    /// From the signed profile.
    pub name: Option<String>,
    /// From the signed profile.
    pub organisation: Option<String>,
    /// From the signed profile.
    pub specialty: Option<String>,
}

/// The directory. Every entry is compared with the chain.
///
/// # Errors
/// [`crate::Kind::WrongAnswer`], and what the server refuses.
pub async fn directory(client: &Client, filter: &DirectoryFilter) -> Result<Vec<Person>, ClientError> {
    let _ = (client, filter);
    Err(crate::error::being_written())
}

/// One person: accreditation from the chain, profile from the server if it holds. Never fails for an unknown person.
///
/// # Errors
/// [`crate::Kind::Rpc`].
pub async fn person(client: &Client, address: Address) -> Result<Option<Person>, ClientError> {
    let _ = (client, address);
    Err(crate::error::being_written())
}
