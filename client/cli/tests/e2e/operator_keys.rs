//! The operator's encryption key is rotated: what was sealed to the old one still opens, everybody seals to the new one,
//! and nobody can be led back.

use client::{
    AnyFailure, Client, ExitClass, Failure, Progress,
    client::Overrides,
    grants,
    home::Home,
    reissue, session,
    set_up::{self, DeploymentSource, SetUp},
    wallet::LocalWallet,
};
use protocol::{codes::Role, deployment::Deployment};
use serde_json::{Value, json};

use crate::{
    chance::document,
    person::{Device, Person},
    world::{self, World, eventually},
};

fn read(path: &std::path::Path) -> Deployment {
    serde_json::from_slice(&std::fs::read(path).expect("it is there")).expect("it is a deployment file")
}

/// How many keys of the operator somebody's device keeps.
fn kept(person: &Person) -> usize {
    read(&person.device.home().join("deployment.json")).operator_keys.len()
}

async fn restart(world: &mut World) {
    world.stack.stop_api(0).await;
    world.stack.start_api(0).await.unwrap_or_else(|error| panic!("{error}"));
}

/// What every command that seals to the operator gets now.
async fn tried(person: &Person) -> Vec<(&'static str, Result<(), AnyFailure>)> {
    let client = Client::open(Home::open(person.device.home()).unwrap(), Overrides::default()).unwrap();
    let upload = person.try_upload(&client, person.address(), "elsewhere.txt", &document(700)).await;
    vec![
        ("upload", upload.map(drop).map_err(AnyFailure::from)),
        ("catch-up", grants::catch_up(&client, &person.keys).await.map(drop).map_err(AnyFailure::from)),
        (
            "reissue",
            reissue::reissue(&client, &person.keys, &Progress::silent()).await.map(drop).map_err(AnyFailure::from),
        ),
        ("login", session::login(&client, &person.wallet).await.map(drop).map_err(AnyFailure::from)),
    ]
}

#[test]
fn a_rotated_operator_key_is_taken_up_and_nobody_is_led_back_to_the_old_one() {
    world::run(async {
        let mut world = World::start().await;
        let (patient, doctor, late) = tokio::join!(world.person(), world.practitioner(Role::Doctor), world.person());
        let (first_text, second_text) = (document(900), document(1_000));
        let before = patient.upload("before.txt", &first_text).await;
        patient.share(&[before.record], &doctor, 600).await;
        let old = std::fs::read(&world.place.deployment).unwrap();
        assert_eq!(kept(&patient), 1);

        // A new secret, so that the old one says nothing about the new key.
        let secret = world.stack.secrets().join("operator.secret");
        let first = std::fs::read_to_string(&secret).unwrap();
        std::fs::write(&secret, format!("{}\n{}\n", first.trim(), "7b".repeat(32))).unwrap();
        world.stack.add_operator_key().await.unwrap_or_else(|error| panic!("{error}"));
        restart(&mut world).await;

        // The share that was sealed to the first key is there, and a new one is sealed to the second.
        assert!(doctor.open_soon(before.record).await == first_text);
        let after = patient.upload("after.txt", &second_text).await;
        assert_eq!(kept(&patient), 2, "the device has seen the second key");
        patient.share(&[after.record], &doctor, 600).await;
        assert!(doctor.open_soon(after.record).await == second_text);
        // Reissuing replaces shares of the first key by shares of the second.
        reissue::reissue(&patient.client, &patient.keys, &Progress::silent()).await.unwrap();
        assert!(doctor.open_soon(before.record).await == first_text);
        let told = patient.device.json(&["doctor"]).await.to_string();
        assert!(told.contains("encryption key is number 2"), "{told}");

        // An operator who goes back, or somebody who has taken its place: nothing is sealed, nobody signs in.
        let new = std::fs::read(&world.place.deployment).unwrap();
        let mut unsigned: Value = serde_json::from_slice(&new).unwrap();
        unsigned["operator_keys"][1]["signature"] = unsigned["operator_keys"][0]["signature"].clone();
        for (what, file) in [("the old file", old.clone()), ("an unsigned key", unsigned.to_string().into_bytes())] {
            std::fs::write(&world.place.deployment, &file).unwrap();
            // The server does not start with a key that the operator has not signed; a liar would. The file stands for it.
            let named = set_up::expect_deployment(&patient.client, Some(&world.place.deployment)).expect_err(what);
            assert_eq!(
                (named.code().as_str(), named.class()),
                ("operator_keys", ExitClass::VerificationFailed),
                "{what}"
            );
        }
        std::fs::write(&world.place.deployment, &old).unwrap();
        restart(&mut world).await;
        for (what, result) in tried(&patient).await {
            let refused = result.expect_err(what);
            assert_eq!(
                (refused.code().as_str(), refused.class()),
                ("operator_keys", ExitClass::VerificationFailed),
                "{what}"
            );
        }
        assert_eq!(kept(&patient), 2);
        // Whoever has not seen the second key has no way to know.
        late.login().await;

        std::fs::write(&world.place.deployment, &new).unwrap();
        restart(&mut world).await;
        late.login().await;
        assert_eq!(kept(&late), 2);
        for (what, result) in tried(&patient).await {
            result.unwrap_or_else(|error| panic!("{what}: {error}"));
        }
        eventually("the newest file is the one that counts", || async {
            let ran = patient.device.medlock(&["list"]).await;
            if ran.code == 0 { Ok(()) } else { Err(ran.stderr) }
        })
        .await;
    });
}

#[test]
fn a_device_is_not_set_up_with_a_file_whose_operator_keys_do_not_hold() {
    world::run(async {
        let world = world::shared().await;
        let file: Value = serde_json::from_slice(&std::fs::read(&world.place.deployment).unwrap()).unwrap();
        let mut changes = vec![("no key", json!([]))];
        let mut other = file["operator_keys"].clone();
        other[0]["signature"] = json!(format!("0x{}1b", "11".repeat(64)));
        changes.push(("a key that somebody else has signed", other));
        for (what, keys) in changes {
            let mut file = file.clone();
            file["operator_keys"] = keys;
            let device = Device::new(&world.place);
            let plan = SetUp {
                api: Some(world.place.api.clone()),
                rpc: world.place.rpc.clone(),
                deployment: DeploymentSource::File(device.file("deployment.json", file.to_string().as_bytes())),
                wallet: LocalWallet::generate(),
                passphrase: "correct horse battery staple".into(),
            };
            let refused = set_up::set_up(Home::open(device.home()).unwrap(), plan).await.map(drop).expect_err(what);
            assert_eq!(refused.code(), "invalid_deployment", "{what}: {refused}");
            assert!(!Home::open(device.home()).unwrap().is_set_up());
        }
    });
}
