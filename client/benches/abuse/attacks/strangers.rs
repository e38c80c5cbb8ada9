//! 300 people who are unknown to the doctor share a record with the doctor. If the relayer refuses a grant, its sender
//! sends it to the chain, and then the bundle to the server.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use client::wallet::Wallet;
use futures::{StreamExt, stream};
use protocol::{ids::RecordId, messages::SignedAction};
use reqwest::Method;
use tokio_util::sync::CancellationToken;

use super::{Attack, given};
use crate::{
    attacker::{Account, Attacker, new_accounts},
    purse::Purse,
    tally::Tally,
    world::World,
};

pub(super) const NAME: &str = "strangers";
const STRANGERS: usize = 300;
/// The number of people who share at the same time.
const AT_ONCE: usize = 32;
/// The gas of registering a record, and of a grant over one record.
const GAS: u64 = 400_000;

/// One of these people, with the signed messages.
struct Stranger {
    account: Account,
    grant: SignedAction,
    relayed: Vec<u8>,
    put_in: Vec<u8>,
}

pub(super) struct Strangers {
    base: String,
    purse: Arc<Purse>,
    strangers: Vec<Stranger>,
}

pub(super) async fn prepare(world: &World, purse: &Arc<Purse>) -> anyhow::Result<Strangers> {
    let (base, deployment) = (world.stack.api_url(0), world.deployment());
    let accounts = new_accounts(&base, STRANGERS).await?;
    let doctor = world.doctor.wallet.address();
    let capsule = given::any_capsule(deployment);
    let mut registrations = Vec::with_capacity(STRANGERS);
    let mut strangers = Vec::with_capacity(STRANGERS);
    for account in accounts {
        let record_salt = given::any_salt();
        let record = RecordId::derive(account.address(), record_salt);
        registrations.push(given::register(&account, record_salt, deployment));
        let salt = given::any_salt();
        let hash = given::bundle_of(record, &capsule, 1).hash();
        let grant = given::sign_grant(&account, deployment, doctor, salt, &[(record, hash)]);
        let body = |action| given::request_body(action, doctor, salt, vec![given::body_of(record, &capsule, 1)]);
        let (relayed, put_in) = (body(Some(grant.clone())), body(None));
        strangers.push(Stranger { account, grant, relayed, put_in });
    }
    purse.carry_out(&registrations, GAS).await?;
    Ok(Strangers { base, purse: purse.clone(), strangers })
}

#[async_trait]
impl Attack for Strangers {
    fn is_endless(&self) -> bool {
        false
    }

    async fn run(&self, address: Ipv4Addr, until: &CancellationToken, tally: &Tally) -> anyhow::Result<()> {
        let attacker = Attacker::new(address, &self.base, tally)?;
        let refused = Mutex::new(Vec::new());
        let share = async |stranger: &'_ Stranger| {
            if until.is_cancelled() {
                return;
            }
            let answer = attacker.send(&stranger.account, Method::POST, "/v1/grants", stranger.relayed.clone()).await;
            if !answer.is_success() {
                refused.lock().unwrap_or_else(PoisonError::into_inner).push(stranger.grant.clone());
            }
        };
        stream::iter(&self.strangers).for_each_concurrent(AT_ONCE, share).await;

        let refused = refused.into_inner().unwrap_or_else(PoisonError::into_inner);
        if refused.is_empty() || until.is_cancelled() {
            return Ok(());
        }
        tally.note(format!("{} of them went to the chain themselves and gave the bundle after", refused.len()));
        self.purse.carry_out(&refused, GAS).await?;
        let is_direct = |stranger: &&Stranger| refused.contains(&stranger.grant);
        let put_in = async |stranger: &'_ Stranger| {
            if !until.is_cancelled() {
                attacker.send(&stranger.account, Method::POST, "/v1/grants", stranger.put_in.clone()).await;
            }
        };
        stream::iter(self.strangers.iter().filter(is_direct)).for_each_concurrent(AT_ONCE, put_in).await;
        Ok(())
    }
}
