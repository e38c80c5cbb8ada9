//! Accreditors, accreditations, and the directory of accredited people.

use alloy::primitives::Address;
use futures::{StreamExt, TryStreamExt};
use protocol::{
    bodies::people::{DirectoryEntry, DirectoryQuery},
    codes::Role,
    ends::{TooFarAhead, check_accreditation_end},
    messages::{Accredit, Action, AddAccreditor, RemoveAccreditor, Suspend},
    statements::{PROFILE_TEXT_BYTES_MAX, Profile, SignedProfile},
};
use serde::Serialize;

use crate::{
    act::{ActError, Settled, Way, carry_out, new_deadline, new_nonce, new_revocation_deadline},
    api::ServerError,
    chain::{ChainError, ChainPractitioner, uint40, unix_now},
    client::Client,
    error::{codes, failure, lift, sentence},
    lookup::LookupError,
    wallet::{Wallet, WalletError, Wish},
};

/// Why an accreditor, an accreditation or a profile was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccreditationError {
    /// An accreditation needs a role and a period.
    #[error("An accreditation names at least one role and ends after it begins.")]
    NoRoleOrPeriod,
    /// The accreditation would end later than is allowed.
    #[error("{}", sentence(.0))]
    TooFarAhead(#[from] TooFarAhead),
    /// A profile needs a name, and its texts are too long or not one line.
    #[error("A profile has a name, and each text has at most {PROFILE_TEXT_BYTES_MAX} bytes.")]
    InvalidProfile,
    /// The wallet may not vouch for anybody.
    #[error("You are not an accreditor of this deployment.")]
    NotAccreditor,
    /// The wallet may not name accreditors.
    #[error("Only the owner of the deployment names and removes accreditors.")]
    NotOwner,
    /// The practitioner is not suspended.
    #[error("{0} is not suspended.")]
    NotSuspended(Address),
    /// The wallet does not vouch for the practitioner now.
    #[error("You do not vouch for {0}.")]
    NotYours(Address),
    /// The action was not carried out.
    #[error(transparent)]
    Act(ActError),
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The wallet does not sign.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

failure! { AccreditationError {
    NoRoleOrPeriod => codes::USAGE;
    TooFarAhead => codes::USAGE;
    InvalidProfile => codes::USAGE;
    NotSuspended => codes::USAGE, "To vouch anew for another time: medlock accredit.";
    NotAccreditor => codes::NOT_ALLOWED, "Ask the owner of the deployment to name you.";
    NotOwner => codes::NOT_ALLOWED, "Ask the owner of the deployment, or use the owner's account.";
    NotYours => codes::NOT_ALLOWED, "Vouch first: medlock accredit.";
    ..Act;
    ..Server;
    ..Chain;
    ..Wallet;
} }

lift! { ActError => AccreditationError { Server, Chain, Wallet, ..Act } }

/// Names an accreditor; only the owner of `Accreditation`.
///
/// # Errors
/// [`AccreditationError::NotOwner`]; refusals of wallet, server and chain.
pub async fn add_accreditor(
    client: &Client,
    wallet: &dyn Wallet,
    accreditor: Address,
    way: Way,
) -> Result<Settled, AccreditationError> {
    expect_owner(client, wallet).await?;
    let action = Action::AddAccreditor(AddAccreditor {
        owner: wallet.address(),
        accreditor,
        epoch: client.chain().accreditor_epoch(accreditor).await?,
        nonce: new_nonce(),
        deadline: new_deadline(client).await?,
    });
    Ok(carry_out(client, wallet, action, way).await?)
}

/// Removes an accreditor, and so stops everyone it vouched for; only the owner of `Accreditation`.
///
/// # Errors
/// [`AccreditationError::NotOwner`]; refusals of wallet, server and chain.
pub async fn remove_accreditor(
    client: &Client,
    wallet: &dyn Wallet,
    accreditor: Address,
    way: Way,
) -> Result<Settled, AccreditationError> {
    expect_owner(client, wallet).await?;
    let action = Action::RemoveAccreditor(RemoveAccreditor {
        owner: wallet.address(),
        accreditor,
        nonce: new_nonce(),
        deadline: new_revocation_deadline(client).await?,
    });
    Ok(carry_out(client, wallet, action, way).await?)
}

/// An accreditation to be made.
#[derive(Clone, Debug)]
pub struct NewAccreditation {
    /// The practitioner.
    pub practitioner: Address,
    /// The roles; not empty.
    pub roles: Vec<Role>,
    /// First second, unix.
    pub valid_from: u64,
    /// First second after, unix.
    pub valid_until: u64,
}

/// Vouches for a practitioner.
///
/// # Errors
/// [`AccreditationError::NotAccreditor`], [`AccreditationError::NoRoleOrPeriod`]; refusals of wallet, server and chain.
pub async fn accredit(
    client: &Client,
    wallet: &dyn Wallet,
    new: &NewAccreditation,
    way: Way,
) -> Result<Settled, AccreditationError> {
    if new.roles.is_empty() || new.valid_until <= new.valid_from {
        return Err(AccreditationError::NoRoleOrPeriod);
    }
    let epoch = client.chain().find_practitioner(new.practitioner).await?.map_or(0, |known| known.epoch);
    accredit_in(client, wallet, new, epoch, way).await
}

/// Suspends a practitioner. Every accreditation signed before it can no longer land.
///
/// # Errors
/// [`AccreditationError::NotAccreditor`]; refusals of wallet, server and chain.
pub async fn suspend(
    client: &Client,
    wallet: &dyn Wallet,
    practitioner: Address,
    way: Way,
) -> Result<Settled, AccreditationError> {
    expect_accreditor(client, wallet).await?;
    let action = Action::Suspend(Suspend {
        accreditor: wallet.address(),
        practitioner,
        nonce: new_nonce(),
        deadline: new_revocation_deadline(client).await?,
    });
    Ok(carry_out(client, wallet, action, way).await?)
}

/// Ends a suspension: vouches once more, in the roles and for the period that stand on chain.
///
/// # Errors
/// [`AccreditationError::NotYours`], [`AccreditationError::NotSuspended`]; refusals of wallet, server and chain.
pub async fn reinstate(
    client: &Client,
    wallet: &dyn Wallet,
    practitioner: Address,
    way: Way,
) -> Result<Settled, AccreditationError> {
    let known = own_practitioner(client, wallet, practitioner).await?;
    if !known.suspended {
        return Err(AccreditationError::NotSuspended(practitioner));
    }
    let again = NewAccreditation {
        practitioner,
        roles: known.roles,
        valid_from: known.valid_from,
        valid_until: known.valid_until,
    };
    accredit_in(client, wallet, &again, known.epoch, way).await
}

/// Vouches for somebody whose accreditation has this epoch.
async fn accredit_in(
    client: &Client,
    wallet: &dyn Wallet,
    new: &NewAccreditation,
    epoch: u32,
    way: Way,
) -> Result<Settled, AccreditationError> {
    check_accreditation_end(new.valid_until, unix_now())?;
    expect_accreditor(client, wallet).await?;
    let action = Action::Accredit(Accredit {
        accreditor: wallet.address(),
        practitioner: new.practitioner,
        roles: Role::mask(&new.roles),
        validFrom: uint40(new.valid_from),
        validUntil: uint40(new.valid_until),
        epoch,
        accreditorEpoch: client.chain().accreditor_epoch(wallet.address()).await?,
        nonce: new_nonce(),
        deadline: new_deadline(client).await?,
    });
    Ok(carry_out(client, wallet, action, way).await?)
}

/// Refuses to ask for a signature that the contract would not accept.
async fn expect_accreditor(client: &Client, wallet: &dyn Wallet) -> Result<(), AccreditationError> {
    client.chain().verify_deployment().await?;
    match client.chain().is_accreditor(wallet.address()).await? {
        true => Ok(()),
        false => Err(AccreditationError::NotAccreditor),
    }
}

/// The same for what only the owner may do.
async fn expect_owner(client: &Client, wallet: &dyn Wallet) -> Result<(), AccreditationError> {
    client.chain().verify_deployment().await?;
    match client.chain().owner().await? == wallet.address() {
        true => Ok(()),
        false => Err(AccreditationError::NotOwner),
    }
}

/// The accreditation of somebody for whom the wallet vouches.
async fn own_practitioner(
    client: &Client,
    wallet: &dyn Wallet,
    practitioner: Address,
) -> Result<ChainPractitioner, AccreditationError> {
    let (known, epoch) = tokio::try_join!(
        client.chain().find_practitioner(practitioner),
        client.chain().accreditor_epoch(wallet.address()),
    )?;
    // An accreditation that was signed before its accreditor was removed and named again no longer counts.
    known
        .filter(|known| known.accreditor == wallet.address() && known.accreditor_epoch == epoch)
        .ok_or(AccreditationError::NotYours(practitioner))
}

/// The public description of a practitioner, which their accreditor signs.
#[derive(Clone, Debug)]
pub struct NewProfile {
    /// The practitioner.
    pub practitioner: Address,
    /// Their name.
    pub name: String,
    /// Their organisation.
    pub organisation: String,
    /// Their specialty.
    pub specialty: String,
}

/// Signs and publishes a practitioner's profile; roles are those on chain.
///
/// # Errors
/// [`AccreditationError::NotYours`], [`AccreditationError::InvalidProfile`]; refusals of wallet and server.
pub async fn publish_profile(client: &Client, wallet: &dyn Wallet, new: &NewProfile) -> Result<(), AccreditationError> {
    expect_accreditor(client, wallet).await?;
    let texts = [&new.name, &new.organisation, &new.specialty];
    if texts.iter().any(|text| text.len() > PROFILE_TEXT_BYTES_MAX || text.chars().any(char::is_control))
        || new.name.trim().is_empty()
    {
        return Err(AccreditationError::InvalidProfile);
    }
    let known = own_practitioner(client, wallet, new.practitioner).await?;
    let profile = Profile {
        accreditor: wallet.address(),
        accreditorEpoch: known.accreditor_epoch,
        practitioner: new.practitioner,
        name: new.name.clone(),
        organisation: new.organisation.clone(),
        specialty: new.specialty.clone(),
        roles: Role::mask(&known.roles),
        issued: unix_now(),
    };
    let hash = SignedProfile::signing_hash(&profile, client.deployment());
    let sentence = format!("Publish that {} is {}.", new.practitioner, new.name);
    let signature = wallet.sign_typed(hash, Wish { sentence: &sentence }).await?;
    Ok(client.api()?.put_profile(&SignedProfile { profile, signature }).await?)
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
    /// The address.
    #[serde(with = "protocol::hex_text")]
    pub address: Address,
    /// The accreditor.
    #[serde(with = "protocol::hex_text")]
    pub accreditor: Address,
    /// The roles.
    pub roles: Vec<Role>,
    /// Unix seconds.
    pub valid_from: u64,
    /// Unix seconds.
    pub valid_until: u64,
    /// The accreditor's epoch in which it vouched.
    #[serde(skip)]
    accreditor_epoch: u32,
    /// Whether the accreditation counts now.
    pub counts: bool,
    /// Whether a key is published.
    pub has_key: bool,
    /// The name, from the signed profile.
    pub name: Option<String>,
    /// The organisation, from the signed profile.
    pub organisation: Option<String>,
    /// The specialty, from the signed profile.
    pub specialty: Option<String>,
}

/// The directory. Every entry is compared with the chain; one that the chain does not know is left out.
///
/// # Errors
/// [`LookupError`].
pub async fn directory(client: &Client, filter: &DirectoryFilter) -> Result<Vec<Person>, LookupError> {
    client.chain().verify_deployment().await?;
    let query = DirectoryQuery { role: filter.role, name: filter.name.clone(), ..DirectoryQuery::default() };
    let told = client.api()?.directory(&query).await?;
    let compare = told.into_iter().map(|entry| async move {
        let profile = checked_profile(client, &entry).await?;
        Ok::<_, LookupError>(from_chain(client, entry.address, profile).await?)
    });
    let people: Vec<Option<Person>> = futures::stream::iter(compare).buffered(16).try_collect().await?;
    Ok(people
        .into_iter()
        .flatten()
        .filter(|person| filter.role.is_none_or(|role| person.roles.contains(&role)))
        .collect())
}

/// One person: accreditation from the chain, profile from the server if it holds. `None` if nobody ever vouched.
///
/// # Errors
/// [`ChainError::Rpc`]. Without an answer of the server only the name is missing.
pub async fn person(client: &Client, address: Address) -> Result<Option<Person>, ChainError> {
    let Some(person) = from_chain(client, address, None).await? else { return Ok(None) };
    let told = match client.api() {
        Ok(api) if client.is_signed_in() => api.directory(&DirectoryQuery::default()).await.unwrap_or_default(),
        _ => Vec::new(),
    };
    let Some(entry) = told.iter().find(|entry| entry.address == address) else { return Ok(Some(person)) };
    let profile = checked_profile(client, entry).await?;
    Ok(Some(with_profile(person, profile)))
}

async fn from_chain(client: &Client, address: Address, profile: Option<Profile>) -> Result<Option<Person>, ChainError> {
    let (known, key) = tokio::try_join!(client.chain().find_practitioner(address), client.chain().find_key(address))?;
    let Some(known) = known else { return Ok(None) };
    let person = Person {
        address,
        accreditor: known.accreditor,
        roles: known.roles,
        valid_from: known.valid_from,
        valid_until: known.valid_until,
        accreditor_epoch: known.accreditor_epoch,
        counts: known.counts,
        has_key: key.is_some(),
        name: None,
        organisation: None,
        specialty: None,
    };
    Ok(Some(with_profile(person, profile)))
}

/// Adds a profile, if it is by the accreditor that vouches now, for the epoch in which it did.
fn with_profile(person: Person, profile: Option<Profile>) -> Person {
    let text = |text: String| Some(crate::error::printable(&text)).filter(|text| !text.trim().is_empty());
    match profile {
        Some(profile)
            if profile.accreditor == person.accreditor
                && profile.accreditorEpoch == person.accreditor_epoch
                && profile.practitioner == person.address =>
        {
            Person {
                name: text(profile.name),
                organisation: text(profile.organisation),
                specialty: text(profile.specialty),
                ..person
            }
        }
        _ => person,
    }
}

/// The profile of an entry, if the signature is that of an accreditor who may vouch now, in the same epoch.
async fn checked_profile(client: &Client, entry: &DirectoryEntry) -> Result<Option<Profile>, ChainError> {
    let Some(signed) = &entry.profile else { return Ok(None) };
    let profile = &signed.profile;
    let hash = SignedProfile::signing_hash(profile, client.deployment());
    let holds = profile.practitioner == entry.address
        && client.chain().signed_by(profile.accreditor, hash, &signed.signature).await?
        && client.chain().is_accreditor(profile.accreditor).await?
        && client.chain().accreditor_epoch(profile.accreditor).await? == profile.accreditorEpoch;
    Ok(holds.then(|| profile.clone()))
}
