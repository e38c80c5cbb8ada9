//! The attacks, each from a network address of its own.
//!
//! What an attacker can prepare at leisure (accounts, keys, signatures, transactions of its own) is ready before anybody
//! is watched. What is refused is tried in the way that remains: a grant, for one, goes to the chain directly.

mod downloads;
mod foreign_events;
mod given;
mod hoard;
mod large_bundle;
mod relays;
mod requests;
mod silent;
mod strangers;

use std::{net::Ipv4Addr, sync::Arc};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{purse::Purse, raid::Prepared, tally::Tally, world::World};

/// Every attack by its name; number N comes from 127.0.0.(N + 2).
pub(crate) const NAMES: [&str; 8] = [
    large_bundle::NAME,
    strangers::NAME,
    hoard::NAME,
    relays::NAME,
    requests::NAME,
    foreign_events::NAME,
    silent::NAME,
    downloads::NAME,
];

/// Something that an attacker does.
#[async_trait]
pub(crate) trait Attack: Send + Sync {
    /// Whether it goes on until it is ended; otherwise it does a number of things, as fast as it can.
    fn is_endless(&self) -> bool;

    /// Attacks from `address`.
    async fn run(&self, address: Ipv4Addr, until: &CancellationToken, tally: &Tally) -> anyhow::Result<()>;
}

/// Prepares these attacks.
pub(crate) async fn prepare(
    world: &World,
    purse: &Arc<Purse>,
    names: &[&'static str],
) -> anyhow::Result<Vec<Prepared>> {
    let mut prepared = Vec::with_capacity(names.len());
    for name in names {
        let attack: Box<dyn Attack> = match *name {
            large_bundle::NAME => Box::new(large_bundle::prepare(world, purse).await?),
            strangers::NAME => Box::new(strangers::prepare(world, purse).await?),
            hoard::NAME => Box::new(hoard::prepare(world, purse).await?),
            relays::NAME => Box::new(relays::prepare(world).await?),
            requests::NAME => Box::new(requests::prepare(world, purse).await?),
            foreign_events::NAME => Box::new(foreign_events::prepare(world, purse)),
            silent::NAME => Box::new(silent::prepare(world)?),
            downloads::NAME => Box::new(downloads::prepare(world).await?),
            other => anyhow::bail!("there is no attack \"{other}\""),
        };
        let number = NAMES.iter().position(|other| other == name).and_then(|place| u8::try_from(place).ok());
        let address = Ipv4Addr::new(127, 0, 0, number.unwrap_or_default() + 2);
        prepared.push(Prepared { name, address, attack });
    }
    Ok(prepared)
}
