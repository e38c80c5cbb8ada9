//! What is said about a whole record, by the `medlock` command: an uploader whose authority has ended says nothing any more, one
//! in good standing retracts, and the patient withdraws and takes that back while there is time.

use client::{Failure, act, upload::Uploaded, wallet::Wallet};
use localnet::StackConfig;
use protocol::{
    codes::{Right, Role},
    deployment::ContractName,
    ids::{RecordId, Salt},
    messages::{Action, Retract, Tombstone},
};
use serde_json::{Value, json};

use crate::{
    chance::document,
    commands::failure,
    hostile_people::submit_as_anybody,
    life_cycle::soon,
    person::{Device, Person},
    world::{self, World, eventually},
};

/// A day, the lift period of every deployment that says nothing else.
const DAY: u64 = 86_400;

/// A laboratory whom the patient lets upload, and a record of its making.
async fn uploaded(lab: &Person, patient: &Person, content: &[u8]) -> RecordId {
    patient.let_upload(lab).await;
    eventually("the lab may upload", || async {
        let done = lab.try_upload(&lab.client, patient.address(), "report.txt", content).await;
        done.map(|uploaded| uploaded.record).map_err(|error| error.to_string())
    })
    .await
}

/// Shares a record as soon as the mirror has it; the doctor opens it as soon as the grant is there.
async fn shared(patient: &Person, record: RecordId, doctor: &Person) {
    eventually("it can be shared", || async {
        patient.try_share(&patient.client, &[record], doctor, 30 * DAY).await.map_err(|error| error.to_string())
    })
    .await;
    doctor.open_soon(record).await;
}

/// Opens a record by the command: exit code, and what it says or answers.
async fn get(device: &Device, record: &str) -> (i32, Value) {
    let ran = device.medlock(&["get", record, "-o", "opened", "--force", "--json"]).await;
    let said = if ran.code == 0 { ran.json() } else { failure(&ran) };
    (ran.code, said)
}

/// What `show` says about a record: its status, and for each version whether it is retracted.
async fn standing(device: &Device, record: &str) -> (String, Vec<bool>) {
    let shown = soon(device, &["show", record, "--json"]).await.json();
    let versions = shown["record"]["versions"].as_array().unwrap();
    let status = shown["record"]["status"].as_str().unwrap().to_owned();
    (status, versions.iter().map(|version| version["retracted"].as_bool().unwrap()).collect())
}

/// What a laboratory with a client of its own may sign all the same: a Retract and a Tombstone.
async fn signs_anyway(lab: &Person, patient: &Person, record: RecordId) -> [Action; 2] {
    let deployment = lab.client.deployment();
    let registry = deployment.address_of(ContractName::GrantRegistry);
    let write_salt = patient.keys.seed().tag_salt(deployment.chain_id, registry, lab.address(), Right::Write).0;
    let salt = std::fs::read_to_string(lab.device.home().join(format!("salts/{record}.json"))).unwrap();
    let salt: Salt = serde_json::from_str(&salt).unwrap();
    let deadline = act::new_deadline(&lab.client).await.unwrap();
    [
        Action::Retract(Retract {
            uploader: lab.address(),
            record: record.0,
            version: 1,
            salt: salt.0,
            writeSalt: write_salt,
            nonce: act::new_nonce(),
            deadline,
        }),
        Action::Tombstone(Tombstone {
            patient: lab.address(),
            record: record.0,
            epoch: 0,
            nonce: act::new_nonce(),
            deadline,
        }),
    ]
}

/// The laboratory is refused whatever it says about its record, and nothing changes.
async fn can_say_nothing(world: &World, lab: &Person, patient: &Person, record: RecordId, code: &str) {
    let id = record.to_string();
    let before = standing(&patient.device, &id).await;
    for (command, wanted) in
        [(&["withdraw", &id, "--yes", "--json"][..], "not_allowed"), (&["retract", &id, "--json"], code)]
    {
        let ran = lab.device.medlock(command).await;
        assert_eq!((ran.code, &failure(&ran)["code"]), (4, &json!(wanted)), "{ran:?}");
    }
    // Without the command: the server refuses the message, and so does the registry, no matter who submits it.
    for (action, wanted) in signs_anyway(lab, patient, record).await.into_iter().zip([code, "forbidden"]) {
        let signed = lab.wallet.sign_action(action, lab.client.deployment()).await.unwrap();
        let refused = lab.client.api().unwrap().submit(&signed).await.expect_err("its authority has ended");
        assert_eq!(refused.code(), wanted, "{refused}");
        assert_eq!(submit_as_anybody(world, lab, &signed).await, Ok(false));
    }
    assert_eq!(standing(&patient.device, &id).await, before);
    assert_eq!(before, ("active".to_owned(), vec![false]));
}

#[test]
fn an_uploader_whose_authority_has_ended_can_say_nothing_about_a_record() {
    world::run(async {
        let world = world::shared().await;
        let (patient, revoked, suspended, doctor) = tokio::join!(
            world.person(),
            world.practitioner(Role::Lab),
            world.practitioner(Role::Lab),
            world.practitioner(Role::Doctor)
        );
        let (one, two) = (document(900), document(800));
        let of_revoked = uploaded(&revoked, &patient, &one).await;
        let of_suspended = uploaded(&suspended, &patient, &two).await;
        shared(&patient, of_revoked, &doctor).await;
        shared(&patient, of_suspended, &doctor).await;

        patient.device.medlock(&["revoke", "--to", &revoked.hex()]).await.succeeded();
        world.accreditor.device.medlock(&["suspend", &suspended.hex()]).await.succeeded();
        can_say_nothing(world, &revoked, &patient, of_revoked, "no_grant").await;
        can_say_nothing(world, &suspended, &patient, of_suspended, "not_accredited").await;
        assert_eq!(doctor.open(of_revoked).await.unwrap(), one);
        assert_eq!(doctor.open(of_suspended).await.unwrap(), two);
    });
}

#[test]
fn a_retracted_version_is_marked_for_everybody_and_can_still_be_opened() {
    world::run(async {
        let world = world::shared().await;
        let (patient, lab, doctor) =
            tokio::join!(world.person(), world.practitioner(Role::Lab), world.practitioner(Role::Doctor));
        let (wrong, right) = (document(700), document(750));
        let record = uploaded(&lab, &patient, &wrong).await;
        shared(&patient, record, &doctor).await;
        let id = record.to_string();
        doctor.device.medlock(&["accept", &patient.hex()]).await.succeeded();
        assert_eq!(get(&doctor.device, &id).await.1["retracted"], false);
        lab.device.medlock(&["retract", &id]).await.succeeded();

        for person in [&patient, &lab, &doctor] {
            assert_eq!(standing(&person.device, &id).await, ("active".to_owned(), vec![true]));
            let listed = person.device.medlock(&["list"]).await.succeeded().text();
            assert!(listed.contains("retracted by its uploader"), "{listed}");
        }
        for person in [&patient, &doctor] {
            let (code, opened) = get(&person.device, &id).await;
            assert_eq!((code, &opened["retracted"]), (0, &json!(true)), "{opened}");
            assert_eq!(std::fs::read(person.device.path("opened")).unwrap(), wrong);
            let words = person.device.medlock(&["get", &id, "-o", "again", "--force"]).await.succeeded().text();
            assert!(words.contains("Warning") && words.contains("do not rely on it"), "{words}");
        }
        let again = lab.device.medlock(&["retract", &id]).await;
        assert_eq!(again.code, 2, "{again:?}");

        // A corrected version carries no warning; the mark on the first one stays.
        let file = lab.device.file("report.txt", &right);
        lab.device.medlock(&["upload", file.to_str().unwrap(), "--record", &id]).await.succeeded();
        eventually("the mirror has version 2", || async {
            let now = standing(&patient.device, &id).await.1;
            if now == [true, false] { Ok(()) } else { Err(format!("{now:?}")) }
        })
        .await;
        assert_eq!(get(&patient.device, &id).await.1["retracted"], false);
        assert_eq!(std::fs::read(patient.device.path("opened")).unwrap(), right);

        // The mark comes back with the records.
        let kit = patient.device.path("kit.txt");
        patient.device.medlock(&["kit", "--file", kit.to_str().unwrap()]).await.succeeded();
        let restore = ["restore", "--words-file", kit.to_str().unwrap(), "--kubo", &world.place.kubo];
        let restored = patient.device.json(&restore).await;
        let marks: Vec<_> = restored["versions"].as_array().unwrap().iter().map(|one| &one["retracted"]).collect();
        assert_eq!(marks, [&json!(true), &json!(false)], "{restored}");
    });
}

#[test]
fn a_server_cannot_hide_a_retraction_or_make_one_up() {
    world::run(async {
        let world = world::shared().await;
        let (patient, lab) = tokio::join!(world.person(), world.practitioner(Role::Lab));
        let record = uploaded(&lab, &patient, &document(600)).await;
        let own = patient.upload("own.txt", &document(500)).await.record;
        lab.device.medlock(&["retract", &record.to_string()]).await.succeeded();
        standing(&patient.device, &own.to_string()).await;

        let api = crate::proxy::Proxy::to(&world.place.api).await;
        api.tamper_answers(|_, uri, body| {
            if !uri.path().starts_with("/v1/records") {
                return body;
            }
            let mut answer: Value = serde_json::from_slice(&body).unwrap();
            let lie = |record: &mut Value| {
                for version in record["versions"].as_array_mut().into_iter().flatten() {
                    version["retracted"] = json!(!version["retracted"].as_bool().unwrap());
                }
            };
            match answer["items"].as_array_mut() {
                Some(items) => items.iter_mut().for_each(lie),
                None => lie(&mut answer),
            }
            serde_json::to_vec(&answer).unwrap()
        });
        for (record, is_retracted) in [(record, true), (own, false)] {
            let shown = ["show", &record.to_string(), "--api", &api.url(), "--json"];
            let shown = patient.device.medlock(&shown).await.succeeded().json();
            assert_eq!(shown["record"]["versions"][0]["retracted"], is_retracted, "{shown}");
        }
        let listed = patient.device.medlock(&["list", "--api", &api.url(), "--json"]).await.succeeded().json();
        let marks: Vec<_> =
            listed["records"].as_array().unwrap().iter().map(|one| &one["versions"][0]["retracted"]).collect();
        assert_eq!(marks.iter().filter(|mark| ***mark == json!(true)).count(), 1, "{listed}");
    });
}

#[test]
fn a_withdrawn_record_closes_at_once_and_opens_again_when_its_patient_lifts_it() {
    world::run(async {
        let world = world::shared().await;
        let (patient, doctor) = tokio::join!(world.person(), world.practitioner(Role::Doctor));
        let content = document(1_200);
        let record = patient.upload("mine.txt", &content).await.record;
        shared(&patient, record, &doctor).await;
        let id = record.to_string();
        let early = patient.device.medlock(&["lift", &id]).await;
        assert_eq!(early.code, 2, "nothing to take back: {early:?}");

        let said = patient.device.medlock(&["withdraw", &id, "--yes"]).await.succeeded().text();
        assert!(said.contains("medlock lift"), "until when, and how: {said}");
        for person in [&doctor, &patient] {
            let (code, refused) = get(&person.device, &id).await;
            assert_eq!((code, &refused["code"]), (3, &json!("record_tombstoned")), "{refused}");
        }
        assert_eq!(standing(&patient.device, &id).await.0, "tombstoned");
        let shown = patient.device.medlock(&["show", &id]).await.succeeded().text();
        assert!(shown.contains("you can undo the withdrawal: medlock lift"), "{shown}");
        let shown = doctor.device.medlock(&["show", &id]).await;
        assert!(!shown.text().contains("medlock lift"), "that is the patient's: {shown:?}");
        let forbidden = doctor.device.medlock(&["lift", &id, "--json"]).await;
        assert_eq!((forbidden.code, &failure(&forbidden)["code"]), (4, &json!("not_allowed")), "{forbidden:?}");

        patient.device.medlock(&["lift", &id]).await.succeeded();
        let (code, opened) = get(&doctor.device, &id).await;
        assert_eq!(code, 0, "the grant counts again: {opened}");
        assert_eq!(std::fs::read(doctor.device.path("opened")).unwrap(), content);
        assert_eq!(standing(&patient.device, &id).await.0, "active");
    });
}

#[test]
fn what_was_withdrawn_is_destroyed_once_it_can_no_longer_be_lifted() {
    world::run(async {
        // A chain of one's own, whose time the test moves.
        let config = StackConfig::for_tests().unwrap().with_api_setting("MEDLOCK_SWEEP_SECONDS", "1");
        let world = World::start_with(config).await;
        let (patient, doctor) = tokio::join!(world.person(), world.practitioner(Role::Doctor));
        let content = document(1_300);
        let gone = patient.upload("gone.txt", &document(1_100)).await;
        let waits = patient.upload("waits.txt", &content).await;
        for record in [gone.record, waits.record] {
            shared(&patient, record, &doctor).await;
        }
        let (id, other) = (gone.record.to_string(), waits.record.to_string());
        patient.device.medlock(&["withdraw", &id, "--yes"]).await.succeeded();
        mine(&world, DAY / 2).await;
        patient.device.medlock(&["withdraw", &other, "--yes"]).await.succeeded();
        assert_eq!(
            (held(&world, &patient, &gone).await, held(&world, &patient, &waits).await),
            ((true, true), (true, true))
        );

        mine(&world, DAY / 2).await;
        let late = patient.device.medlock(&["lift", &id, "--json"]).await;
        assert_eq!((late.code, &failure(&late)["code"]), (3, &json!("lift_period_over")), "{late:?}");
        // The block that lies deep enough must be late enough, too.
        mine(&world, 60).await;
        mine(&world, 60).await;
        eventually("share and blob are destroyed", || async {
            let (share, blob) = held(&world, &patient, &gone).await;
            if share || blob { Err(format!("share {share}, blob {blob}")) } else { Ok(()) }
        })
        .await;
        assert_eq!(get(&patient.device, &id).await.1["code"], "record_tombstoned");

        // The record whose lift period has not ended is still complete.
        assert_eq!(held(&world, &patient, &waits).await, (true, true));
        patient.device.medlock(&["lift", &other]).await.succeeded();
        assert_eq!(doctor.open(waits.record).await.unwrap(), content);
    });
}

/// Whether the server has the release share of version 1, and the block store its envelope.
async fn held(world: &World, patient: &Person, uploaded: &Uploaded) -> (bool, bool) {
    let shown = patient.device.json(&["show", &uploaded.record.to_string()]).await;
    let url = format!("{}/api/v0/pin/ls?arg={}&type=recursive", world.place.kubo, uploaded.cid);
    let pinned = reqwest::Client::new().post(url).send().await.expect("Kubo answers").status().is_success();
    (shown["record"]["versions"][0]["has_release_share"] == true, pinned)
}

/// A block so many seconds after the last one.
async fn mine(world: &World, seconds: u64) {
    let localnet = world.stack.localnet();
    localnet.rpc("evm_increaseTime", json!([seconds])).await.unwrap();
    localnet.rpc("evm_mine", json!([])).await.unwrap();
}
