//! A bundle of 7,400 capsules (2 MB) for a grant whose hash names another one, over and over: the server has to find out
//! that no beginning of it is the one that was granted.

use std::{net::Ipv4Addr, sync::Arc};

use alloy::primitives::{Address, B256};
use async_trait::async_trait;
use protocol::ids::RecordId;
use reqwest::Method;
use tokio_util::sync::CancellationToken;

use super::{Attack, given};
use crate::{
    attacker::{Account, Attacker, new_accounts},
    purse::Purse,
    tally::Tally,
    world::World,
};

pub(super) const NAME: &str = "large-bundle";
/// As many as a body of 2 MiB holds.
pub(super) const CAPSULES: u16 = 7_400;
/// Gas of a grant over one record.
const GRANT_GAS: u64 = 400_000;

pub(super) struct LargeBundle {
    base: String,
    account: Account,
    body: Vec<u8>,
}

pub(super) async fn prepare(world: &World, purse: &Arc<Purse>) -> anyhow::Result<LargeBundle> {
    let base = world.stack.api_url(0);
    let account = new_accounts(&base, 1).await?.remove(0);
    let (grantee, salt) = (Address::new(rand::random()), given::any_salt());
    let record = RecordId(B256::new(rand::random()));
    let another = (record, B256::new(rand::random()));
    let signed = given::sign_grant(&account, world.deployment(), grantee, salt, &[another]);
    purse.carry_out(&[signed], GRANT_GAS).await?;
    let bundle = given::body_of(record, &given::any_capsule(world.deployment()), CAPSULES);
    Ok(LargeBundle { base, account, body: given::request_body(None, grantee, salt, vec![bundle]) })
}

#[async_trait]
impl Attack for LargeBundle {
    fn is_endless(&self) -> bool {
        true
    }

    async fn run(&self, address: Ipv4Addr, until: &CancellationToken, tally: &Tally) -> anyhow::Result<()> {
        let attacker = Attacker::new(address, &self.base, tally)?;
        tally.note(format!("one body of {:.1} MB after the other", self.body.len() as f64 / 1e6));
        while !until.is_cancelled() {
            attacker.send(&self.account, Method::POST, "/v1/grants", self.body.clone()).await;
        }
        Ok(())
    }
}
