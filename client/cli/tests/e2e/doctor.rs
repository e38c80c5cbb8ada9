//! `medlock doctor`: what is wrong on a device, under the name of its check, with the way to mend it.

use alloy::{primitives::Bytes, signers::SignerSync};
use localnet::{LocalnetConfig, Role};
use protocol::{deployment::Deployment, identity::PublicKey, operator_keys::SignedOperatorKey};
use serde_json::Value;

use crate::{
    life_cycle::newcomer,
    person::{Device, Ran},
    world,
};

/// Nothing listens on port 1.
const NOBODY: &str = "http://127.0.0.1:1";

/// One check of an answer: its verdict, what was seen, and the remedy.
fn check<'a>(ran: &'a Value, name: &str) -> (&'a str, &'a str, &'a str) {
    let found = ran["checks"].as_array().unwrap().iter().find(|check| check["name"] == name);
    let found = found.unwrap_or_else(|| panic!("no check {name} in {ran}"));
    let text = |field: &str| found[field].as_str().unwrap();
    (text("verdict"), text("what"), text("remedy"))
}

/// Runs `medlock doctor --json` and what else is given.
async fn doctor(device: &Device, arguments: &[&str]) -> (Ran, Value) {
    let ran = device.medlock(&[&["doctor", "--json"], arguments].concat()).await;
    let answer = ran.json();
    (ran, answer)
}

/// The answer of a doctor who has nothing to say about anything but `others`.
fn assert_good_but(answer: &Value, others: &[&str]) {
    let checks = answer["checks"].as_array().unwrap();
    let not_good: Vec<&str> =
        checks.iter().filter(|check| check["verdict"] != "good").map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(not_good, others, "{answer}");
    for check in checks.iter().filter(|check| check["verdict"] == "bad" || check["verdict"] == "warning") {
        assert!(!check["remedy"].as_str().unwrap().is_empty(), "{check}");
    }
}

#[test]
fn a_device_that_is_set_up_is_well() {
    world::run(async {
        let (device, address) = newcomer(world::shared().await).await;
        let (ran, answer) = doctor(&device, &[]).await;
        ran.succeeded();
        assert_good_but(&answer, &[]);
        let names: Vec<&str> =
            answer["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
        let all = "config rpc contracts api deployment versions clock secrets relayers keystore keyring key kit session uploads";
        assert_eq!(names.join(" "), all);
        assert!(check(&answer, "config").1.to_lowercase().contains(&address.to_lowercase()), "{answer}");

        let words = device.medlock(&["doctor"]).await.succeeded().text();
        assert_eq!(words.lines().filter(|line| line.starts_with("good ")).count(), 15, "{words}");
    });
}

#[test]
fn a_node_and_a_server_that_do_not_answer_are_named() {
    world::run(async {
        let (device, _) = newcomer(world::shared().await).await;
        let (ran, answer) = doctor(&device, &["--rpc", NOBODY]).await;
        assert_eq!(ran.code, 6, "{ran:?}");
        assert_good_but(&answer, &["rpc", "contracts", "key"]);
        let (verdict, _, remedy) = check(&answer, "rpc");
        assert_eq!(
            (verdict, remedy),
            ("bad", "Check the network, or name another Ethereum node with --rpc; then try again.")
        );
        for name in ["contracts", "key"] {
            assert_eq!(check(&answer, name), ("not_tried", "Not tried: rpc comes first.", ""));
        }

        let (ran, answer) = doctor(&device, &["--api", NOBODY]).await;
        assert_eq!(ran.code, 6, "{ran:?}");
        let (verdict, _, remedy) = check(&answer, "api");
        assert_eq!((verdict, remedy), ("bad", "Check the network, or name another server with --api; then try again."));
        assert_eq!(check(&answer, "clock").0, "not_tried");
        assert_eq!(check(&answer, "rpc").0, "good", "what does not depend on it is checked");

        // For people: the check's line, and the remedy below it and once more at the end.
        let ran = device.medlock(&["doctor", "--rpc", NOBODY]).await;
        assert_eq!(ran.code, 6, "{ran:?}");
        let words = ran.text();
        assert!(words.lines().any(|line| line.starts_with("BAD ") && line.contains(" rpc ")), "{words}");
        assert!(words.contains("Do: Check the network, or name another Ethereum node"), "{words}");
        assert!(ran.last_lines().1.starts_with("Begin with `rpc`: Check the network"), "{ran:?}");
    });
}

#[test]
fn the_deployment_file_of_another_chain_is_named() {
    world::run(async {
        let (device, _) = newcomer(world::shared().await).await;
        let mut deployment: Deployment =
            serde_json::from_slice(&std::fs::read(&device.place.deployment).unwrap()).expect("it is a deployment");
        deployment.chain_id = 1;
        // The operator's keys are signed for one chain: without new signatures the file would not even be read.
        let operator = LocalnetConfig::for_tests().unwrap().settings.person(Role::Operator).signer;
        let of_other_chain = deployment.clone();
        for signed in &mut deployment.operator_keys {
            let key = PublicKey::from_bytes(&signed.key).unwrap();
            let hash = SignedOperatorKey::signing_hash(operator.address(), signed.epoch, &key, &of_other_chain);
            signed.signature = Bytes::copy_from_slice(&operator.sign_hash_sync(&hash).unwrap().as_bytes());
        }
        let deployment = serde_json::to_string(&deployment).unwrap();
        let other = device.file("other-chain.json", deployment.as_bytes());

        // Named by a setting: every command stops there, and so does the doctor.
        let named = ["--deployment", other.to_str().unwrap()];
        let stopped = device.medlock(&[&["list"], &named[..]].concat()).await;
        let (ran, answer) = doctor(&device, &named).await;
        assert_eq!((stopped.code, ran.code), (5, 5), "{ran:?}");
        let (verdict, what, remedy) = check(&answer, "config");
        assert_eq!(verdict, "bad", "{answer}");
        assert!(what.contains("other-chain.json is not the deployment"), "{what}");
        assert!(remedy.contains("MEDLOCK_DEPLOYMENT"), "{remedy}");

        // The file in the device's folder names another deployment: neither the chain nor the server matches it.
        std::fs::copy(&other, device.home().join("deployment.json")).unwrap();
        let (ran, answer) = doctor(&device, &named).await;
        assert_eq!(ran.code, 5, "{ran:?}");
        let (verdict, what, remedy) = check(&answer, "rpc");
        assert_eq!((verdict, what), ("bad", "The Ethereum node is on chain 31337, the deployment on chain 1."));
        assert_eq!(remedy, "Name a node of the deployment's chain with --rpc, or in config.toml (`rpc`).");
        let (verdict, _, remedy) = check(&answer, "deployment");
        assert_eq!(verdict, "bad", "{answer}");
        assert!(remedy.starts_with("Use the deployment file of this server"), "{remedy}");
        assert_eq!(check(&answer, "contracts").0, "not_tried");
    });
}

#[test]
fn what_is_still_to_be_done_is_named() {
    world::run(async {
        let device = Device::new(&world::shared().await.place);
        let (ran, answer) = doctor(&device, &[]).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert_eq!(check(&answer, "config").2, "Run: medlock init.");

        let kit = device.path("kit.txt");
        device.json(&["init", "--kit-file", kit.to_str().unwrap()]).await;
        let (ran, answer) = doctor(&device, &[]).await;
        ran.succeeded();
        assert_good_but(&answer, &["key", "session"]);
        let (verdict, what, remedy) = check(&answer, "key");
        assert_eq!((verdict, what, remedy), ("warning", "No encryption key is published.", "Run: medlock register."));
        assert_eq!(check(&answer, "session").2, "Run: medlock login.");

        // The remedies mend it.
        device.medlock(&["login"]).await.succeeded();
        device.medlock(&["register"]).await.succeeded();
        assert_good_but(&doctor(&device, &[]).await.1, &[]);
    });
}
