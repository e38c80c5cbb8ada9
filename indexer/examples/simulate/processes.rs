//! Runs with the real parts: an indexer process that is killed, Anvil with reorgs, MongoDB with connections that break,
//! the real contracts.

use std::time::Duration;

use alloy::{primitives::Address, sol_types::SolCall};
use contracts::{
    Terms,
    accreditation::Accreditation::{accreditorEpochOfCall, isAccreditorCall, practitionerOfCall},
    grant_registry::GrantRegistry::{patientEpochOfCall, termsOfCall},
    key_registry::KeyRegistry::keyOfCall,
    record_registry::RecordRegistry::{recordOfCall, tombstoneOfCall},
};
use futures::TryStreamExt;
use mongodb::bson::doc;
use protocol::{
    deployment::ContractName,
    mirror::{AccreditorDoc, GrantDoc, KeyDoc, PatientDoc, PractitionerDoc, RecordDoc, collection},
};
use serde_json::json;
use tokio::process::Child;

use crate::{
    dice::Dice,
    faulty::{Faults, Node, Wire},
    story::{Seed, Story},
    world::World,
};

/// The longest time for a mirror to reach the head after the faults have ended.
const PATIENCE: Duration = Duration::from_secs(60);
/// The number of runs on one chain. The chain grows with each run, which makes mining slower.
const RUNS_A_CHAIN: u64 = 25;

/// Runs `runs` stories from seed `from` and returns the number of those that diverged.
pub(crate) async fn many(from: u64, runs: u64) -> anyhow::Result<u64> {
    let (mut world, mut divergences) = (World::start().await, 0);
    let start = std::time::Instant::now();
    for seed in from..from + runs {
        if seed > from && (seed - from).is_multiple_of(RUNS_A_CHAIN) {
            println!("{} runs with processes, {divergences} divergences, {} s", seed - from, start.elapsed().as_secs());
            world = World::start().await;
        }
        world.settings.mongodb_database = format!("run{seed}");
        if let Err(divergence) = run(&world, seed).await {
            divergences += 1;
            println!("process run {seed} DIVERGES: {divergence:#}");
        }
        world.db().drop().await?;
    }
    println!("{runs} runs with processes in {} s; {divergences} divergences", start.elapsed().as_secs());
    Ok(divergences)
}

/// The indexer processes of a run, and the proxies between them and the servers.
struct Stage<'a> {
    world: &'a World,
    node: Node,
    second: Node,
    wire: Wire,
    checks_blooms: bool,
    has_second: bool,
    processes: Vec<Child>,
}

impl Stage<'_> {
    fn spawn(&mut self) -> anyhow::Result<()> {
        let mut urls = self.node.url();
        if self.has_second {
            urls = format!("{urls},{}", self.second.url());
        }
        let mut command = self.world.command();
        command
            .env("MEDLOCK_RPC_URL", urls)
            .env("MEDLOCK_MONGODB_URI", format!("mongodb://{}/?directConnection=true", self.wire.address))
            .env("MEDLOCK_INDEXER_RPC_TIMEOUT_MS", "1000")
            .env("MEDLOCK_INDEXER_WINDOW", "64")
            .env("MEDLOCK_INDEXER_BATCH_EVENTS", "20")
            .env("RUST_LOG", "off")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        if self.checks_blooms {
            command.arg("run").arg("--check-blooms");
        } else {
            command.arg("run");
        }
        self.processes.push(command.spawn()?);
        Ok(())
    }

    async fn kill(&mut self, index: usize) -> anyhow::Result<()> {
        Ok(self.processes.swap_remove(index).kill().await?)
    }
}

async fn run(world: &World, seed: u64) -> anyhow::Result<()> {
    let mut dice = Dice::of(seed, "processes");
    let mongo = world.net.mongodb_uri();
    let mongo = mongo.trim_start_matches("mongodb://").split('/').next().unwrap_or_default().parse()?;
    let mut stage = Stage {
        world,
        node: Node::start(world.net.rpc_url(), Dice::of(seed, "node")).await?,
        second: Node::start(world.net.rpc_url(), Dice::of(seed, "second node")).await?,
        wire: Wire::start(mongo).await?,
        checks_blooms: dice.once_in(2),
        has_second: dice.once_in(3),
        processes: Vec::new(),
    };
    let faults = Faults {
        stalls: dice.pick(&[0, 60]),
        refusals: dice.pick(&[0, 8]),
        halves: dice.pick(&[0, 15]),
        stale_heads: dice.pick(&[0, 8]),
        missing_blocks: dice.pick(&[0, 25]),
        odd_logs: dice.pick(&[0, 2]),
        empty_logs: dice.pick(&[0, 4]),
        empty_ranges: stage.checks_blooms,
    };
    stage.node.set_faults(faults);
    let mut story = Story::new(world, Seed::new(seed));
    stage.spawn()?;
    for _ in 0..dice.between(4, 9) {
        story.act(dice.between(1, 5)).await;
        tokio::time::sleep(Duration::from_millis(dice.pick(&[0, 5, 50, 200]))).await;
        match dice.below(10) {
            0..=2 => {
                // Within the window, counted from the highest head, even when several reorgs follow one another.
                world.rpc("anvil_reorg", json!([dice.between(1, 6), []])).await;
            }
            3 => {
                world.rpc("anvil_rollback", json!([dice.between(1, 3)])).await;
            }
            4 | 5 => {
                let index = usize::try_from(dice.below(stage.processes.len() as u64))?;
                stage.kill(index).await?;
            }
            6 => stage.wire.cut(dice.once_in(2)),
            7 => stage.wire.mend(),
            8 if stage.processes.len() < 2 => stage.spawn()?,
            _ => {}
        }
        if stage.processes.is_empty() {
            stage.spawn()?;
        }
    }
    stage.node.set_faults(Faults::default());
    stage.wire.mend();
    if let Err(reason) = tokio::time::timeout(PATIENCE, world.caught_up()).await {
        let ended: Vec<_> = stage.processes.iter_mut().map(Child::try_wait).collect();
        anyhow::bail!("the mirror does not reach the head ({reason}); processes: {ended:?}");
    }
    while !stage.processes.is_empty() {
        stage.kill(0).await?;
    }
    let (mirror, rebuilt) = (world.mirror().await, world.rebuilt().await);
    anyhow::ensure!(mirror == rebuilt, "the mirror differs from a rebuild\nmirror\n{mirror}rebuild\n{rebuilt}");
    ask_the_contracts(world).await
}

/// Compares the mirror with the answers of the contracts.
async fn ask_the_contracts(world: &World) -> anyhow::Result<()> {
    for row in rows::<RecordDoc>(world, collection::RECORDS).await? {
        let stored = ask(world, ContractName::RecordRegistry, &recordOfCall { record: row.id.0 }).await?;
        let found = (stored.patient, stored.category, stored.version, stored.status, stored.retracted);
        let expected = (row.patient, row.category, row.version, row.status, row.retracted);
        anyhow::ensure!(found == expected, "record {}: {expected:?}, the contract says {found:?}", row.id);
        let stored = ask(world, ContractName::RecordRegistry, &tombstoneOfCall { record: row.id.0 }).await?;
        let found = (stored.epoch, stored.liftableUntil.to::<u64>());
        let expected = (row.tombstone_epoch, row.liftable_until);
        anyhow::ensure!(found == expected, "tombstone of {}: {expected:?}, the contract says {found:?}", row.id);
    }
    for row in rows::<GrantDoc>(world, collection::GRANTS).await? {
        let of = termsOfCall { patient: row.patient, tag: row.tag.0, kind: row.kind.code(), id: row.scope_id };
        let stored = Terms::from(ask(world, ContractName::GrantRegistry, &of).await?);
        let (found, expected) = ((stored.epoch, stored.rights), (row.epoch, row.rights));
        anyhow::ensure!(found == expected, "grant {}: {expected:?}, the contract says {found:?}", row.id);
    }
    for row in rows::<PatientDoc>(world, collection::PATIENTS).await? {
        let of = patientEpochOfCall { patient: row.address };
        let found = ask(world, ContractName::GrantRegistry, &of).await?;
        anyhow::ensure!(found == row.patient_epoch, "patient {}: the contract says {found}", row.address);
    }
    let mut newest: Vec<(Address, u8, u32)> = Vec::new();
    for row in rows::<KeyDoc>(world, collection::KEYS).await? {
        newest.retain(|(owner, slot, epoch)| (*owner, *slot) != (row.owner, row.slot) || *epoch > row.epoch);
        newest.push((row.owner, row.slot, row.epoch));
    }
    for (owner, slot, epoch) in newest {
        let found = ask(world, ContractName::KeyRegistry, &keyOfCall { owner, slot }).await?.epoch;
        anyhow::ensure!(found >= epoch, "key {slot} of {owner}: the contract says {found}");
    }
    for row in rows::<AccreditorDoc>(world, collection::ACCREDITORS).await? {
        let accreditor = row.address;
        let epoch = ask(world, ContractName::Accreditation, &accreditorEpochOfCall { accreditor }).await?;
        let active = ask(world, ContractName::Accreditation, &isAccreditorCall { accreditor }).await?;
        anyhow::ensure!((epoch, active) == (row.epoch, row.active), "accreditor {accreditor}: {epoch} {active}");
    }
    for row in rows::<PractitionerDoc>(world, collection::PRACTITIONERS).await? {
        let of = practitionerOfCall { practitioner: row.address };
        let stored = ask(world, ContractName::Accreditation, &of).await?;
        let found = (stored.epoch, stored.accreditorEpoch, stored.suspended, stored.roles);
        let expected = (row.epoch, row.accreditor_epoch, row.suspended, row.roles);
        anyhow::ensure!(found == expected, "practitioner {}: the contract says {found:?}", row.address);
    }
    Ok(())
}

async fn ask<C: SolCall>(world: &World, contract: ContractName, call: &C) -> anyhow::Result<C::Return> {
    let data = alloy::hex::encode_prefixed(call.abi_encode());
    let to = world.deployment.address_of(contract);
    let answer = world.rpc("eth_call", json!([{ "to": to, "data": data }, "latest"])).await;
    Ok(C::abi_decode_returns(&alloy::hex::decode(answer.as_str().unwrap_or_default())?)?)
}

async fn rows<T: serde::de::DeserializeOwned + Send + Sync + Unpin>(
    world: &World,
    name: &str,
) -> anyhow::Result<Vec<T>> {
    Ok(world.db().collection::<T>(name).find(doc! {}).await?.try_collect().await?)
}
