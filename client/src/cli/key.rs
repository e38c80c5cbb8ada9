//! `medlock key` and `medlock register`: the public encryption key.

use alloy::primitives::{Address, hex};
use clap::Args;
use client::{Client, ClientError, Kind, register};
use serde::Serialize;

use super::{
    failure::Failure,
    moment, names,
    settings::{Context, Sending},
};

/// Show your public encryption key and compare it with the chain, or show another person's.
#[derive(Debug, Args)]
pub(crate) struct Key {
    /// Whose key; yours if absent.
    #[arg(value_name = "PERSON")]
    person: Option<String>,
}

/// A public key as chain, server and this device know it.
#[derive(Serialize)]
struct KeyAnswer {
    owner: String,
    /// Epoch on chain; 0 if none is published.
    epoch: u32,
    /// Uncompressed point, hex, from the chain's event.
    key: Option<String>,
    /// keccak256 of it, from the contract's storage.
    key_hash: Option<String>,
    /// Unix seconds.
    since: Option<u64>,
    /// Whether the keys of this device are those on chain; null for somebody else's.
    is_yours: Option<bool>,
    /// Whether the server says the same as the chain; null if it was not asked or does not answer.
    server_agrees: Option<bool>,
}

impl Key {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let owner = match &self.person {
            Some(person) => names::resolve(&context, &client, None, person).await?,
            None => client.address(),
        };
        let answer = look_up(&context, &client, owner).await?;
        context.screen.answer(&answer, || in_words(&answer, owner))?;
        if answer.server_agrees == Some(false) {
            let what = "the server gives another key for this person than the chain";
            return Err(ClientError::new(Kind::WrongPublicKey, what));
        }
        Ok(())
    }
}

async fn look_up(context: &Context, client: &Client, owner: Address) -> Result<KeyAnswer, Failure> {
    client.chain().verify_deployment().await?;
    let on_chain = client.chain().find_key(owner).await?;
    let key = match on_chain {
        Some(_) => Some(client.chain().public_key(owner).await?.0),
        None => None,
    };
    // Unlocking compares the derived key with the chain, and fails when they differ.
    let is_yours =
        if owner == client.address() { Some(context.keys(client).await.map(|_| on_chain.is_some())?) } else { None };
    let server_agrees = match client.api() {
        Ok(api) => match api.find_key(owner).await {
            Ok(published) => {
                Some(published.map(|published| published.key.to_vec()) == key.map(|key| key.as_bytes().to_vec()))
            }
            Err(failure) => {
                context.screen.note(format!("The server was not compared: {failure}"));
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
        server_agrees,
    })
}

fn in_words(answer: &KeyAnswer, owner: Address) -> String {
    let owner = owner.to_checksum(None);
    let (Some(key), Some(hash), Some(since)) = (&answer.key, &answer.key_hash, answer.since) else {
        return match answer.is_yours {
            Some(_) => "Your key is not published yet. Publish it: medlock register".to_owned(),
            None => format!("{owner} has not published a key."),
        };
    };
    let mut text = format!(
        "Owner      {owner}\nKey        {key}\nHash       {hash}\nEpoch      {}, published {}",
        answer.epoch,
        moment::in_words(since)
    );
    if answer.is_yours == Some(true) {
        text += "\nThis device holds its private half.";
    }
    text += match answer.server_agrees {
        Some(true) => "\nThe server gives the same key as the chain.",
        Some(false) => "\nThe server gives ANOTHER key than the chain.",
        None => "\nThe server was not compared.",
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
        context.screen.answer(&registered, || {
            let epoch = registered.epoch;
            match registered.settled.map(|settled| settled.block_number) {
                None => format!("Your key (epoch {epoch}) was published before."),
                Some(Some(block)) => format!("Your key (epoch {epoch}) is published in block {block}."),
                Some(None) => format!("Your key (epoch {epoch}) is accepted; the chain will follow in a moment."),
            }
        })
    }
}
