//! 4,000 access requests to the patient, from 200 accounts behind one network address.

use std::{net::Ipv4Addr, sync::Arc};

use alloy::{
    primitives::{Address, B256, Bytes, U256, aliases::U40},
    signers::SignerSync,
};
use async_trait::async_trait;
use client::{act::new_nonce, chain::unix_now, wallet::Wallet};
use futures::{StreamExt, stream};
use protocol::{
    bodies::grants::RequestBody,
    codes::{KEM_X_WING, Purpose, Right, SLOT_IDENTITY, ScopeKind},
    deployment::Deployment,
    identity::IdentityKey,
    messages::{Action, RegisterKey},
    note::NOTE_LEN,
    statements::{AccessRequest, SignedAccessRequest},
};
use reqwest::Method;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::{Attack, given};
use crate::{
    attacker::{Account, Attacker, new_accounts},
    purse::Purse,
    tally::Tally,
    world::World,
};

pub(super) const NAME: &str = "requests";
const ACCOUNTS: usize = 200;
/// The number of requests of one account that may wait for an answer.
const EACH: usize = 20;
/// The number of requests that are sent at the same time.
const AT_ONCE: usize = 16;
/// The gas of publishing a key.
const KEY_GAS: u64 = 400_000;

pub(super) struct Requests {
    base: String,
    signed: Vec<(Account, Vec<u8>)>,
}

pub(super) async fn prepare(world: &World, purse: &Arc<Purse>) -> anyhow::Result<Requests> {
    let (base, deployment) = (world.stack.api_url(0), world.deployment());
    let accounts = new_accounts(&base, ACCOUNTS).await?;
    // Only an account with a key may ask to read.
    let keys: Vec<_> = accounts.iter().map(|account| account.sign(any_key(account), deployment)).collect();
    purse.carry_out(&keys, KEY_GAS).await?;
    let patient = world.patient.wallet.address();
    let mut signed = Vec::with_capacity(ACCOUNTS * EACH);
    // Every account asks once before any account asks twice.
    for _ in 0..EACH {
        for account in &accounts {
            signed.push((account.clone(), request(account, patient, deployment)?));
        }
    }
    Ok(Requests { base, signed })
}

fn any_key(account: &Account) -> Action {
    Action::RegisterKey(RegisterKey {
        owner: account.address(),
        slot: SLOT_IDENTITY,
        epoch: 0,
        kem: KEM_X_WING,
        key: IdentityKey::derive(&rand::random()).public_key().as_bytes().to_vec().into(),
        nonce: new_nonce(),
        deadline: U256::from(unix_now() + given::VALID_SECONDS),
    })
}

/// Returns a request to read everything with the purpose FAMRQT, which needs no accreditation.
fn request(account: &Account, patient: Address, deployment: &Deployment) -> anyhow::Result<Vec<u8>> {
    let note: Vec<u8> = (0..NOTE_LEN).map(|_| rand::random()).collect();
    let request = AccessRequest {
        requester: account.address(),
        patient,
        rights: Right::Read.bit(),
        kind: ScopeKind::All.code(),
        scopeId: B256::ZERO,
        purposes: Purpose::FamilyRequested.bit(),
        until: U40::from(unix_now() + 86_400),
        noteHash: B256::from_slice(&Sha256::digest(&note)),
        nonce: new_nonce(),
        deadline: U256::from(unix_now() + given::VALID_SECONDS),
    };
    let hash = SignedAccessRequest::signing_hash(&request, deployment);
    let signature = Bytes::from(account.signer.sign_hash_sync(&hash)?.as_bytes().to_vec());
    let body = RequestBody { signed: SignedAccessRequest { request, signature }, note: note.into() };
    Ok(serde_json::to_vec(&body)?)
}

#[async_trait]
impl Attack for Requests {
    fn is_endless(&self) -> bool {
        false
    }

    async fn run(&self, address: Ipv4Addr, until: &CancellationToken, tally: &Tally) -> anyhow::Result<()> {
        let attacker = Attacker::new(address, &self.base, tally)?;
        let ask = async |(account, body): &'_ (Account, Vec<u8>)| {
            if !until.is_cancelled() {
                attacker.send(account, Method::POST, "/v1/requests", body.clone()).await;
            }
        };
        stream::iter(&self.signed).for_each_concurrent(AT_ONCE, ask).await;
        Ok(())
    }
}
