//! 40 bundles of the largest length for one grantee, who then lists and downloads all of them again and again, eight
//! times in parallel.

use std::{iter, net::Ipv4Addr, sync::Arc};

use alloy::primitives::B256;
use async_trait::async_trait;
use futures::{StreamExt, stream};
use protocol::{
    bundle::CAPSULES_MAX,
    capsule::Capsule,
    codes::ScopeKind,
    ids::{GrantId, RecordId, Salt, Tag},
};
use reqwest::Method;
use tokio_util::sync::CancellationToken;

use super::{Attack, given};
use crate::{
    attacker::{Account, Attacker, new_accounts},
    purse::Purse,
    tally::Tally,
    world::World,
};

pub(super) const NAME: &str = "hoard";
const BUNDLES: usize = 40;
/// The number of bundles that are sent at the same time.
const AT_ONCE: usize = 4;
/// The number of parallel runs of the grantee.
const TAKERS: usize = 8;
/// The gas of registering a record.
const RECORD_GAS: u64 = 400_000;
/// The gas of a grant over 40 records.
const GRANT_GAS: u64 = 4_000_000;
/// The patient is a stranger to the grantee, so the grants are on the shelf of strangers.
const LIST: &str = "/v1/grants?side=received&shelf=strangers&limit=500";

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
    let salts: Vec<Salt> = (0..BUNDLES).map(|_| given::any_salt()).collect();
    let registrations: Vec<_> = salts.iter().map(|salt| given::register(&patient, *salt, deployment)).collect();
    purse.carry_out(&registrations, RECORD_GAS).await?;
    let records: Vec<RecordId> = salts.iter().map(|salt| RecordId::derive(patient.address(), *salt)).collect();
    let hashed: Vec<(RecordId, B256)> =
        records.iter().map(|record| (*record, given::bundle_of(*record, &capsule, CAPSULES_MAX).hash())).collect();
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
            let bundle = given::body_of(*record, &self.capsule, CAPSULES_MAX);
            let body = given::request_body(None, self.grantee.address(), self.salt, vec![bundle]);
            attacker.send(&self.patient, Method::POST, "/v1/grants", body).await;
        };
        stream::iter(&self.records).for_each_concurrent(AT_ONCE, give).await;
        let tag = Tag::derive(self.grantee.address(), self.salt);
        let bundle = |record: &RecordId| {
            let grant = GrantId::derive(self.patient.address(), tag, ScopeKind::Record, record.0);
            format!("/v1/grants/{grant}/bundle")
        };
        let paths: Vec<String> = iter::once(LIST.to_owned()).chain(self.records.iter().map(bundle)).collect();
        let take = async |taker: usize| {
            // Each run begins at a different bundle.
            for path in paths.iter().cycle().skip(taker * paths.len() / TAKERS) {
                if until.is_cancelled() {
                    return;
                }
                attacker.send(&self.grantee, Method::GET, path, Vec::new()).await;
            }
        };
        stream::iter(0..TAKERS).for_each_concurrent(TAKERS, take).await;
        Ok(())
    }
}
