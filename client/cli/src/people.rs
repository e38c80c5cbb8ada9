//! `medlock accredit`, `suspend`, `accreditor`, `invite`, `profile` and `directory`: accreditations.

use alloy::primitives::Address;
use clap::{Args, Subcommand};
use client::{
    Client,
    accreditation::{self, DirectoryFilter, NewAccreditation, NewProfile, Person},
    act::Settled,
    error::codes,
};
use protocol::codes::Role;

use super::{
    failure::Failure,
    moment::{self, Edge},
    names,
    screen::plain,
    settings::{Context, Sending},
    words,
};

/// Vouch for a doctor, nurse, lab, pharmacy or auditor (accreditors only).
#[derive(Debug, Args)]
pub(crate) struct Accredit {
    /// The practitioner.
    #[arg(value_name = "PERSON")]
    person: String,
    /// The role; can be given several times.
    #[arg(long, value_name = "ROLE", value_parser = words::role(), ignore_case = true, required = true)]
    role: Vec<Role>,
    /// The end of the accreditation.
    #[arg(long, value_name = "TIME", default_value = "365d")]
    until: String,
    /// The start of the accreditation. If left out: now.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Also publish a profile with this name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The organisation in the profile.
    #[arg(long, value_name = "TEXT", requires = "name", default_value = "")]
    organisation: String,
    /// The specialty in the profile.
    #[arg(long, value_name = "TEXT", requires = "name", default_value = "")]
    specialty: String,
    #[command(flatten)]
    sending: Sending,
}

impl Accredit {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let valid_until = context.moment(&self.until, Edge::End)?;
        let valid_from = self.from.as_deref().map(|text| context.moment(text, Edge::Start)).transpose()?.unwrap_or(0);
        let client = context.client()?;
        let practitioner = names::resolve(&context, &client, None, &self.person).await?;
        let wallet = context.wallet(&client).await?;
        let new = NewAccreditation { practitioner, roles: self.role, valid_from, valid_until };
        let settled = accreditation::accredit(&client, &wallet, &new, self.sending.way()).await?;
        if let Some(name) = self.name {
            let profile = NewProfile { practitioner, name, organisation: self.organisation, specialty: self.specialty };
            accreditation::publish_profile(&client, &wallet, &profile).await?;
        }
        acted(&context, practitioner, &settled, || {
            format!(
                "{} is accredited as {} until {}.",
                practitioner.to_checksum(None),
                words::roles_in_words(&new.roles),
                moment::until_in_words(valid_until)
            )
        })
    }
}

/// Suspend a practitioner that you vouched for, or reinstate one (accreditors only).
#[derive(Debug, Args)]
pub(crate) struct Suspend {
    /// The practitioner.
    #[arg(value_name = "PERSON")]
    person: String,
    /// End the suspension.
    #[arg(long)]
    reinstate: bool,
    #[command(flatten)]
    sending: Sending,
}

impl Suspend {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let person = names::resolve(&context, &client, None, &self.person).await?;
        let wallet = context.wallet(&client).await?;
        let (settled, state) = if self.reinstate {
            (accreditation::reinstate(&client, &wallet, person, self.sending.way()).await?, "reinstated")
        } else {
            (accreditation::suspend(&client, &wallet, person, self.sending.way()).await?, "suspended")
        };
        acted(&context, person, &settled, || format!("{} is {state}.", person.to_checksum(None)))
    }
}

/// Add or remove an accreditor (the owner of the deployment only), or show whether somebody is one.
#[derive(Debug, Args)]
pub(crate) struct Accreditor {
    #[command(subcommand)]
    action: AccreditorAction,
}

/// The actions on an accreditor.
#[derive(Debug, Subcommand)]
enum AccreditorAction {
    /// Allow somebody to vouch for practitioners.
    Add {
        /// The accreditor.
        #[arg(value_name = "PERSON")]
        person: String,
        #[command(flatten)]
        sending: Sending,
    },
    /// Remove an accreditor, and end all accreditations that it gave.
    Remove {
        /// The accreditor.
        #[arg(value_name = "PERSON")]
        person: String,
        #[command(flatten)]
        sending: Sending,
    },
    /// Show whether somebody is an accreditor now.
    Show {
        /// The person. If left out: you.
        #[arg(value_name = "PERSON")]
        person: Option<String>,
    },
}

impl Accreditor {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let (person, sending, active) = match self.action {
            AccreditorAction::Add { person, sending } => (person, sending, true),
            AccreditorAction::Remove { person, sending } => (person, sending, false),
            AccreditorAction::Show { person } => return show_accreditor(&context, &client, person.as_deref()).await,
        };
        let person = names::resolve(&context, &client, None, &person).await?;
        let wallet = context.wallet(&client).await?;
        let (settled, may) = if active {
            let settled = accreditation::add_accreditor(&client, &wallet, person, sending.way()).await?;
            (settled, "may now vouch for practitioners")
        } else {
            let settled = accreditation::remove_accreditor(&client, &wallet, person, sending.way()).await?;
            (settled, "no longer vouches for anybody")
        };
        acted(&context, person, &settled, || format!("{} {may}.", person.to_checksum(None)))
    }
}

async fn show_accreditor(context: &Context, client: &Client, person: Option<&str>) -> Result<(), Failure> {
    let person = match person {
        Some(person) => names::resolve(context, client, None, person).await?,
        None => client.address(),
    };
    client.chain().verify_deployment().await?;
    let is_accreditor = client.chain().is_accreditor(person).await?;
    let answer = serde_json::json!({ "address": format!("{person:#x}"), "is_accreditor": is_accreditor });
    context.screen.answer(&answer, || {
        let may = if is_accreditor { "may vouch for practitioners" } else { "is not an accreditor" };
        format!("{} {may}.", person.to_checksum(None))
    })
}

fn acted(context: &Context, person: Address, settled: &Settled, words: impl FnOnce() -> String) -> Result<(), Failure> {
    let answer = serde_json::json!({ "address": format!("{person:#x}"), "settled": settled });
    context.screen.answer(&answer, || {
        let words = words();
        if settled.block_number.is_some() { words } else { words + "\nIt will be on the chain in a moment." }
    })
}

/// Invite a new account, so that the server relays its messages (accreditors and the operator only).
#[derive(Debug, Args)]
pub(crate) struct Invite {
    /// The person to invite.
    #[arg(value_name = "PERSON")]
    person: String,
}

impl Invite {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let person = names::resolve(&context, &client, None, &self.person).await?;
        client.api()?.invite(person).await?;
        context.screen.answer(&serde_json::json!({ "address": format!("{person:#x}") }), || {
            format!(
                "{} may now use the server within its limits: for 90 days, or without an end once they publish a key.",
                person.to_checksum(None)
            )
        })?;
        Ok(())
    }
}

/// Show a practitioner's public profile, or publish one (accreditors only).
#[derive(Debug, Args)]
pub(crate) struct Profile {
    #[command(subcommand)]
    action: ProfileAction,
}

/// The actions on a profile.
#[derive(Debug, Subcommand)]
enum ProfileAction {
    /// Show a practitioner's public profile, and check its signature.
    Show {
        /// The practitioner. If left out: you.
        #[arg(value_name = "PERSON")]
        person: Option<String>,
    },
    /// Sign and publish the profile of a practitioner that you vouched for.
    Set {
        /// The practitioner.
        #[arg(value_name = "PERSON")]
        person: String,
        /// The name.
        #[arg(long, value_name = "NAME")]
        name: String,
        /// The organisation.
        #[arg(long, value_name = "TEXT", default_value = "")]
        organisation: String,
        /// The specialty.
        #[arg(long, value_name = "TEXT", default_value = "")]
        specialty: String,
    },
}

impl Profile {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        match self.action {
            ProfileAction::Show { person } => {
                let address = match &person {
                    Some(person) => names::resolve(&context, &client, None, person).await?,
                    None => client.address(),
                };
                let person = accreditation::person(&client, address).await?.ok_or_else(|| {
                    Failure::new(codes::NOT_FOUND, format!("{} is not accredited", address.to_checksum(None)))
                        .remedy("Check the address; only accredited people have a public profile")
                })?;
                context.screen.answer(&person, || person_in_words(&person))
            }
            ProfileAction::Set { person, name, organisation, specialty } => {
                let practitioner = names::resolve(&context, &client, None, &person).await?;
                let wallet = context.wallet(&client).await?;
                let new = NewProfile { practitioner, name, organisation, specialty };
                accreditation::publish_profile(&client, &wallet, &new).await?;
                let answer = serde_json::json!({ "address": format!("{practitioner:#x}"), "name": new.name });
                context.screen.answer(&answer, || format!("Published the profile of {}.", plain(&new.name)))
            }
        }
    }
}

fn person_in_words(person: &Person) -> String {
    let name = person.name.as_deref().map_or_else(|| "No name published".to_owned(), plain);
    let about: Vec<_> = [&person.specialty, &person.organisation]
        .into_iter()
        .filter_map(|text| text.as_deref().filter(|text| !text.is_empty()).map(plain))
        .collect();
    let about = if about.is_empty() { String::new() } else { format!(", {}", about.join(", ")) };
    let counts = if person.counts { "is valid now" } else { "is not valid now" };
    let key = if person.has_key { "has a key: you can share" } else { "has no key yet: you cannot share" };
    format!(
        "{name}{about}\n{}\nAccredited as {} by {} until {}; it {counts}.\n{key}",
        person.address.to_checksum(None),
        words::roles_in_words(&person.roles),
        person.accreditor.to_checksum(None),
        moment::until_in_words(person.valid_until),
    )
}

/// Find accredited doctors, nurses, labs, pharmacies and auditors.
#[derive(Debug, Args)]
pub(crate) struct Directory {
    /// Only names that begin with this text.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Only this role.
    #[arg(long, value_name = "ROLE", value_parser = words::role(), ignore_case = true)]
    role: Option<Role>,
}

impl Directory {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let people = accreditation::directory(&client, &DirectoryFilter { role: self.role, name: self.name }).await?;
        context.screen.answer(&serde_json::json!({ "people": people }), || {
            if people.is_empty() {
                return "Nobody found.".to_owned();
            }
            let rows = people.iter().map(|person| {
                [
                    person.name.as_deref().map(plain).unwrap_or_default(),
                    words::roles_in_words(&person.roles),
                    person.organisation.as_deref().map(plain).unwrap_or_default(),
                    person.address.to_checksum(None),
                    if person.counts { moment::until_in_words(person.valid_until) } else { "not valid now".to_owned() },
                    if person.has_key { "yes" } else { "no" }.to_owned(),
                ]
            });
            context.screen.table(["NAME", "ROLE", "ORGANISATION", "ADDRESS", "UNTIL", "KEY"], rows.collect())
        })
    }
}
