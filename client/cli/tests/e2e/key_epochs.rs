//! Key epochs: a person in whose name somebody else's key was registered is not locked out, and can open everything
//! that is sealed to an epoch of their own.

use alloy::primitives::hex;
use client::{
    Failure, Progress, act, grants,
    register::{self, Registered},
    requests::{self, NewRequest},
    restore::{self, BlockSource},
    unlock,
    wallet::LocalWallet,
};
use protocol::{
    codes::{KEM_X_WING, Purpose, Right, Role, SLOT_IDENTITY},
    identity::IdentityKey,
    ids::RecordId,
    messages::{Action, RegisterKey},
};
use serde_json::{Value, json};

use crate::{
    chance::document,
    life_cycle::soon,
    person::{Device, Person},
    world::{self, World, eventually, now},
};

/// What a phished signature does: somebody else's key becomes the newest in a person's name.
async fn phish(person: &Person) {
    let chain = person.client.chain();
    let epoch = chain.find_key(person.address()).await.unwrap().map_or(0, |key| key.epoch);
    let action = Action::RegisterKey(RegisterKey {
        owner: person.address(),
        slot: SLOT_IDENTITY,
        epoch,
        kem: KEM_X_WING,
        key: IdentityKey::derive(&rand::random()).public_key().as_bytes().to_vec().into(),
        nonce: act::new_nonce(),
        deadline: act::new_deadline(&person.client).await.unwrap(),
    });
    act::carry_out(&person.client, &person.wallet, action, act::Way::Relayed)
        .await
        .expect("it is signed by the wallet");
}

async fn register_next(person: &Person) -> Registered {
    register::register_next(&person.client, &person.wallet, &person.keys, act::Way::Relayed).await.unwrap()
}

/// What `medlock key` says about one's own key, and its exit code.
async fn key_of(device: &Device) -> (i32, Value) {
    let ran = device.medlock(&["key", "--json"]).await;
    (ran.code, ran.json())
}

/// The outcome of a restore: for each version its problem, or null.
async fn restored(world: &World, person: &Person) -> Vec<(RecordId, Option<String>)> {
    let plan = restore::Restore {
        words: unlock::kit(&person.client, &person.keys).words,
        owner: person.address(),
        deployment: person.client.deployment().clone(),
        rpc: world.place.rpc.clone(),
        source: BlockSource::Kubo(world.place.kubo.clone()),
        out: person.device.path(&format!("restored-{}", rand::random::<u32>())),
    };
    let done = restore::restore(&plan, &Progress::silent()).await.expect("the words are right");
    done.versions.into_iter().map(|version| (version.record, version.problem)).collect()
}

/// Uploads for somebody as soon as the permission is in the mirror.
async fn upload_for(lab: &Person, patient: &Person, content: &[u8]) -> RecordId {
    eventually("the lab may upload", || async {
        let uploaded = lab.try_upload(&lab.client, patient.address(), "report.txt", content).await;
        uploaded.map(|uploaded| uploaded.record).map_err(|error| error.to_string())
    })
    .await
}

async fn ask(doctor: &Person, patient: &Person, reason: &str) -> protocol::ids::RequestId {
    let new = NewRequest {
        patient: patient.address(),
        right: Right::Write,
        scope: grants::Scope::All,
        purposes: vec![Purpose::Treatment],
        until: now() + 86_400,
        reason: reason.to_owned(),
        open_seconds: 3_600,
    };
    requests::ask(&doctor.client, &doctor.wallet, &new).await.expect("one can ask")
}

#[test]
fn a_phished_key_locks_nobody_out_and_is_told_item_by_item() {
    world::run(async {
        let world = world::shared().await;
        let (mut patient, lab, doctor) =
            tokio::join!(world.person(), world.practitioner(Role::Lab), world.practitioner(Role::Doctor));
        patient.let_upload(&lab).await;
        let (mine, labs, later) = (document(2_000), document(3_000), document(4_000));
        let before = patient.upload("before.txt", &mine).await.record;
        let by_lab = upload_for(&lab, &patient, &labs).await;
        phish(&patient).await;

        // The exit code and the text tell the person about it, and the text says what to do.
        let (code, key) = key_of(&patient.device).await;
        assert_eq!((code, &key["is_yours"]), (5, &json!(false)), "{key}");
        assert_eq!((&key["own_epochs"], &key["foreign_epochs"]), (&json!([1]), &json!([2])), "{key}");
        let said = patient.device.medlock(&["register"]).await;
        assert_eq!(said.code, 5, "{said:?}");
        assert!(said.last_lines().1.contains("medlock key register"), "{said:?}");
        let login = patient.device.medlock(&["login"]).await.succeeded();
        assert!(login.stderr.contains("NOT yours") && login.stderr.contains("medlock key register"), "{login:?}");

        // Older records can still be opened and shared. New uploads are sealed to the patient's own key.
        patient.keys = patient.unlock().await;
        assert_eq!(patient.open_soon(before).await, mine);
        assert_eq!(patient.open_soon(by_lab).await, labs);
        let own_later = patient.upload("later.txt", &later).await.record;
        assert_eq!(patient.open_soon(own_later).await, later);
        patient.share(&[before, own_later], &doctor, 3_600).await;
        assert_eq!(doctor.open_soon(before).await, mine);
        assert_eq!(doctor.open_soon(own_later).await, later, "the envelope names an epoch of the patient's own");

        // Data that others seal to the foreign key in the meantime is reported, and everything else still works.
        let lost = upload_for(&lab, &patient, &document(900)).await;
        eventually("the mirror shows the upload", || async {
            match patient.open(lost).await {
                Err(error) if error.code() == "foreign_key" => Ok(()),
                Err(error) => Err(format!("{}: {error}", error.code())),
                Ok(_) => panic!("it is sealed to another key"),
            }
        })
        .await;
        let caught_up = grants::catch_up(&patient.client, &patient.keys).await.unwrap();
        assert_eq!(caught_up.foreign_key, Some(2), "{caught_up:?}");
        assert!(caught_up.broken.is_empty(), "the lab followed the protocol: {caught_up:?}");
        let told: Vec<_> = caught_up.told.iter().map(|told| (told.record, told.code.as_str())).collect();
        assert_eq!(told, [(Some(lost), "foreign_key")]);
        let login = patient.device.medlock(&["login"]).await;
        assert_eq!(login.code, 1, "something was told: {login:?}");
        let request = ask(&doctor, &patient, "sealed to the wrong key").await;
        let listed = requests::list(&patient.client, Some(&patient.keys)).await.unwrap();
        let listed = listed.iter().find(|known| known.id == request).unwrap();
        assert_eq!((&listed.reason, listed.reason_problem), (&None, Some("foreign_key")));

        // The words restore everything but that.
        let outcome = restored(world, &patient).await;
        assert_eq!(outcome.len(), 4);
        for (record, problem) in outcome {
            assert_eq!(problem.as_deref(), (record == lost).then_some("foreign_key"), "{record}");
        }

        // One command ends it.
        let registered = patient.device.json(&["key", "register"]).await;
        assert_eq!(registered["epoch"], 3, "{registered}");
        let (code, key) = key_of(&patient.device).await;
        assert_eq!((code, &key["is_yours"]), (0, &json!(true)), "{key}");
        assert_eq!((&key["own_epochs"], &key["foreign_epochs"]), (&json!([3, 1]), &json!([2])), "{key}");
        let again = patient.device.json(&["key", "register"]).await;
        assert_eq!((&again["epoch"], &again["settled"]), (&json!(3), &Value::Null), "{again}");
        let content = document(5_000);
        let after = upload_for(&lab, &patient, &content).await;
        patient.keys = patient.unlock().await;
        assert_eq!(patient.open_soon(after).await, content);
    });
}

#[test]
fn revoking_and_registering_again_need_the_wallet_alone() {
    world::run(async {
        let world = world::shared().await;
        let (mut patient, doctor, lab) =
            tokio::join!(world.person(), world.practitioner(Role::Doctor), world.practitioner(Role::Lab));
        patient.let_upload(&lab).await;
        let mut records = Vec::new();
        for _ in 0..4 {
            records.push(patient.upload("shared.txt", &document(700)).await.record);
        }
        let granted = patient.share(&records, &doctor, 3_600).await;
        for record in &records {
            doctor.open_soon(*record).await;
        }
        phish(&patient).await;

        // The keyring does not open any more: here, or at the server.
        let keyring = patient.device.home().join("keyring.json");
        let good = std::fs::read(&keyring).unwrap();
        std::fs::write(&keyring, b"{}").unwrap();
        let device = &patient.device;
        assert_eq!(device.medlock(&["get", &records[0].to_string(), "-o", "x"]).await.code, 2);

        let revoked = device.json(&["revoke", &granted.grants[0].to_string()]).await;
        assert_eq!(revoked["ended"], 1, "{revoked}");
        let revoked = device.json(&["revoke", "--record", &records[1].to_string()]).await;
        assert_eq!(revoked["ended"], 1, "{revoked}");
        // The server says whose tags these are. A salt that opens the tags proves it.
        let revoked = device.json(&["revoke", "--to", &doctor.hex(), "--record", &records[2].to_string()]).await;
        assert_eq!(revoked["ended"], 1, "{revoked}");
        for record in &records[..3] {
            assert_eq!(doctor.open(*record).await.expect_err("it has ended").class().code(), 4);
        }
        doctor.open(records[3]).await.expect("this one stands");

        let registered = device.json(&["key", "register"]).await;
        assert_eq!(registered["epoch"], 3, "{registered}");
        let first = patient.keys.identity().public_key().to_string();
        assert_eq!(registered["key"], first, "the own key again");
        assert_eq!(device.medlock(&["key", "register", "--next"]).await.code, 2, "a new key needs the seed");

        // Not even a server is needed.
        let balance = json!([patient.hex(), "0x56bc75e2d63100000"]);
        world.stack.localnet().rpc("anvil_setBalance", balance).await.unwrap();
        let all = ["revoke", "--all", "--yes", "--direct", "--api", "http://127.0.0.1:1", "--json"];
        let revoked = device.medlock(&all).await.succeeded().json();
        assert_eq!(revoked["ended"], 2, "the last record, and what the lab may: {revoked}");
        assert_eq!(doctor.open(records[3]).await.expect_err("it has ended").class().code(), 4);

        // With the keyring back, the key that was registered again opens what was sealed to its new epoch.
        std::fs::write(&keyring, good).unwrap();
        patient.keys = patient.unlock().await;
        assert_eq!(patient.keys.epochs().own().collect::<Vec<_>>(), [3, 1]);
        patient.let_upload(&lab).await;
        let content = document(1_000);
        let record = upload_for(&lab, &patient, &content).await;
        assert_eq!(patient.open_soon(record).await, content);
        assert!(restored(world, &patient).await.iter().all(|(_, problem)| problem.is_none()));
    });
}

#[test]
fn everything_of_a_second_and_a_third_epoch_opens() {
    world::run(async {
        let world = world::shared().await;
        let (mut patient, mut doctor, lab) =
            tokio::join!(world.person(), world.practitioner(Role::Doctor), world.practitioner(Role::Lab));
        patient.let_upload(&lab).await;
        let mut contents = Vec::new();
        for epoch in 1..=3 {
            if epoch > 1 {
                assert_eq!(register_next(&patient).await.epoch, epoch);
                assert_eq!(register_next(&doctor).await.epoch, epoch);
                (patient.keys, doctor.keys) = (patient.unlock().await, doctor.unlock().await);
            }
            let (own, labs) = (document(1_000), document(2_000));
            let mine = patient.upload("own.txt", &own).await.record;
            let others = upload_for(&lab, &patient, &labs).await;
            eventually("both can be shared", || async {
                patient.try_share(&patient.client, &[mine, others], &doctor, 3_600).await.map_err(|e| e.to_string())
            })
            .await;
            contents.extend([(mine, own), (others, labs)]);
        }
        assert_eq!((patient.keys.epoch(), doctor.keys.epoch()), (3, 3));
        for (record, content) in &contents {
            assert_eq!(patient.open_soon(*record).await, *content);
            assert_eq!(doctor.open_soon(*record).await, *content, "shared with an older key of the doctor");
        }
        // Bundles that were sealed to older epochs of the doctor are made again byte for byte.
        let reissued = client::reissue::reissue(&patient.client, &patient.keys, &Progress::silent()).await.unwrap();
        assert_eq!((reissued.bundles, reissued.changed_bundles), (6, 0), "{reissued:?}");
        assert!(reissued.told.is_empty(), "{reissued:?}");
        let caught_up = grants::catch_up(&patient.client, &patient.keys).await.unwrap();
        assert!(caught_up.told.is_empty() && caught_up.foreign_key.is_none(), "{caught_up:?}");
        let outcome = restored(world, &patient).await;
        assert_eq!(outcome.len(), 6);
        assert!(outcome.iter().all(|(_, problem)| problem.is_none()), "{outcome:?}");
    });
}

#[test]
fn foreign_keys_before_the_first_own_one_lock_nobody_out() {
    world::run(async {
        let world = world::shared().await;
        let doctor = world.practitioner(Role::Doctor).await;
        let mut patient = Person::official(&world.place, LocalWallet::generate()).await;
        for _ in 0..12 {
            phish(&patient).await;
        }
        // Unlocking works, nothing is sealed to the foreign keys, and the person is told.
        patient.keys = patient.unlock().await;
        assert_eq!((patient.keys.epoch(), patient.keys.epochs().newest()), (0, 12));
        let refused = patient.try_upload(&patient.client, patient.address(), "x.txt", b"x").await.err().unwrap();
        assert_eq!(refused.code(), "foreign_key", "{refused}");
        assert_eq!(patient.device.medlock(&["register"]).await.code, 5);

        let registered = patient.device.json(&["key", "register"]).await;
        assert_eq!(registered["epoch"], 13, "{registered}");
        patient.keys = patient.unlock().await;
        let content = document(1_500);
        let record = patient.upload("mine.txt", &content).await.record;
        patient.share(&[record], &doctor, 3_600).await;
        assert_eq!(doctor.open_soon(record).await, content);
        assert_eq!(restored(world, &patient).await, [(record, None)]);

        // Another one after it, and a new device from the words.
        phish(&patient).await;
        let kit = patient.device.path("kit.txt");
        patient.device.medlock(&["kit", "--file", kit.to_str().unwrap()]).await.succeeded();
        let fresh = Device::new(&world.place);
        let words = ["init", "--words-file", kit.to_str().unwrap(), "--kit-file", "again.txt"];
        let refused = fresh.medlock(&words).await;
        assert_eq!(refused.code, 0, "a new account has no keys on chain: {refused:?}");
        let device = Device::new(&world.place);
        let secret = rand::random::<[u8; 32]>();
        let wallet = LocalWallet::from_private_key(&hex::encode(secret).into()).unwrap();
        let other = Person::official(&world.place, wallet).await;
        phish(&other).await;
        let file = device.file("account", hex::encode(secret).as_bytes());
        let import = ["init", "--import-key-file", file.to_str().unwrap(), "--kit-file", "kit.txt"];
        // Somebody else's words are refused, and so are new keys, until the person says whose keys those are not.
        let refused =
            device.medlock(&[&import[..4], &["again.txt", "--words-file", kit.to_str().unwrap()]].concat()).await;
        assert_eq!(refused.code, 5, "{refused:?}");
        assert!(refused.last_lines().1.contains("--despite-other-keys"), "{refused:?}");
        let refused = device.medlock(&import).await;
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.last_lines().1.contains("--despite-other-keys"), "{refused:?}");
        device.medlock(&[&import[..], &["--despite-other-keys"]].concat()).await.succeeded();
        device.medlock(&["login"]).await;
        let registered = device.json(&["key", "register"]).await;
        assert_eq!(registered["epoch"], 2, "{registered}");
    });
}

#[test]
fn a_grantee_whose_key_was_phished_is_told_and_can_be_shared_with_again() {
    world::run(async {
        let world = world::shared().await;
        let (patient, mut doctor) = tokio::join!(world.person(), world.practitioner(Role::Doctor));
        let (first, second) = (document(800), document(900));
        let before = patient.upload("before.txt", &first).await.record;
        patient.share(&[before], &doctor, 3_600).await;
        phish(&doctor).await;
        let record = patient.upload("after.txt", &second).await.record;
        patient.share(&[record], &doctor, 3_600).await;
        doctor.keys = doctor.unlock().await;
        assert_eq!(doctor.open_soon(before).await, first);
        let refused = eventually("the mirror shows the grant", || async {
            match doctor.open(record).await {
                Err(error) if error.code() == "foreign_key" => Ok(error),
                Err(error) => Err(format!("{}: {error}", error.code())),
                Ok(_) => panic!("the capsule is for another key"),
            }
        })
        .await;
        assert!(refused.now().contains("share again"), "{}", refused.now());
        soon(&doctor.device, &["key", "register"]).await;
        doctor.keys = doctor.unlock().await;
        patient.share(&[record], &doctor, 3_600).await;
        assert_eq!(doctor.open_soon(record).await, second);
    });
}
