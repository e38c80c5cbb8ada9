//! The chains to index: real contracts and invented people, built once from a seed and kept as Anvil's state dump.

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy::{
    hex,
    primitives::{Address, B256, Keccak256, Uint, keccak256},
    sol_types::SolCall,
};
use anyhow::{Context, ensure};
use contracts::{access_log::AccessLog, grant_registry::GrantRegistry, record_registry::RecordRegistry};
use protocol::{
    deployment::{ContractName, Deployment},
    ids::{RecordId, Salt},
};
use serde_json::{Value, json};

use crate::network::{Anvil, Network};

/// The number of people; each has one row in `patients` and `records`, and [`SCOPES`] rows in `grants`.
const PATIENTS: u64 = 1_000;
/// The number of categories for which a patient gives a grant.
const SCOPES: u64 = 4;
/// The largest gas of a transaction (EIP-7825), used here also as the limit of a block.
const BLOCK_GAS: u64 = 16_000_000;
/// Empty blocks at the end. Ponder processes the last thirty blocks in its live mode; with these, it backfills all
/// events.
const EMPTY_END: u64 = 45;

/// The distribution of events over blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// 1,000 blocks of 100 events.
    Dense,
    /// 20,000 blocks of one event.
    Sparse,
    /// Of 50 blocks, 32 are empty, 13 hold one event, 4 a hundred and one 587: 5,000 blocks, 100,000 events.
    Mixed,
    /// 1,000 blocks of 1,000 events.
    Long,
}

impl Shape {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Sparse => "sparse",
            Self::Mixed => "mixed",
            Self::Long => "long",
        }
    }

    /// Returns the number of events of each block.
    fn blocks(self) -> Vec<u64> {
        match self {
            Self::Dense => vec![100; 1_000],
            Self::Sparse => vec![1; 20_000],
            Self::Mixed => (0..5_000)
                .map(|block| match block % 50 {
                    0 => 587,
                    10 | 20 | 30 | 40 => 100,
                    other if other % 3 == 1 && other < 46 => 1,
                    _ => 0,
                })
                .collect(),
            Self::Long => vec![1_000; 1_000],
        }
    }

    /// Returns the total number of events.
    pub(crate) fn events(self) -> u64 {
        self.blocks().iter().sum()
    }
}

/// A chain that was built.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) shape: Shape,
    /// The path of Anvil's state.
    pub(crate) state: PathBuf,
    /// The path of the deployment file.
    pub(crate) deployment: PathBuf,
}

/// Returns the chain from the cache, or builds it there.
pub(crate) async fn chain(network: &Network, shape: Shape) -> anyhow::Result<Chain> {
    let folder = cache()?.join(format!("{}-{}", shape.name(), &hex::encode(generation()?)[..16]));
    let chain = Chain { shape, state: folder.join("state.json"), deployment: folder.join("deployment.json") };
    // The deployment file is written last, so if it exists, the chain is complete.
    if !chain.deployment.exists() {
        fs::create_dir_all(&folder)?;
        eprintln!("building the {} chain: {} events (once)", shape.name(), shape.events());
        build(network, &chain).await.with_context(|| format!("the {} chain was not built", shape.name()))?;
    }
    Ok(chain)
}

fn cache() -> anyhow::Result<PathBuf> {
    let cache = std::env::var_os("MEDLOCK_CACHE").context("MEDLOCK_CACHE is not set: run ./scripts/bench indexer")?;
    Ok(Path::new(&cache).join("bench/chains"))
}

/// Returns the hash of all input of a chain: this file, and the contracts.
fn generation() -> anyhow::Result<B256> {
    let root = std::env::var_os("MEDLOCK_ROOT").context("MEDLOCK_ROOT is not set: run ./scripts/bench indexer")?;
    let contracts = Path::new(&root).join("contracts");
    let mut hasher = Keccak256::new();
    hasher.update(include_str!("chains.rs"));
    // The deployed code. Changing a comment in a source does not build the chains again.
    for (folder, end) in [("abi", "json"), ("script", "sol")] {
        let files = fs::read_dir(contracts.join(folder))?.map(|entry| Ok(entry?.path()));
        let mut files: Vec<PathBuf> = files.collect::<std::io::Result<_>>()?;
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|name| name == end)) {
            hasher.update(fs::read(file)?);
        }
    }
    Ok(hasher.finalize())
}

async fn build(network: &Network, chain: &Chain) -> anyhow::Result<()> {
    let dump = format!("--dump-state={}", chain.state.display());
    let anvil = network.anvil(&["--timestamp=1700000000", "--prune-history", &dump]).await?;
    let file = chain.deployment.with_extension("new");
    localnet::deployment::deploy(network.localnet(), &file).await?;
    let deployment = indexer::binding::read_deployment(&file)?;
    anvil.rpc("evm_setAutomine", json!([false])).await?;
    anvil.rpc("evm_setBlockGasLimit", json!([format!("{BLOCK_GAS:#x}")])).await?;
    let first = anvil.head().await? + 1;

    let mut crowd = Crowd::new(&deployment, 5);
    let blocks = chain.shape.blocks();
    let mut done = 0;
    while done < blocks.len() {
        match blocks[done] {
            0 => {
                let empty = blocks[done..].iter().take_while(|events| **events == 0).count();
                anvil.rpc("anvil_mine", json!([format!("{empty:#x}"), "0x1"])).await?;
                done += empty;
            }
            // Each transaction takes the gas of a whole block, so Anvil mines a block for each.
            1 => {
                let single = blocks[done..].iter().take(500).take_while(|events| **events == 1).count();
                for _ in 0..single {
                    crowd.act(1, BLOCK_GAS);
                }
                crowd.send(&anvil).await?;
                anvil.rpc("anvil_mine", json!([format!("{single:#x}"), "0x1"])).await?;
                done += single;
            }
            events => {
                crowd.act(events, 0);
                crowd.send(&anvil).await?;
                anvil.rpc("anvil_mine", json!(["0x1", "0x1"])).await?;
                done += 1;
            }
        }
    }
    anvil.rpc("anvil_mine", json!([format!("{EMPTY_END:#x}"), "0x1"])).await?;

    let head = anvil.head().await?;
    ensure!(head + 1 - first == blocks.len() as u64 + EMPTY_END, "the chain has {head} blocks");
    let mut found = 0;
    for from in (first..=head).step_by(100) {
        let range = json!([{ "fromBlock": format!("{from:#x}"), "toBlock": format!("{:#x}", head.min(from + 99)) }]);
        let logs = anvil.rpc("eth_getLogs", range).await?;
        found += logs.as_array().map_or(0, Vec::len) as u64;
    }
    ensure!(found == chain.shape.events(), "the chain has {found} events instead of {}", chain.shape.events());
    anvil.stop().await;
    ensure!(chain.state.exists(), "Anvil wrote no state");
    Ok(fs::rename(&file, &chain.deployment)?)
}

/// A random number generator that a seed repeats (SplitMix64).
pub(crate) struct Seed(u64);

impl Seed {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn word(&mut self) -> B256 {
        keccak256(self.below(u64::MAX).to_be_bytes())
    }
}

/// The state of a patient on chain.
struct Patient {
    address: Address,
    nonce: u64,
    record: Option<(B256, u16)>,
    epoch: u32,
    tag: B256,
    scopes: [u32; SCOPES as usize],
}

/// The people who act. It knows the state that the chain will have, so that no call reverts.
pub(crate) struct Crowd {
    deployment: Deployment,
    seed: Seed,
    patients: Vec<Patient>,
    operator_nonce: u64,
    head: AccessLog::Head,
    waiting: Vec<Value>,
    turn: u64,
}

impl Crowd {
    /// Returns people who have not acted yet. Another seed gives other people on the same chain.
    pub(crate) fn new(deployment: &Deployment, seed: u64) -> Self {
        let mut seed = Seed::new(seed);
        let patient = |seed: &mut Seed| Patient {
            address: Address::from_word(seed.word()),
            nonce: 0,
            record: None,
            epoch: 0,
            tag: seed.word(),
            scopes: [0; SCOPES as usize],
        };
        Self {
            patients: (0..PATIENTS).map(|_| patient(&mut seed)).collect(),
            deployment: deployment.clone(),
            seed,
            operator_nonce: 0,
            head: AccessLog::Head { previous: B256::ZERO, size: 0, root: B256::ZERO },
            waiting: Vec::new(),
            turn: 0,
        }
    }

    /// Makes transactions with `events` events. `gas`: the gas limit of each, or 0 for enough.
    pub(crate) fn act(&mut self, events: u64, gas: u64) {
        if events < 50 {
            for _ in 0..events {
                self.turn += 1;
                match self.turn % 4 {
                    0 => self.revoke(1, gas),
                    1 => self.register(gas),
                    2 => self.grant(1, gas),
                    _ => self.revoke_all(gas),
                }
            }
            return;
        }
        (0..events / 10).for_each(|_| self.register(gas));
        (0..events / 20).for_each(|_| self.grant(4, gas));
        (0..events / 20).for_each(|_| self.revoke(2, gas));
        (0..events / 20).for_each(|_| self.revoke_all(gas));
        let rest = events - events / 10 - events / 20 * 7;
        self.checkpoint(rest - 1, gas);
    }

    /// Sends the transactions to the chain's pool, in order.
    pub(crate) async fn send(&mut self, anvil: &Anvil) -> anyhow::Result<()> {
        for calls in std::mem::take(&mut self.waiting).chunks(200) {
            anvil.rpc_batch("eth_sendTransaction", calls).await?;
        }
        Ok(())
    }

    fn some_patient(&mut self) -> usize {
        usize::try_from(self.seed.below(PATIENTS)).expect("a thousand fits")
    }

    fn call(&mut self, from: Address, nonce: u64, contract: ContractName, call: &impl SolCall, gas: (u64, u64)) {
        let gas = if gas.0 == 0 { gas.1 } else { gas.0 };
        self.waiting.push(json!([{
            "from": from, "to": self.deployment.address_of(contract), "nonce": format!("{nonce:#x}"),
            "gas": format!("{gas:#x}"), "gasPrice": "0x0", "data": hex::encode_prefixed(call.abi_encode()),
        }]));
    }

    fn by_patient(&mut self, index: usize, contract: ContractName, call: &impl SolCall, gas: u64) {
        let patient = &mut self.patients[index];
        let (from, nonce) = (patient.address, patient.nonce);
        patient.nonce += 1;
        self.call(from, nonce, contract, call, (gas, 500_000));
    }

    fn register(&mut self, gas: u64) {
        let index = self.some_patient();
        let (salt, digest) = (self.seed.word(), self.seed.word());
        let patient = &mut self.patients[index];
        match &mut patient.record {
            None => {
                let record = RecordRegistry::NewRecord {
                    patient: patient.address,
                    salt,
                    category: 3,
                    codec: 0x55,
                    digest,
                    writeSalt: B256::ZERO,
                };
                patient.record = Some((RecordId::derive(patient.address, Salt(salt)).0, 1));
                let call = RecordRegistry::registerRecordCall { record };
                self.by_patient(index, ContractName::RecordRegistry, &call, gas);
            }
            Some((record, version)) => {
                let version_call = RecordRegistry::NewVersion {
                    record: *record,
                    version: *version,
                    codec: 0x55,
                    digest,
                    salt: B256::ZERO,
                    writeSalt: B256::ZERO,
                };
                *version += 1;
                let call = RecordRegistry::registerVersionCall { version: version_call };
                self.by_patient(index, ContractName::RecordRegistry, &call, gas);
            }
        }
    }

    fn grant(&mut self, scopes: u64, gas: u64) {
        let index = self.some_patient();
        let bundle = self.seed.word();
        let patient = &mut self.patients[index];
        let scopes = (0..scopes).map(|scope| {
            let at = usize::try_from(scope).expect("few scopes");
            let epoch = patient.scopes[at];
            patient.scopes[at] += 1;
            GrantRegistry::Scope { kind: 1, id: category(scope), epoch, bundleHash: bundle }
        });
        let new_grant = GrantRegistry::NewGrant {
            tag: patient.tag,
            rights: 1,
            purposes: 1,
            notBefore: Uint::from(1_u64),
            notAfter: Uint::from(4_000_000_000_u64),
            patientEpoch: patient.epoch,
            scopes: scopes.collect(),
        };
        self.by_patient(index, ContractName::GrantRegistry, &GrantRegistry::grantCall { newGrant: new_grant }, gas);
    }

    fn revoke(&mut self, scopes: u64, gas: u64) {
        let index = self.some_patient();
        let patient = &mut self.patients[index];
        let grants = (0..scopes).map(|scope| {
            patient.scopes[usize::try_from(scope).expect("few scopes")] += 1;
            GrantRegistry::GrantRef { tag: patient.tag, kind: 1, id: category(scope) }
        });
        let call = GrantRegistry::revokeCall { grants: grants.collect() };
        self.by_patient(index, ContractName::GrantRegistry, &call, gas);
    }

    fn revoke_all(&mut self, gas: u64) {
        let index = self.some_patient();
        self.patients[index].epoch += 1;
        self.by_patient(index, ContractName::GrantRegistry, &GrantRegistry::revokeAllCall {}, gas);
    }

    fn checkpoint(&mut self, accesses: u64, gas: u64) {
        let accesses: Vec<_> = (0..accesses)
            .map(|_| {
                let patient = self.some_patient();
                let leaf = self.seed.word();
                let patient = &self.patients[patient];
                let record = patient.record.map_or(B256::ZERO, |(record, _)| record);
                AccessLog::Access { record, tag: patient.tag, purposes: 1, leaf }
            })
            .collect();
        let root = self.seed.word();
        let size = self.head.size + accesses.len() as u64;
        let previous = match self.head.size {
            0 => B256::ZERO,
            size => keccak256([self.head.previous.as_slice(), &size.to_be_bytes(), self.head.root.as_slice()].concat()),
        };
        let current = std::mem::replace(&mut self.head, AccessLog::Head { previous, size, root });
        let nonce = self.operator_nonce;
        self.operator_nonce += 1;
        let gas = (gas, 200_000 + 10_000 * accesses.len() as u64);
        let call = AccessLog::checkpointCall { current, root, accesses };
        self.call(self.deployment.operator, nonce, ContractName::AccessLog, &call, gas);
    }
}

fn category(scope: u64) -> B256 {
    B256::left_padding_from(&(scope + 1).to_be_bytes())
}
