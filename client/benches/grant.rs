//! Measures the duration of a grant, from the signature until the API shows it, and compares it with the same
//! transaction sent directly to Anvil until its receipt. Both are measured in the same run, in turns.
#![expect(clippy::print_stdout, reason = "a measurement prints its table")]

mod people;

use std::time::{Duration, Instant};

use alloy::{
    network::TransactionBuilder,
    primitives::{B256, U256, aliases::U40},
    providers::{Provider, ProviderBuilder},
    rpc::types::TransactionRequest,
};
use anyhow::{Context, ensure};
use client::{
    act::{Way, new_nonce},
    chain::unix_now,
    grants::{self, NewGrants, Scope},
    upload::{self, NewUpload, Source, Target},
    wallet::Wallet,
};
use localnet::{Stack, StackConfig};
use mongodb::{Client as Mongo, Collection, bson::doc};
use protocol::{
    bodies::grants::{GrantQuery, GrantState},
    codes::{Category, Purpose, Right, ScopeKind},
    messages::{self, Action},
    mirror::{GrantDoc, collection},
};

use crate::people::Person;

const WARM_UP: usize = 5;
const ROUNDS: usize = 60;
/// The pause between two checks whether something has happened.
const POLL: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(30);

/// The stages of one grant, each measured from the signature.
#[derive(Clone, Copy)]
struct Stages {
    /// The server has answered that it is mined, and the client has seen it on its own chain.
    mined: Duration,
    /// The mirror holds the grant of this epoch.
    mirrored: Duration,
    /// The API lists it as active.
    visible: Duration,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let stack = Stack::start(StackConfig::for_tests()?).await?;
    let patient = Person::new(&stack, &folder.path().join("patient")).await?;
    let doctor = Person::new(&stack, &folder.path().join("doctor")).await?;
    let document = folder.path().join("document");
    std::fs::write(&document, vec![7; 10_000])?;
    let new = NewUpload {
        source: Source::File(document),
        target: Target::NewRecord { patient: patient.wallet.address(), category: Category::Laboratory },
        file_name: "document".into(),
        media_type: None,
        way: Way::Relayed,
    };
    let record = upload::upload(&patient.client, &patient.wallet, new, &client::Progress::silent()).await?.record;

    let mongo = Mongo::with_uri_str(stack.localnet().mongodb_uri()).await?;
    let mirror = mongo.database(stack.database()).collection::<GrantDoc>(collection::GRANTS);
    let sender = stack.localnet().person(localnet::Role::SecondDoctor).signer;
    let direct = ProviderBuilder::new().wallet(sender).connect_http(stack.localnet().rpc_url().parse()?);
    let mut floors = Vec::new();
    let mut ours = Vec::new();
    for round in 0..WARM_UP + ROUNDS {
        let floor = bare_transaction(&direct, &patient, record.0).await?;
        let stages = whole_grant(&mirror, &patient, &doctor, record).await?;
        if round >= WARM_UP {
            floors.push(floor);
            ours.push(stages);
        }
    }
    stack.stop().await;

    let stage = |of: fn(&Stages) -> Duration| ours.iter().map(of).collect::<Vec<_>>();
    let visible = stage(|stages| stages.visible);
    println!("{ROUNDS} grants of one record, in milliseconds from the signature");
    println!("{:<44} {:>8} {:>8}", "", "P50", "P99");
    for (name, times) in [
        ("the bare transaction, receipt awaited (floor)", &floors),
        ("mined, and seen on the client's own chain", &stage(|stages| stages.mined)),
        ("in the mirror", &stage(|stages| stages.mirrored)),
        ("visible in the API", &visible),
    ] {
        println!("{name:<44} {:>8.1} {:>8.1}", ms(quantile(times, 50)), ms(quantile(times, 99)));
    }
    let result = serde_json::json!({
        "bench": "grant",
        "p50_ms": round2(ms(quantile(&visible, 50))),
        "p99_ms": round2(ms(quantile(&visible, 99))),
        "p50_vs_floor": round2(ms(quantile(&visible, 50)) / ms(quantile(&floors, 50))),
    });
    println!("{result}");
    Ok(())
}

/// Sends the same call with the same kind of message from a funded account, and waits for its receipt.
async fn bare_transaction(direct: &impl Provider, patient: &Person, record: B256) -> anyhow::Result<Duration> {
    let chain = patient.client.chain();
    let action = Action::Grant(messages::Grant {
        patient: patient.wallet.address(),
        // A random tag. The contract cannot know whose tag it is.
        tag: B256::new(rand::random()),
        rights: Right::Read.bit(),
        purposes: Purpose::Treatment.bit(),
        notBefore: U40::from(1),
        notAfter: U40::from(unix_now() + 86_400),
        patientEpoch: chain.patient_epoch(patient.wallet.address()).await?,
        scopes: vec![messages::Scope {
            kind: ScopeKind::Record.code(),
            id: record,
            epoch: 0,
            bundleHash: B256::new(rand::random()),
        }],
        nonce: new_nonce(),
        deadline: U256::from(unix_now() + 3_600),
    });
    let begun = Instant::now();
    let signed = patient.wallet.sign_action(action, patient.client.deployment()).await?;
    let (to, data) = contracts::call_of(&signed, patient.client.deployment()).context("a grant can be sent")?;
    let call = TransactionRequest::default().with_to(to).with_input(data);
    let hash = *direct.send_transaction(call).await?.tx_hash();
    let receipt = loop {
        match direct.get_transaction_receipt(hash).await? {
            Some(receipt) => break receipt,
            None => tokio::time::sleep(POLL).await,
        }
    };
    ensure!(receipt.status(), "the bare transaction failed");
    Ok(begun.elapsed())
}

/// Gives one grant with the SDK, and waits until the API lists it as active in its new epoch.
async fn whole_grant(
    mirror: &Collection<GrantDoc>,
    patient: &Person,
    doctor: &Person,
    record: protocol::ids::RecordId,
) -> anyhow::Result<Stages> {
    let new = NewGrants {
        grantee: doctor.wallet.address(),
        right: Right::Read,
        scopes: vec![Scope::Record(record)],
        purposes: vec![Purpose::Treatment],
        not_before: 1,
        not_after: unix_now() + 86_400,
        request: None,
        way: Way::Relayed,
    };
    let granted = grants::grant(&patient.client, &patient.wallet, &patient.keys, &new).await?;
    let signed = patient.wallet.asked.lock().ok().and_then(|asked| *asked).context("the wallet was asked")?;
    let mined = signed.elapsed();
    let terms =
        patient.client.chain().terms(patient.wallet.address(), granted.tag, ScopeKind::Record, record.0).await?;
    let query = GrantQuery { record: Some(record), ..GrantQuery::default() };
    let in_mirror = doc! { "_id": granted.grants[0].to_string(), "epoch": i64::from(terms.epoch) };
    while mirror.find_one(in_mirror.clone()).await?.is_none() {
        ensure!(signed.elapsed() < PATIENCE, "the grant does not reach the mirror");
        tokio::time::sleep(POLL).await;
    }
    let mirrored = signed.elapsed();
    loop {
        let listed = patient.client.api()?.grants(&query).await?;
        let is_ours = |grant: &&protocol::bodies::grants::GrantView| {
            grant.id == granted.grants[0] && grant.epoch == terms.epoch && grant.state == GrantState::Active
        };
        if listed.iter().any(|grant| is_ours(&grant)) {
            return Ok(Stages { mined, mirrored, visible: signed.elapsed() });
        }
        ensure!(signed.elapsed() < PATIENCE, "the grant does not become visible");
        tokio::time::sleep(POLL).await;
    }
}

fn quantile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn round2(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
