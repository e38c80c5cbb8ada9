//! `medlock contacts`: private names in an encrypted address book.

use clap::{Args, Subcommand};
use client::{
    contacts::{self, Contact},
    error::codes,
};

use super::{
    failure::{self, Failure},
    screen::plain,
    settings::Context,
    who,
};

/// Keep private names for people; a name can be used wherever an address can.
#[derive(Debug, Args)]
pub(crate) struct Contacts {
    #[command(subcommand)]
    action: Option<ContactsAction>,
}

/// The actions on contacts.
#[derive(Debug, Subcommand)]
enum ContactsAction {
    /// List your contacts by name.
    List,
    /// Add a name, or give an existing name to another address.
    Add {
        /// The name.
        #[arg(value_name = "NAME")]
        name: String,
        /// The address of the person.
        #[arg(value_name = "ADDRESS")]
        address: String,
    },
    /// Remove a name.
    Remove {
        /// The name.
        #[arg(value_name = "NAME")]
        name: String,
    },
}

impl Contacts {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        match self.action.unwrap_or(ContactsAction::List) {
            ContactsAction::List => list(&context).await,
            ContactsAction::Add { name, address } => add(&context, &name, &address).await,
            ContactsAction::Remove { name } => remove(&context, &name).await,
        }
    }
}

async fn list(context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let contacts = contacts::list(&client, &context.keys(&client).await?).await?;
    context.screen.answer(&serde_json::json!({ "contacts": contacts }), || {
        if contacts.is_empty() {
            return "No contacts yet. Add one: medlock contacts add NAME ADDRESS".to_owned();
        }
        let rows = contacts.iter().map(|contact| [plain(&contact.name), contact.address.to_checksum(None)]);
        context.screen.table(["NAME", "ADDRESS"], rows.collect())
    })
}

async fn add(context: &Context, name: &str, address: &str) -> Result<(), Failure> {
    let name = name.trim();
    if !who::is_usable_name(name) {
        return Err(failure::usage("this name is not allowed")
            .remedy("Use up to 200 bytes of printable text that does not begin with 0x and is not `me`"));
    }
    let address = who::parse_address(address).map_err(failure::usage)?;
    let client = context.client()?;
    let keys = context.keys(&client).await?;
    // Each name belongs to one person. The same name for two people could share a record with the wrong one.
    let taken = contacts::list(&client, &keys)
        .await?
        .into_iter()
        .find(|contact| contact.name.to_lowercase() == name.to_lowercase() && contact.address != address);
    if let Some(taken) = taken {
        contacts::remove(&client, &keys, taken.address).await?;
    }
    let contact = Contact { address, name: name.to_owned() };
    contacts::put(&client, &keys, contact.clone()).await?;
    context.screen.answer(&contact, || format!("{} is {}.", plain(name), address.to_checksum(None)))
}

async fn remove(context: &Context, name: &str) -> Result<(), Failure> {
    let client = context.client()?;
    let keys = context.keys(&client).await?;
    let wanted = name.trim().to_lowercase();
    let contact = contacts::list(&client, &keys)
        .await?
        .into_iter()
        .find(|contact| contact.name.to_lowercase() == wanted)
        .ok_or_else(|| Failure::new(codes::NOT_FOUND, format!("no contact has the name '{name}'")))?;
    contacts::remove(&client, &keys, contact.address).await?;
    context.screen.answer(&contact, || format!("Removed {}.", plain(&contact.name)))
}
