//! Vectors for the operator's encryption keys in the deployment file.

use alloy::primitives::{Address, B256, Bytes};
use protocol::{
    deployment::{ContractName, Contracts, DEPLOYMENT_VERSION, DeployedContract, Deployment},
    operator_keys::SignedOperatorKey,
};

use crate::{
    CONTEXT, GRANT_REGISTRY, Vectors, patient,
    scenario::{Scenario, messages_scenario::OperatorKeysScenario},
    seed, wallet_signs,
};

/// Returns a deployment whose operator is the patient's wallet, with this number of keys.
fn deployment(keys: u32) -> Deployment {
    let contract = |address: Address, byte: u8| DeployedContract { address, code_hash: B256::repeat_byte(byte) };
    let mut deployment = Deployment {
        version: DEPLOYMENT_VERSION,
        chain_id: CONTEXT.chain_id,
        genesis_hash: B256::repeat_byte(1),
        start_block: 1,
        operator: patient(),
        operator_keys: Vec::new(),
        contracts: Contracts {
            accreditation: contract(Address::repeat_byte(0x11), 0x11),
            key_registry: contract(Address::repeat_byte(0x22), 0x22),
            record_registry: contract(CONTEXT.registry, 0x33),
            grant_registry: contract(GRANT_REGISTRY, 0x44),
            access_log: contract(Address::repeat_byte(0x55), 0x55),
        },
    };
    for epoch in 1..=keys {
        let signed = signed(&deployment, epoch, epoch);
        deployment.operator_keys.push(signed);
    }
    deployment
}

/// Returns key number `of`, signed for `epoch`.
fn signed(deployment: &Deployment, epoch: u32, of: u32) -> SignedOperatorKey {
    let key = seed(0x0e).identity_key(of).public_key().clone();
    let hash = SignedOperatorKey::signing_hash(deployment.operator, epoch, &key, deployment);
    SignedOperatorKey { epoch, key: Bytes::copy_from_slice(key.as_bytes()), signature: wallet_signs(hash) }
}

pub(crate) fn add(vectors: &mut Vectors) {
    let mut add = |name: &str, expect: &str, description: &str, deployment: Deployment, kept: Option<Deployment>| {
        let newest_epoch = (expect == "ok").then(|| deployment.operator_keys.len().try_into().expect("a few"));
        let scenario = OperatorKeysScenario { deployment, kept, newest_epoch };
        let scenario = Scenario::OperatorKeys(Box::new(scenario));
        vectors.add(&format!("operator-keys{name}"), expect, description, scenario);
    };
    add("", "ok", "the first key", deployment(1), None);
    add("-rotated", "ok", "a client that kept the first key sees the third", deployment(3), Some(deployment(1)));
    add("-same", "ok", "nothing has changed", deployment(2), Some(deployment(2)));
    add("-none", "none", "the operator has added no key yet", deployment(0), None);
    add("-shorter", "pinned", "the newest key that was seen is missing", deployment(1), Some(deployment(2)));

    let edit = |change: &dyn Fn(&mut Deployment)| {
        let mut edited = deployment(2);
        change(&mut edited);
        edited
    };
    let replaced = edit(&|it| it.operator_keys[0] = signed(it, 1, 7));
    add("-replaced", "pinned", "another key, also signed, for an epoch that was seen", replaced, Some(deployment(2)));
    let elsewhere = edit(&|it| it.start_block = 2);
    add("-other-deployment", "pinned", "another deployment with the same keys", elsewhere, Some(deployment(2)));
    let gap = edit(&|it| it.operator_keys[1] = signed(it, 3, 2));
    add("-gap", "epoch", "an epoch is missing", gap, None);
    let swapped = edit(&|it| it.operator_keys.swap(0, 1));
    add("-swapped", "epoch", "the keys in another order", swapped, None);
    let twice = edit(&|it| it.operator_keys[1] = signed(it, 2, 1));
    add("-twice", "key", "the same key for two epochs", twice, None);
    let with_key = |change: &dyn Fn(&mut Vec<u8>)| {
        edit(&|it| {
            let mut key = it.operator_keys[1].key.to_vec();
            change(&mut key);
            it.operator_keys[1].key = key.into();
        })
    };
    let unreduced = with_key(&|key| key[..2].fill(0xff));
    add("-unreduced", "key", "a coefficient of the ML-KEM key that is not below the modulus", unreduced, None);
    let low_order = with_key(&|key| key[1_184..].fill(0));
    add("-low-order", "key", "an X25519 key of low order", low_order, None);
    let short = with_key(&|key| key.truncate(1_215));
    add("-short-key", "key", "a key of 1,215 bytes", short, None);
    let unsigned = edit(&|it| it.operator_keys[1].signature = it.operator_keys[0].signature.clone());
    add("-other-epoch", "signature", "the signature for another epoch", unsigned, None);
    let operator = edit(&|it| it.operator = Address::repeat_byte(0x0b));
    add("-other-operator", "signature", "keys that somebody else has signed", operator, None);
    let chain = edit(&|it| it.chain_id += 1);
    add("-other-chain", "signature", "keys that were signed for another chain", chain, None);
    let log = edit(&|it| it.contracts.access_log.address = it.address_of(ContractName::KeyRegistry));
    add("-other-log", "signature", "keys that were signed for another access log", log, None);
    let many = deployment(65);
    add("-too-many", "epoch", "more keys than a file may list", many, None);
}
