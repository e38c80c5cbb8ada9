//! The attacks. Each comes from a different network address.
//!
//! Everything that an attacker can prepare (accounts, keys, signatures, its own transactions) is ready before the
//! measurement begins. If the server refuses something, the attack uses the way that remains: a grant, for example, is
//! sent to the chain directly.

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

/// The names of all attacks. Number N comes from 127.0.0.(N + 2).
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

/// One attack.
#[async_trait]
pub(crate) trait Attack: Send + Sync {
    /// Returns whether it continues until it is stopped. Otherwise it does a fixed number of things, as fast as it can.
    fn is_endless(&self) -> bool;

    /// Runs the attack from `address`.
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
