//! A deployment file that does not fit the chain: the device notices before anything is signed or sent.

use std::sync::Arc;

use client::{
    AnyFailure, Client, ExitClass, Failure, Progress,
    act::Way,
    client::Overrides,
    download::{self, Filter},
    grants::{self, Ending, NewGrants, Scope},
    home::Home,
    register, session,
    set_up::{self, DeploymentSource, SetUp},
    upload::{self, Target},
    wallet::LocalWallet,
};
use protocol::codes::{Category, Right};
use serde_json::{Value, json};

use crate::{
    chance::document,
    person::{Device, Person},
    world::{self, World},
};

/// What is wrong in a file, and the client's code for it.
const WRONG: [(&str, &str); 5] = [
    ("/chain_id", "other_chain"),
    ("/genesis_hash", "other_chain"),
    ("/contracts/grant_registry/code_hash", "other_code"),
    ("/contracts/access_log/code_hash", "other_code"),
    // A place where there is no contract at all.
    ("/contracts/record_registry/address", "other_code"),
];

/// The network's deployment file with another value in one place.
fn changed(world: &World, place: &str) -> Vec<u8> {
    let file = std::fs::read(&world.place.deployment).expect("it is there");
    let mut deployment: Value = serde_json::from_slice(&file).expect("it is JSON");
    let value = deployment.pointer_mut(place).expect("the file has it");
    *value = match value.as_str() {
        Some(hex) => json!(format!("0x{}", "5a".repeat((hex.len() - 2) / 2))),
        None => json!(value.as_u64().expect("a number") + 1),
    };
    deployment.to_string().into_bytes()
}

/// Runs one command of each kind with a wallet that must not be asked. Returns the results.
async fn tried(person: &Person, client: &Client, other: &Person) -> Vec<(&'static str, Result<(), AnyFailure>)> {
    let wallet = person.wallet.clone().confirmed_by(Arc::new(|wish| panic!("asked to sign: {}", wish.sentence)));
    let target = Target::NewRecord { patient: person.address(), category: Category::Laboratory };
    let new = person.new_upload(target, "elsewhere.txt", &document(700));
    let terms = NewGrants { right: Right::Write, scopes: vec![Scope::All], ..Person::terms(other, 600) };
    let ended = grants::revoke(client, &wallet, &person.keys, &Ending::Everything, Way::Relayed).await;
    vec![
        ("login", session::login(client, &wallet).await.map(drop).map_err(AnyFailure::from)),
        (
            "register",
            register::register(client, &wallet, &person.keys, Way::Relayed).await.map(drop).map_err(AnyFailure::from),
        ),
        ("upload", upload::upload(client, &wallet, new, &Progress::silent()).await.map(drop).map_err(AnyFailure::from)),
        ("list", download::list(client, Filter::default()).await.map(drop).map_err(AnyFailure::from)),
        ("grant", grants::grant(client, &wallet, &person.keys, &terms).await.map(drop).map_err(AnyFailure::from)),
        ("revoke", ended.map(drop).map_err(AnyFailure::from)),
        ("catch-up", grants::catch_up(client, &person.keys).await.map(drop).map_err(AnyFailure::from)),
    ]
}

#[test]
fn a_deployment_file_that_does_not_fit_the_chain_is_noticed_before_anything_is_signed() {
    world::run(async {
        let world = world::shared().await;
        let (person, other) = tokio::join!(world.person(), world.person());
        let stored = person.client.api().unwrap().me().await.unwrap().stored_bytes;
        let kept = person.device.home().join("deployment.json");
        let right = std::fs::read(&kept).unwrap();
        for (place, code) in WRONG {
            let file = changed(world, place);
            std::fs::write(&kept, &file).unwrap();
            let client = Client::open(Home::open(person.device.home()).unwrap(), Overrides::default()).unwrap();
            for (what, result) in tried(&person, &client, &other).await {
                let refused = result.expect_err(what);
                assert_eq!(refused.code(), code, "{what} with another {place}: {refused}");
                assert_eq!(refused.class(), ExitClass::VerificationFailed);
            }

            // Nor can a device be set up with it.
            let device = Device::new(&world.place);
            let plan = SetUp {
                api: Some(world.place.api.clone()),
                rpc: world.place.rpc.clone(),
                deployment: DeploymentSource::File(device.file("deployment.json", &file)),
                wallet: LocalWallet::generate(),
                passphrase: "correct horse battery staple".into(),
            };
            let refused = set_up::set_up(Home::open(device.home()).unwrap(), plan).await.map(drop).expect_err(place);
            assert_eq!(refused.code(), code, "set-up with another {place}: {refused}");
            assert!(!Home::open(device.home()).unwrap().is_set_up());
        }
        std::fs::write(&kept, right).unwrap();
        assert_eq!(person.client.api().unwrap().me().await.unwrap().stored_bytes, stored, "nothing was uploaded");
        assert!(person.client.api().unwrap().grants(&Default::default()).await.unwrap().is_empty());
        person.upload("here.txt", &document(700)).await;
    });
}
