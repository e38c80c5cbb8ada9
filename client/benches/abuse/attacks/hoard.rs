//! 40 bundles of 2 MB for one grantee, who then lists them, eight times at once, over and over.

use std::{net::Ipv4Addr, sync::Arc};

use alloy::primitives::B256;
use async_trait::async_trait;
use futures::{StreamExt, stream};
use protocol::{
    capsule::Capsule,
    ids::{RecordId, Salt},
};
use reqwest::Method;
use tokio_util::sync::CancellationToken;

use super::{Attack, given, large_bundle::CAPSULES};
use crate::{
    attacker::{Account, Attacker, new_accounts},
    purse::Purse,
    tally::Tally,
    world::World,
};

pub(super) const NAME: &str = "hoard";
const BUNDLES: usize = 40;
/// How many bundles are sent at once.
const AT_ONCE: usize = 4;
/// How many lists are asked for at once.
const LISTS: usize = 8;
/// Gas of a grant over 40 records.
const GRANT_GAS: u64 = 4_000_000;
const LIST: &str = "/v1/grants?side=received&limit=500";

pub(super) struct Hoard {
    base: String,
    patient: Account,
    grantee: Account,
    salt: Salt,
    capsule: Capsule,
    records: Vec<RecordId>,
}

pub(super) async fn prepare(world: &World, purse: &Arc<Purse>) -> anyhow::Result<Hoard> {
    let (base, deployment) = (world.stack.api_url(0), world.deployment());
    let mut accounts = new_accounts(&base, 2).await?;
    let (grantee, patient) = (accounts.remove(0), accounts.remove(0));
    let (salt, capsule) = (given::any_salt(), given::any_capsule(deployment));
    let records: Vec<RecordId> = (0..BUNDLES).map(|_| RecordId(B256::new(rand::random()))).collect();
    let hashed: Vec<(RecordId, B256)> =
        records.iter().map(|record| (*record, given::bundle_of(*record, &capsule, CAPSULES).hash())).collect();
    let signed = given::sign_grant(&patient, deployment, grantee.address(), salt, &hashed);
    purse.carry_out(&[signed], GRANT_GAS).await?;
    Ok(Hoard { base, patient, grantee, salt, capsule, records })
}

#[async_trait]
impl Attack for Hoard {
    fn is_endless(&self) -> bool {
        true
    }

    async fn run(&self, address: Ipv4Addr, until: &CancellationToken, tally: &Tally) -> anyhow::Result<()> {
        let attacker = Attacker::new(address, &self.base, tally)?;
        let give = async |record: &'_ RecordId| {
            if until.is_cancelled() {
                return;
            }
            let bundle = given::body_of(*record, &self.capsule, CAPSULES);
            let body = given::request_body(None, self.grantee.address(), self.salt, vec![bundle]);
            attacker.send(&self.patient, Method::POST, "/v1/grants", body).await;
        };
        stream::iter(&self.records).for_each_concurrent(AT_ONCE, give).await;
        let list = async |_: usize| {
            while !until.is_cancelled() {
                attacker.send(&self.grantee, Method::GET, LIST, Vec::new()).await;
            }
        };
        stream::iter(0..LISTS).for_each_concurrent(LISTS, list).await;
        Ok(())
    }
}
