//! The log's "who": an operator that names another reader, withholds evidence, or hides, invents and alters entries.

use alloy::{hex, sol_types::SolCall};
use axum::http::StatusCode;
use client::Failure;
use contracts::record_registry::RecordRegistry;
use localnet::StackConfig;
use protocol::{
    codes::{Right, Role},
    deployment::ContractName,
    ids::RecordId,
};
use serde_json::{Value, json};

use crate::{
    chance::document,
    life_cycle::soon,
    person::{Person, Ran},
    proxy::Proxy,
    world::{self, World, eventually},
};

struct Reads {
    patient: Person,
    doctor: Person,
    other: Person,
    record: RecordId,
}

/// A patient two of whose records a doctor has read, each once, both anchored.
async fn reads(world: &World) -> Reads {
    let (patient, doctor, other) =
        tokio::join!(world.person(), world.practitioner(Role::Doctor), world.practitioner(Role::Doctor));
    let mut records = Vec::new();
    for _ in 0..2 {
        records.push(patient.upload("read.txt", &document(600)).await.record);
    }
    patient.share(&records, &doctor, 3_600).await;
    for record in &records {
        doctor.open_soon(*record).await;
    }
    eventually("the reads are anchored", || async {
        let log = patient.device.medlock(&["log", "--json"]).await.json();
        let entries = log["entries"].as_array().unwrap();
        let anchored = entries.iter().filter(|entry| entry["on_chain"] == "anchored").count();
        if anchored == 2 { Ok(()) } else { Err(log.to_string()) }
    })
    .await;
    Reads { patient, doctor, other, record: records[0] }
}

/// What `audit verify` finds through a server in the middle: the kinds, sorted.
async fn findings(person: &Person, api: &str) -> (Ran, Vec<String>) {
    let ran = person.device.medlock(&["audit", "verify", "--api", api, "--json"]).await;
    let answer = ran.json();
    let mut kinds: Vec<String> = answer["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["kind"].as_str().unwrap().to_owned())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    (ran, kinds)
}

/// What `log` shows through a server in the middle: exit code, and for each entry `on_chain` and `who`.
async fn shown(person: &Person, api: &str) -> (i32, Vec<(String, String)>) {
    let ran = person.device.medlock(&["log", "--api", api, "--json"]).await;
    let answer = ran.json();
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap().to_owned();
    let mut shown: Vec<_> = answer["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (text(entry, "on_chain"), text(entry, "who")))
        .collect();
    shown.sort_unstable();
    (ran.code, shown)
}

/// Changes the entries of the server's log.
fn tamper_log(api: &Proxy, mut change: impl FnMut(&mut Vec<Value>) + Send + 'static) {
    api.tamper_answers(move |_, uri, body| {
        if uri.path() != "/v1/log" {
            return body;
        }
        let mut answer: Value = serde_json::from_slice(&body).unwrap();
        change(answer["items"].as_array_mut().unwrap());
        serde_json::to_vec(&answer).unwrap()
    });
}

fn pair(on_chain: &str, who: &str) -> (String, String) {
    (on_chain.to_owned(), who.to_owned())
}

#[test]
fn what_an_operator_says_about_a_read_is_checked() {
    world::run(async {
        let world = world::shared().await;
        let Reads { patient, other, record, .. } = reads(world).await;
        let api = Proxy::to(&world.place.api).await;

        // An honest operator: everything holds, and that is counted.
        let (ran, kinds) = findings(&patient, &api.url()).await;
        assert!(ran.code == 0 && kinds.is_empty(), "{ran:?}");
        let answer = ran.json();
        assert_eq!((&answer["readers_checked"], &answer["permissions_checked"]), (&json!(2), &json!(2)), "{answer}");
        assert_eq!(shown(&patient, &api.url()).await, (0, vec![pair("anchored", "checked"); 2]));

        // A reader that is named wrongly.
        let (target, innocent) = (record.to_string(), other.hex().to_lowercase());
        tamper_log(&api, move |entries| {
            for entry in entries.iter_mut().filter(|entry| entry["record"] == target.as_str()) {
                entry["reader"] = json!(innocent);
            }
        });
        let (ran, kinds) = findings(&patient, &api.url()).await;
        assert_eq!((ran.code, kinds), (5, vec!["evidence".to_owned(), "wrong_reader".to_owned()]), "{ran:?}");
        let words = patient.device.medlock(&["audit", "verify", "--api", &api.url()]).await;
        assert!(words.code == 5 && words.text().contains("does not open the tag"), "{words:?}");
        assert_eq!(
            shown(&patient, &api.url()).await,
            (5, vec![pair("anchored", "checked"), pair("anchored", "wrong")])
        );

        // The same, and the evidence is forged to match. The tag that is recomputed from the seed reveals the lie.
        let (target, innocent) = (record.to_string(), other.hex().to_lowercase());
        api.tamper_answers(move |_, uri, body| {
            let Ok(mut answer) = serde_json::from_slice::<Value>(&body) else { return body };
            if uri.path() == "/v1/log" {
                for entry in answer["items"].as_array_mut().unwrap() {
                    if entry["record"] == target.as_str() {
                        entry["reader"] = json!(innocent);
                    }
                }
            } else if uri.path().starts_with("/v1/log/leaves/")
                && answer["leaf"]["request"]["record"] == target.as_str()
            {
                answer["leaf"]["request"]["grantee"] = json!(innocent);
            }
            serde_json::to_vec(&answer).unwrap()
        });
        let (ran, kinds) = findings(&patient, &api.url()).await;
        assert_eq!((ran.code, kinds), (5, vec!["evidence".to_owned(), "wrong_reader".to_owned()]), "{ran:?}");

        // The server does not name the reader.
        let target = record.to_string();
        tamper_log(&api, move |entries| {
            for entry in entries.iter_mut().filter(|entry| entry["record"] == target.as_str()) {
                entry.as_object_mut().unwrap().remove("reader");
            }
        });
        let (ran, kinds) = findings(&patient, &api.url()).await;
        assert_eq!((ran.code, kinds), (5, vec!["withheld_evidence".to_owned()]), "{ran:?}");
        assert_eq!(
            shown(&patient, &api.url()).await,
            (5, vec![pair("anchored", "checked"), pair("anchored", "withheld")])
        );

        // The server withholds the evidence. The status of its answer makes no difference.
        api.be_honest();
        for status in [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN, StatusCode::INTERNAL_SERVER_ERROR] {
            api.refuse(move |_, uri| uri.path().starts_with("/v1/log/leaves/").then_some(status));
            let (ran, kinds) = findings(&patient, &api.url()).await;
            assert_eq!((ran.code, kinds), (5, vec!["withheld_evidence".to_owned()]), "{status}: {ran:?}");
        }
        api.be_honest();

        // An entry hidden, one invented, one altered, one told twice.
        let target = record.to_string();
        tamper_log(&api, move |entries| entries.retain(|entry| entry["record"] != target.as_str()));
        let (ran, kinds) = findings(&patient, &api.url()).await;
        assert_eq!((ran.code, kinds), (5, vec!["hidden_read".to_owned()]), "{ran:?}");
        assert_eq!(
            shown(&patient, &api.url()).await,
            (5, vec![pair("anchored", "checked"), pair("hidden", "withheld")])
        );
        let words = patient.device.medlock(&["log", "--api", &api.url()]).await;
        assert!(words.code == 5 && words.text().contains("HIDDEN"), "{words:?}");

        tamper_log(&api, |entries| {
            let mut invented = entries[0].clone();
            invented["leaf"] = json!(format!("0x{}", "5a".repeat(32)));
            entries.push(invented);
        });
        let (ran, kinds) = findings(&patient, &api.url()).await;
        assert_eq!(ran.code, 5, "{ran:?}");
        assert!(kinds.contains(&"missing_leaf".to_owned()), "{kinds:?}");
        let (code, shown_now) = shown(&patient, &api.url()).await;
        assert_eq!((code, shown_now[2].0.as_str()), (5, "invented"));

        let target = record.to_string();
        tamper_log(&api, move |entries| {
            for entry in entries.iter_mut().filter(|entry| entry["record"] == target.as_str()) {
                entry["purpose"] = json!("HRESCH");
            }
        });
        let (ran, kinds) = findings(&patient, &api.url()).await;
        assert_eq!((ran.code, kinds), (5, vec!["evidence".to_owned()]), "{ran:?}");
        assert_eq!(
            shown(&patient, &api.url()).await,
            (5, vec![pair("altered", "checked"), pair("anchored", "checked")])
        );

        tamper_log(&api, |entries| entries.push(entries[0].clone()));
        let (ran, kinds) = findings(&patient, &api.url()).await;
        assert_eq!((ran.code, kinds), (5, vec!["evidence".to_owned()]), "{ran:?}");
    });
}

#[test]
fn a_receipt_that_was_anchored_late_or_is_damaged_is_found() {
    world::run(async {
        let world = world::shared().await;
        let Reads { doctor, .. } = reads(world).await;
        let folder = doctor.device.home().join("receipts");
        let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort_unstable();
        let audit = soon(&doctor.device, &["audit", "verify", "--json"]).await.json();
        assert_eq!(audit["receipts_anchored"], 2, "{audit}");

        let mut receipt: Value = serde_json::from_slice(&std::fs::read(&files[0]).unwrap()).unwrap();
        let promised = receipt["received_at"].as_u64().unwrap() - 5;
        receipt["signed"]["receipt"]["anchorBy"] = json!(promised);
        std::fs::write(&files[0], receipt.to_string()).unwrap();
        std::fs::write(&files[1], b"{").unwrap();
        let (ran, kinds) = findings(&doctor, &world.place.api).await;
        assert_eq!((ran.code, kinds), (5, vec!["damaged_receipt".to_owned(), "late_anchor".to_owned()]), "{ran:?}");
    });
}

#[test]
fn a_read_that_the_operator_let_through_without_a_permission_is_found() {
    world::run(async {
        // An operator that asks the chain about somebody else when this doctor reads: its node is behind a liar.
        let config = StackConfig::for_tests().unwrap();
        let node = Proxy::to(&format!("http://127.0.0.1:{}", config.localnet.ports.anvil)).await;
        let world = World::start_with(config.with_api_setting("MEDLOCK_RPC_URL", node.url())).await;
        let Reads { patient, doctor, other, record } = reads(&world).await;
        patient.share(&[record], &other, 3_600).await;
        other.open_soon(record).await;

        world.accreditor.device.medlock(&["suspend", &doctor.hex()]).await.succeeded();
        let refused = doctor.open(record).await.expect_err("nobody vouches any more");
        assert_eq!(refused.code(), "not_accredited", "{refused}");
        let salt_of = |person: &Person| {
            let deployment = patient.client.deployment();
            let registry = deployment.address_of(ContractName::GrantRegistry);
            let salt = patient.keys.seed().tag_salt(deployment.chain_id, registry, person.address(), Right::Read);
            hex::encode(salt.0)
        };
        let plain = |person: &Person| hex::encode(person.address());
        let question = hex::encode(RecordRegistry::isAllowedCall::SELECTOR);
        let (about, salt) = ((plain(&doctor), plain(&other)), (salt_of(&doctor), salt_of(&other)));
        node.tamper_requests(move |_, _, body| {
            let text = String::from_utf8(body).expect("the node is asked in JSON");
            if !text.contains(&question) {
                return text.into_bytes();
            }
            text.replace(&about.0, &about.1).replace(&salt.0, &salt.1).into_bytes()
        });
        doctor.open(record).await.expect("the operator plays along");
        node.be_honest();

        let (ran, kinds) = eventually("the read is anchored", || async {
            let (ran, kinds) = findings(&patient, &world.place.api).await;
            if kinds.is_empty() { Err(ran.text()) } else { Ok((ran, kinds)) }
        })
        .await;
        assert_eq!((ran.code, kinds), (5, vec!["no_grant".to_owned()]), "{ran:?}");
        let words = patient.device.medlock(&["audit", "verify"]).await;
        assert!(words.code == 5 && words.text().contains("without a permission"), "{words:?}");
    });
}

#[test]
fn a_leaf_that_came_onto_the_chain_late_is_found() {
    world::run(async {
        // A chain of one's own, whose blocks the test mines.
        let world = World::start().await;
        let Reads { patient, doctor, record, .. } = reads(&world).await;
        let localnet = world.stack.localnet();
        localnet.rpc("evm_setAutomine", json!([false])).await.unwrap();
        doctor.open(record).await.unwrap();
        eventually("the checkpoint is on its way", || async {
            let pool = localnet.rpc("txpool_status", json!([])).await.map_err(|error| error.to_string())?;
            if pool["pending"] == "0x0" { Err(pool.to_string()) } else { Ok(()) }
        })
        .await;
        // Longer than the time that any receipt promises.
        localnet.rpc("evm_increaseTime", json!([1_000])).await.unwrap();
        localnet.rpc("evm_mine", json!([])).await.unwrap();
        localnet.rpc("evm_setAutomine", json!([true])).await.unwrap();
        for person in [&patient, &doctor] {
            let (ran, kinds) = eventually("the mirror shows it", || async {
                let (ran, kinds) = findings(person, &world.place.api).await;
                if kinds.is_empty() { Err(ran.text()) } else { Ok((ran, kinds)) }
            })
            .await;
            assert_eq!((ran.code, kinds), (5, vec!["late_anchor".to_owned()]), "{ran:?}");
        }
    });
}
