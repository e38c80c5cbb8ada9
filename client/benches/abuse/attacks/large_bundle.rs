//! Bundles for a grant that has the hash of another bundle, again and again. Some have the largest number of capsules,
//! so the server must check that no beginning of the bundle has the granted hash. Others have 7,400 capsules (2 MB),
//! the largest body.

use std::{net::Ipv4Addr, sync::Arc};

use alloy::primitives::{Address, B256};
use async_trait::async_trait;
use protocol::{bundle::CAPSULES_MAX, ids::RecordId};
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
/// The number of capsules that fit into a body of 2 MiB.
const CAPSULES_IN_BODY: usize = 870;
/// The gas of a grant over one record.
const GRANT_GAS: u64 = 400_000;

pub(super) struct LargeBundle {
    base: String,
    account: Account,
    bodies: [Vec<u8>; 2],
}

pub(super) async fn prepare(world: &World, purse: &Arc<Purse>) -> anyhow::Result<LargeBundle> {
    let base = world.stack.api_url(0);
    let account = new_accounts(&base, 1).await?.remove(0);
    let (grantee, salt) = (Address::new(rand::random()), given::any_salt());
    let record = RecordId(B256::new(rand::random()));
    let another = (record, B256::new(rand::random()));
    let signed = given::sign_grant(&account, world.deployment(), grantee, salt, &[another]);
    purse.carry_out(&[signed], GRANT_GAS).await?;
    let capsule = given::any_capsule(world.deployment());
    let bodies = [CAPSULES_MAX, CAPSULES_IN_BODY]
        .map(|capsules| given::request_body(None, grantee, salt, vec![given::body_of(record, &capsule, capsules)]));
    Ok(LargeBundle { base, account, bodies })
}

#[async_trait]
impl Attack for LargeBundle {
    fn is_endless(&self) -> bool {
        true
    }

    async fn run(&self, address: Ipv4Addr, until: &CancellationToken, tally: &Tally) -> anyhow::Result<()> {
        let attacker = Attacker::new(address, &self.base, tally)?;
        let [allowed, longest] = self.bodies.each_ref().map(|body| body.len() as f64 / 1e6);
        tally.note(format!("bodies of {allowed:.1} and {longest:.1} MB in turns, one after the other"));
        for body in self.bodies.iter().cycle() {
            if until.is_cancelled() {
                break;
            }
            attacker.send(&self.account, Method::POST, "/v1/grants", body.clone()).await;
        }
        Ok(())
    }
}
