//! `medlock key` and `medlock register`: the public encryption key.

use alloy::primitives::{Address, hex};
use clap::{Args, Subcommand};
use client::{
    Client,
    error::codes,
    register::{self, Registered},
};
use serde::Serialize;

use super::{
    failure::Failure,
    moment, names,
    settings::{Context, Sending},
};

/// Show a public encryption key, yours or another person's, and compare it with the chain.
///
/// `medlock key register` registers your own key again.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Key {
    /// The owner of the key. If left out: you.
    #[arg(value_name = "PERSON")]
    person: Option<String>,
    #[command(subcommand)]
    action: Option<KeyAction>,
}

/// The actions on your own key.
#[derive(Debug, Subcommand)]
enum KeyAction {
    /// Register your key again, after somebody registered another one in your name. Others then seal to your key.
    ///
    /// It becomes the next key epoch. This needs only your wallet: if the keyring does not open, it registers your own
    /// public key, which this device has stored. You cannot open data that was sealed to the other key.
    Register {
        /// Register the next key even if the newest key on chain is yours.
        #[arg(long)]
        next: bool,
        #[command(flatten)]
        sending: Sending,
    },
}

/// A public key, compared between the chain, the server and this device.
#[derive(Serialize)]
struct KeyAnswer {
    owner: String,
    /// Epoch on chain; 0 if none is published.
    epoch: u32,
    /// The public key, hex, from the chain's event.
    key: Option<String>,
    /// keccak256 of it, from the contract's storage.
    key_hash: Option<String>,
    /// Unix seconds.
    since: Option<u64>,
    /// Whether the newest key on chain is one of this device's keys; null for another person's key.
    is_yours: Option<bool>,
    /// Key epochs whose keys are this device's keys, newest first; null for another person's key.
    own_epochs: Option<Vec<u32>>,
    /// Key epochs whose keys are not this device's keys, so data that is sealed to them does not open; null for another
    /// person's key.
    foreign_epochs: Option<Vec<u32>>,
    /// Whether the server has the same key as the chain; null if it was not asked or does not answer.
    server_agrees: Option<bool>,
}

impl Key {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        if let Some(KeyAction::Register { next, sending }) = self.action {
            return register_again(&context, next, sending).await;
        }
        let client = context.client()?;
        let owner = match &self.person {
            Some(person) => names::resolve(&context, &client, None, person).await?,
            None => client.address(),
        };
        let answer = look_up(&context, &client, owner).await?;
        context.screen.answer(&answer, || in_words(&answer, owner))?;
        if answer.is_yours == Some(false) && answer.epoch > 0 {
            let what = format!("the chain's newest key for your address (number {}) is not one of yours", answer.epoch);
            return Err(Failure::new(codes::FOREIGN_KEY, what));
        }
        if answer.server_agrees == Some(false) {
            let what = "the server has a different key for this person from the chain";
            return Err(Failure::new(codes::WRONG_PUBLIC_KEY, what));
        }
        Ok(())
    }
}

async fn look_up(context: &Context, client: &Client, owner: Address) -> Result<KeyAnswer, Failure> {
    client.chain().verify_deployment().await?;
    let on_chain = client.chain().find_key(owner).await?;
    let own = if owner == client.address() { Some(context.keys(client).await?) } else { None };
    let key = match (on_chain, &own) {
        (None, _) => None,
        // Somebody who registers a key in another person's name may register bytes that are not a key.
        (Some(_), Some(_)) => client.chain().public_key(owner).await.ok().map(|(key, _)| key),
        (Some(_), None) => Some(client.chain().public_key(owner).await?.0),
    };
    let epochs = own.as_ref().map(client::unlock::Keys::epochs);
    let is_yours = epochs.map(|epochs| epochs.newest() > 0 && !epochs.is_newest_foreign());
    let server_agrees = match client.api() {
        Ok(api) => match api.find_key(owner).await {
            Ok(published) => Some(
                published.map(|published| published.key.to_vec()) == key.as_ref().map(|key| key.as_bytes().to_vec()),
            ),
            Err(failure) => {
                context.screen.note(format!("The server's key was not compared: {failure}"));
                None
            }
        },
        Err(_) => None,
    };
    Ok(KeyAnswer {
        owner: format!("{owner:#x}"),
        epoch: on_chain.map_or(0, |key| key.epoch),
        key: key.map(|key| hex::encode_prefixed(key.as_bytes())),
        key_hash: on_chain.map(|key| format!("{:#x}", key.hash)),
        since: on_chain.map(|key| key.since),
        is_yours,
        own_epochs: epochs.map(|epochs| epochs.own().collect()),
        foreign_epochs: epochs.map(|epochs| epochs.foreign().collect()),
        server_agrees,
    })
}

fn in_words(answer: &KeyAnswer, owner: Address) -> String {
    let owner = owner.to_checksum(None);
    // A key has 1,216 bytes; the JSON form has them.
    let usable = if answer.key.is_some() { "" } else { "\nThe published bytes are not a usable key." };
    let (Some(hash), Some(since)) = (&answer.key_hash, answer.since) else {
        return match answer.is_yours {
            Some(_) => "Your key is not published yet. Publish it: medlock register".to_owned(),
            None => format!("{owner} has not published a key."),
        };
    };
    let mut text = format!(
        "Owner      {owner}\nKey hash   {hash}\nKey number {}, published {}{usable}",
        answer.epoch,
        moment::in_words(since)
    );
    text += match answer.is_yours {
        Some(true) => "\nThis device has its private key.",
        Some(false) => "\nIt is NOT one of your keys. You cannot open what others seal to it.",
        None => "",
    };
    let list = |epochs: &[u32]| epochs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if let Some(own) = answer.own_epochs.as_deref().filter(|own| !own.is_empty()) {
        text += &format!("\nNumbers of the keys that are yours: {}.", list(own));
    }
    if let Some(foreign) = answer.foreign_epochs.as_deref().filter(|foreign| !foreign.is_empty()) {
        text += &format!("\nNumbers of the keys that are NOT yours: {}.", list(foreign));
    }
    text += match answer.server_agrees {
        Some(true) => "\nThe server has the same key as the chain.",
        Some(false) => "\nThe server has a DIFFERENT key from the chain.",
        None => "\nThe server's key was not compared.",
    };
    text
}

/// Publish your encryption key, so that others can share with you and upload for you.
#[derive(Debug, Args)]
pub(crate) struct Register {
    #[command(flatten)]
    sending: Sending,
}

impl Register {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let keys = context.keys(&client).await?;
        let wallet = context.wallet(&client).await?;
        let registered = register::register(&client, &wallet, &keys, self.sending.way()).await?;
        context.screen.answer(&registered, || registered_in_words(&registered))
    }
}

/// `medlock key register`
async fn register_again(context: &Context, next: bool, sending: Sending) -> Result<(), Failure> {
    let client = context.client()?;
    let keys = context.keys_if_any(&client).await?;
    let wallet = context.wallet(&client).await?;
    let registered = match &keys {
        Some(keys) if next || keys.epochs().is_newest_foreign() => {
            register::register_next(&client, &wallet, keys, sending.way()).await?
        }
        Some(keys) => register::register(&client, &wallet, keys, sending.way()).await?,
        None if next => {
            return Err(Failure::new(codes::NOT_UNLOCKED, "a new key needs your unlocked keys")
                .remedy("Leave --next out, to register your current key again"));
        }
        None => register::register_kept(&client, &wallet, sending.way()).await?,
    };
    context.screen.answer(&registered, || registered_in_words(&registered))
}

fn registered_in_words(registered: &Registered) -> String {
    let epoch = registered.epoch;
    match registered.settled.map(|settled| settled.block_number) {
        None => format!("Your key (number {epoch}) was already published."),
        Some(Some(block)) => format!("Your key (number {epoch}) is published in block {block}."),
        Some(None) => format!("Your key (number {epoch}) is accepted; it will be on the chain in a moment."),
    }
}
