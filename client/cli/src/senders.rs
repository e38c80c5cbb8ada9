//! `medlock accept`, `block`, `unblock`, `blocks` and `hide`: the senders whose grants and requests a person wants to
//! see.

use alloy::primitives::Address;
use clap::Args;
use client::{Client, grants};
use protocol::{bodies::grants::ShelfQuery, ids::GrantId};
use serde_json::json;

use super::{
    failure::Failure,
    moment,
    names::{self, Names},
    pick,
    screen::short,
    settings::Context,
};

/// Accept a stranger who has shared something with you. Their grants join those of people you know.
#[derive(Debug, Args)]
pub(crate) struct Accept {
    /// The stranger. `medlock grants --received --from strangers` lists the grants of strangers.
    #[arg(value_name = "PERSON")]
    person: String,
}

impl Accept {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let (client, sender, names) = sender(&context, &self.person).await?;
        client.api()?.accept(sender).await?;
        let answer = json!({ "accepted": format!("{sender:#x}") });
        context.screen.answer(&answer, || format!("{} is not a stranger any more.", names.begin(sender)))
    }
}

/// Block a sender: refuse their requests, hide their grants, and get no news about them.
///
/// Their grants stay valid. They do not learn that they are blocked: the server answers their requests as if they had
/// asked too often.
#[derive(Debug, Args)]
pub(crate) struct Block {
    /// The sender to block.
    #[arg(value_name = "PERSON")]
    person: String,
}

impl Block {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let (client, sender, names) = sender(&context, &self.person).await?;
        client.api()?.set_blocked(sender, true).await?;
        let answer = json!({ "blocked": format!("{sender:#x}") });
        context.screen.answer(&answer, || format!("{} is blocked.", names.begin(sender)))
    }
}

/// End a block, and show the grants of that sender again.
#[derive(Debug, Args)]
pub(crate) struct Unblock {
    /// The blocked sender.
    #[arg(value_name = "PERSON")]
    person: String,
}

impl Unblock {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let (client, sender, names) = sender(&context, &self.person).await?;
        client.api()?.set_blocked(sender, false).await?;
        let answer = json!({ "unblocked": format!("{sender:#x}") });
        context.screen.answer(&answer, || format!("{} is not blocked any more.", names.begin(sender)))
    }
}

/// List the senders that you have blocked.
#[derive(Debug, Args)]
pub(crate) struct Blocks {}

impl Blocks {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let blocks = client.api()?.blocks().await?;
        let names = Names::of(&context, &client, None, blocks.iter().map(|block| block.address)).await;
        context.screen.answer(&json!({ "blocks": blocks }), || {
            if blocks.is_empty() {
                return "You have not blocked anybody.".to_owned();
            }
            let line = |block: &protocol::bodies::people::BlockView| {
                format!("{:#x}  {} since {}", block.address, names.call(block.address), moment::in_words(block.since))
            };
            blocks.iter().map(line).collect::<Vec<_>>().join("\n")
        })
    }
}

/// Hide a grant that you received from your lists, or show it again. It stays valid.
#[derive(Debug, Args)]
pub(crate) struct Hide {
    /// The grant: its id, or the first characters of it.
    #[arg(value_name = "GRANT")]
    grant: String,
    /// Show it again.
    #[arg(long)]
    undo: bool,
}

impl Hide {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let grant = self.find(&client).await?;
        client.api()?.set_hidden(grant, !self.undo).await?;
        let done = if self.undo { "shown again" } else { "hidden" };
        let answer = json!({ "grant": grant, "hidden": !self.undo });
        context.screen.answer(&answer, || format!("Grant {} is {done}.", short(grant)))
    }

    async fn find(&self, client: &Client) -> Result<GrantId, Failure> {
        if let Some(id) = pick::whole(&self.grant) {
            return Ok(id);
        }
        let shelves: &[ShelfQuery] =
            if self.undo { &[ShelfQuery::Hidden] } else { &[ShelfQuery::Known, ShelfQuery::Strangers] };
        let mut known = Vec::new();
        for shelf in shelves {
            known.extend(grants::received(client, *shelf).await?.into_iter().map(|grant| grant.id));
        }
        pick::by_start("grant", &self.grant, known)
    }
}

async fn sender(context: &Context, person: &str) -> Result<(Client, Address, Names), Failure> {
    let client = context.client()?;
    let sender = names::resolve(context, &client, None, person).await?;
    let names = Names::of(context, &client, None, [sender]).await;
    Ok((client, sender, names))
}
