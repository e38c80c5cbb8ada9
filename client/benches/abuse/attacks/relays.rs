//! 300 new accounts let the server relay the longest possible key, all from one network address.

use std::net::Ipv4Addr;

use alloy::primitives::U256;
use async_trait::async_trait;
use client::{act::new_nonce, chain::unix_now};
use futures::{StreamExt, stream};
use protocol::{
    codes::{KEM_SECP256K1, SLOT_CATEGORIES},
    messages::{Action, KEY_BYTES_MAX, RegisterKey},
};
use reqwest::Method;
use tokio_util::sync::CancellationToken;

use super::{Attack, given};
use crate::{
    attacker::{Account, Attacker, new_accounts},
    tally::Tally,
    world::World,
};

pub(super) const NAME: &str = "relays";
const ACCOUNTS: usize = 300;
/// The number of accounts that wait for an answer at the same time.
const AT_ONCE: usize = 100;
/// The slot of the list of category keys, which may be long.
const LONG_SLOT: u8 = SLOT_CATEGORIES;

pub(super) struct Relays {
    base: String,
    signed: Vec<(Account, Vec<u8>)>,
}

pub(super) async fn prepare(world: &World) -> anyhow::Result<Relays> {
    let base = world.stack.api_url(0);
    let accounts = new_accounts(&base, ACCOUNTS).await?;
    let key: Vec<u8> = (0..KEY_BYTES_MAX).map(|_| rand::random::<u8>() | 1).collect();
    let sign = |account: Account| {
        let action = Action::RegisterKey(RegisterKey {
            owner: account.address(),
            slot: LONG_SLOT,
            epoch: 0,
            kem: KEM_SECP256K1,
            key: key.clone().into(),
            nonce: new_nonce(),
            deadline: U256::from(unix_now() + given::VALID_SECONDS),
        });
        let signed = account.sign(action, world.deployment());
        (account, serde_json::to_vec(&signed).expect("a body has only text keys"))
    };
    Ok(Relays { base, signed: accounts.into_iter().map(sign).collect() })
}

#[async_trait]
impl Attack for Relays {
    fn is_endless(&self) -> bool {
        false
    }

    async fn run(&self, address: Ipv4Addr, until: &CancellationToken, tally: &Tally) -> anyhow::Result<()> {
        let attacker = Attacker::new(address, &self.base, tally)?;
        let relay = async |(account, body): &'_ (Account, Vec<u8>)| {
            if !until.is_cancelled() {
                attacker.send(account, Method::POST, "/v1/actions", body.clone()).await;
            }
        };
        stream::iter(&self.signed).for_each_concurrent(AT_ONCE, relay).await;
        Ok(())
    }
}
