//! Actions of people on chain, generated from a seed: every kind of event, often about the same things.

use std::collections::HashMap;

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    sol_types::SolCall,
};
use contracts::{
    access_log::AccessLog, accreditation::Accreditation, grant_registry::GrantRegistry, key_registry::KeyRegistry,
    record_registry::RecordRegistry,
};
use localnet::Role;
use protocol::{
    deployment::ContractName,
    ids::{RecordId, Salt},
};
use serde_json::json;

use crate::world::World;

const GAS: u64 = 1_000_000;
/// The gas of a whole block: Anvil's gas limit.
const BLOCK_GAS: u64 = 29_000_000;

/// A random number generator that a seed repeats (SplitMix64).
pub(crate) struct Seed(u64);

impl Seed {
    /// Makes a new seed and prints it, so that a failure can be repeated with `MEDLOCK_TEST_SEED`.
    pub(crate) fn printed(name: &str) -> Self {
        let seed = std::env::var("MEDLOCK_TEST_SEED").ok().and_then(|text| text.parse().ok());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let seed = seed.unwrap_or(now.as_nanos() as u64);
        eprintln!("{name}: MEDLOCK_TEST_SEED={seed}");
        Self(seed)
    }

    /// Uses a given seed.
    #[allow(dead_code, reason = "scripts/simulate, which includes this file, gives one")]
    pub(crate) fn new(seed: u64) -> Self {
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

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

/// The preimage of a log head.
#[derive(Clone, Copy, Default)]
struct Head {
    previous: B256,
    size: u64,
    root: B256,
}

/// Performs actions in a world.
pub(crate) struct Story<'a> {
    world: &'a World,
    pub(crate) seed: Seed,
    records: Vec<(Address, B256)>,
    tags: Vec<B256>,
    /// The preimages of all heads that ever existed, also on abandoned branches.
    heads: HashMap<B256, Head>,
}

impl<'a> Story<'a> {
    pub(crate) fn new(world: &'a World, mut seed: Seed) -> Self {
        let tags = (0..4).map(|_| seed.word()).collect();
        Self { world, seed, records: Vec::new(), tags, heads: HashMap::from([(B256::ZERO, Head::default())]) }
    }

    fn person(&self, role: Role) -> Address {
        self.world.net.person(role).address
    }

    async fn send(&self, from: Address, contract: ContractName, call: &impl SolCall, gas: u64) {
        self.world.send(from, self.world.deployment.address_of(contract), &call.abi_encode(), gas).await;
    }

    async fn ask<C: SolCall>(&self, contract: ContractName, call: &C) -> C::Return {
        let to = self.world.deployment.address_of(contract);
        let data = alloy::hex::encode_prefixed(call.abi_encode());
        let answer = self.world.rpc("eth_call", json!([{ "to": to, "data": data }, "latest"])).await;
        C::abi_decode_returns(&alloy::hex::decode(answer.as_str().unwrap()).unwrap()).unwrap()
    }

    /// Performs `actions` actions, each in its own block.
    pub(crate) async fn act(&mut self, actions: u64) {
        for _ in 0..actions {
            self.act_once().await;
        }
    }

    /// Makes one block with several actions, some of them about the same things.
    pub(crate) async fn act_in_one_block(&mut self, actions: u64) {
        self.world.rpc("evm_setAutomine", json!([false])).await;
        self.act(actions).await;
        self.world.rpc("evm_mine", json!([])).await;
        self.world.rpc("evm_setAutomine", json!([true])).await;
    }

    async fn act_once(&mut self) {
        let patient = {
            let role = self.seed.pick(&[Role::Patient, Role::SecondPatient]);
            self.person(role)
        };
        match self.seed.below(16) {
            0..=3 => self.register_record(patient).await,
            4 => self.register_version().await,
            5 => self.change_status().await,
            6..=8 => {
                let scopes = 1 + self.seed.below(4);
                self.grant(patient, scopes).await;
            }
            9 => self.revoke(patient).await,
            10 => self.send(patient, ContractName::GrantRegistry, &GrantRegistry::revokeAllCall {}, GAS).await,
            11 => self.register_key(patient).await,
            12 => self.accredit().await,
            13 => self.cancel_nonce(patient).await,
            _ => {
                let accesses = 1 + self.seed.below(6);
                self.checkpoint(accesses).await;
            }
        }
    }

    pub(crate) async fn register_record(&mut self, patient: Address) {
        let salt = self.seed.word();
        let record = RecordRegistry::NewRecord {
            patient,
            salt,
            category: u16::try_from(self.seed.below(4)).unwrap(),
            codec: 0x55,
            digest: self.seed.word(),
            writeSalt: B256::ZERO,
        };
        self.records.push((patient, RecordId::derive(patient, Salt(salt)).0));
        self.send(patient, ContractName::RecordRegistry, &RecordRegistry::registerRecordCall { record }, GAS).await;
    }

    async fn register_version(&mut self) {
        let Some((patient, record)) = self.some_record() else { return };
        let stored = self.ask(ContractName::RecordRegistry, &RecordRegistry::recordOfCall { record }).await;
        let version = RecordRegistry::NewVersion {
            record,
            version: stored.version,
            codec: 0x70,
            digest: self.seed.word(),
            salt: B256::ZERO,
            writeSalt: B256::ZERO,
        };
        self.send(patient, ContractName::RecordRegistry, &RecordRegistry::registerVersionCall { version }, GAS).await;
    }

    async fn change_status(&mut self) {
        let Some((patient, record)) = self.some_record() else { return };
        let stored = self.ask(ContractName::RecordRegistry, &RecordRegistry::recordOfCall { record }).await;
        if self.seed.below(3) > 0 {
            let call = RecordRegistry::supersedeCall { record, version: stored.version };
            self.send(patient, ContractName::RecordRegistry, &call, GAS).await;
            return;
        }
        let tombstone = self.ask(ContractName::RecordRegistry, &RecordRegistry::tombstoneOfCall { record }).await;
        if tombstone.liftableUntil.is_zero() || self.seed.below(2) == 0 {
            self.send(patient, ContractName::RecordRegistry, &RecordRegistry::tombstoneCall { record }, GAS).await;
        } else {
            let call = RecordRegistry::liftTombstoneCall { record, epoch: tombstone.epoch };
            self.send(patient, ContractName::RecordRegistry, &call, GAS).await;
        }
    }

    fn some_record(&mut self) -> Option<(Address, B256)> {
        (!self.records.is_empty()).then(|| {
            let records = std::mem::take(&mut self.records);
            let picked = self.seed.pick(&records);
            self.records = records;
            picked
        })
    }

    /// Returns a scope kind with its id, from a small set, so that several grants have the same scope.
    fn scope(&mut self) -> (u8, B256) {
        match self.seed.below(4) {
            0 => (2, B256::ZERO),
            1 => (1, B256::left_padding_from(&[u8::try_from(self.seed.below(3)).unwrap()])),
            _ => (0, self.some_record().map_or(B256::repeat_byte(7), |(_, record)| record)),
        }
    }

    pub(crate) async fn grant(&mut self, patient: Address, scopes: u64) {
        let tags = self.tags.clone();
        let tag = self.seed.pick(&tags);
        let mut chosen: Vec<(u8, B256)> = (0..scopes).map(|_| self.scope()).collect();
        chosen.sort_unstable();
        chosen.dedup();
        let mut scopes = Vec::new();
        for (kind, id) in chosen {
            let terms =
                self.ask(ContractName::GrantRegistry, &GrantRegistry::termsOfCall { patient, tag, kind, id }).await;
            let epoch = contracts::Terms::from(terms).epoch;
            scopes.push(GrantRegistry::Scope { kind, id, epoch, bundleHash: self.seed.word() });
        }
        self.grant_scopes(patient, tag, scopes, GAS).await;
    }

    async fn grant_scopes(&mut self, patient: Address, tag: B256, scopes: Vec<GrantRegistry::Scope>, gas: u64) {
        let patient_epoch = self.ask(ContractName::GrantRegistry, &GrantRegistry::patientEpochOfCall { patient }).await;
        let new_grant = GrantRegistry::NewGrant {
            tag,
            rights: 1,
            purposes: 1,
            notBefore: alloy::primitives::Uint::from(1_u64),
            notAfter: alloy::primitives::Uint::from(4_000_000_000_u64 + self.seed.below(1_000)),
            patientEpoch: patient_epoch,
            scopes,
        };
        self.send(patient, ContractName::GrantRegistry, &GrantRegistry::grantCall { newGrant: new_grant }, gas).await;
    }

    async fn revoke(&mut self, patient: Address) {
        let tags = self.tags.clone();
        let (tag, (kind, id)) = (self.seed.pick(&tags), self.scope());
        let call = GrantRegistry::revokeCall { grants: vec![GrantRegistry::GrantRef { tag, kind, id }] };
        self.send(patient, ContractName::GrantRegistry, &call, GAS).await;
    }

    async fn register_key(&mut self, owner: Address) {
        let stored = self.ask(ContractName::KeyRegistry, &KeyRegistry::keyOfCall { owner, slot: 0 }).await;
        let key: Vec<u8> = (0..38).flat_map(|_| self.seed.word()).collect();
        let call = KeyRegistry::registerKeyCall {
            slot: 0,
            epoch: stored.epoch,
            kem: protocol::codes::KEM_X_WING,
            key: key.into(),
        };
        self.send(owner, ContractName::KeyRegistry, &call, GAS).await;
    }

    async fn accredit(&mut self) {
        let (owner, accreditor) = (self.person(Role::Owner), self.person(Role::Accreditor));
        let practitioner = {
            let role = self.seed.pick(&[Role::Doctor, Role::SecondDoctor, Role::Lab]);
            self.person(role)
        };
        match self.seed.below(4) {
            0 => {
                if self.seed.below(4) == 0 {
                    let call = Accreditation::removeAccreditorCall { accreditor };
                    self.send(owner, ContractName::Accreditation, &call, GAS).await;
                } else {
                    self.name_accreditor().await;
                }
            }
            1 => {
                let call = Accreditation::suspendCall { practitioner };
                self.send(accreditor, ContractName::Accreditation, &call, GAS).await;
            }
            _ => {
                let stored = Accreditation::practitionerOfCall { practitioner };
                let accreditor_epoch = Accreditation::accreditorEpochOfCall { accreditor };
                let call = Accreditation::accreditCall {
                    epoch: self.ask(ContractName::Accreditation, &stored).await.epoch,
                    accreditorEpoch: self.ask(ContractName::Accreditation, &accreditor_epoch).await,
                    practitioner,
                    roles: u8::try_from(1 + self.seed.below(127)).unwrap(),
                    validFrom: alloy::primitives::Uint::from(self.seed.below(1_000)),
                    validUntil: alloy::primitives::Uint::from(4_000_000_000_u64),
                };
                self.send(accreditor, ContractName::Accreditation, &call, GAS).await;
            }
        }
    }

    /// Names the accreditor, which accreditations need.
    async fn name_accreditor(&self) {
        let accreditor = self.person(Role::Accreditor);
        let stored = Accreditation::accreditorEpochOfCall { accreditor };
        let epoch = self.ask(ContractName::Accreditation, &stored).await;
        let call = Accreditation::addAccreditorCall { accreditor, epoch };
        self.send(self.person(Role::Owner), ContractName::Accreditation, &call, GAS).await;
    }

    /// Performs one action of each kind, so that every collection of the mirror has documents.
    pub(crate) async fn begin(&mut self) {
        let (patient, practitioner) = (self.person(Role::Patient), self.person(Role::Doctor));
        self.name_accreditor().await;
        let call = Accreditation::accreditCall {
            practitioner,
            roles: 1,
            validFrom: alloy::primitives::Uint::from(1_u64),
            validUntil: alloy::primitives::Uint::from(4_000_000_000_u64),
            epoch: 0,
            accreditorEpoch: 1,
        };
        self.send(self.person(Role::Accreditor), ContractName::Accreditation, &call, GAS).await;
        self.register_key(patient).await;
        self.register_record(patient).await;
        self.grant(patient, 2).await;
        self.send(patient, ContractName::GrantRegistry, &GrantRegistry::revokeAllCall {}, GAS).await;
        self.checkpoint(3).await;
    }

    async fn cancel_nonce(&mut self, signer: Address) {
        let call = RecordRegistry::cancelNonceCall { nonce: U256::from(self.seed.below(u64::MAX)) };
        self.send(signer, ContractName::RecordRegistry, &call, GAS).await;
    }

    pub(crate) async fn checkpoint(&mut self, accesses: u64) {
        let operator = self.person(Role::Operator);
        let stored = self.ask(ContractName::AccessLog, &AccessLog::headOfCall { operator }).await;
        // Another story has written to this log, so its preimage is not known here.
        let Some(before) = self.heads.get(&stored).copied() else { return };
        let root = self.seed.word();
        let tags = self.tags.clone();
        let accesses: Vec<_> = (0..accesses)
            .map(|_| AccessLog::Access {
                record: self.some_record().map_or(B256::ZERO, |(_, record)| record),
                tag: self.seed.pick(&tags),
                purposes: 1,
                leaf: self.seed.word(),
            })
            .collect();
        let size = before.size + accesses.len() as u64;
        let packed = [stored.as_slice(), &size.to_be_bytes(), root.as_slice()].concat();
        self.heads.insert(keccak256(packed), Head { previous: stored, size, root });
        let gas = if accesses.len() > 50 { BLOCK_GAS / 4 } else { GAS };
        let current = AccessLog::Head { previous: before.previous, size: before.size, root: before.root };
        let call = AccessLog::checkpointCall { current, root, accesses };
        self.send(operator, ContractName::AccessLog, &call, gas).await;
    }

    /// Makes one block with more than a thousand events: a full checkpoint and grants of 64 scopes.
    pub(crate) async fn dense_block(&mut self) {
        self.world.rpc("evm_setAutomine", json!([false])).await;
        self.checkpoint(1_000).await;
        for role in [Role::Patient, Role::SecondPatient] {
            let patient = self.person(role);
            let scope =
                |seed: &mut Seed| GrantRegistry::Scope { kind: 0, id: seed.word(), epoch: 0, bundleHash: seed.word() };
            let scopes = (0..64).map(|_| scope(&mut self.seed)).collect();
            let tag = self.seed.word();
            self.grant_scopes(patient, tag, scopes, BLOCK_GAS / 4).await;
        }
        self.world.rpc("evm_mine", json!([])).await;
        self.world.rpc("evm_setAutomine", json!([true])).await;
    }
}
