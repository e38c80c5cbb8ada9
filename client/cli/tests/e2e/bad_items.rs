//! One bad item never stops the rest: it is told, and everything else is done.

use alloy::primitives::B256;
use client::{
    Failure, Progress, act, audit,
    download::{self, Filter},
    grants::{self, NewGrants},
    reissue, upload,
    wallet::{LocalWallet, Wallet},
};
use protocol::{
    cid::{Cid, Codec},
    codes::{Category, MAX_SCOPES, Purpose, Right, Role},
    ids::{RecordId, Salt},
    messages::{Action, RegisterRecord, RegisterVersion, SignedAction},
};
use serde_json::json;

use crate::{
    chance::document,
    hostile_people::submit_as_anybody,
    person::Person,
    proxy::Proxy,
    world::{self, World, eventually},
};

/// Opens the lab's WRITE tag of a patient.
fn write_salt(patient: &Person, lab: &Person) -> B256 {
    let deployment = patient.client.deployment();
    let registry = deployment.address_of(protocol::deployment::ContractName::GrantRegistry);
    patient.keys.seed().tag_salt(deployment.chain_id, registry, lab.address(), Right::Write).0
}

async fn submit(world: &World, lab: &Person, action: Action) {
    let signed: SignedAction = lab.wallet.sign_action(action, lab.client.deployment()).await.unwrap();
    assert_eq!(submit_as_anybody(world, lab, &signed).await, Ok(true));
}

/// Registers a record of which no envelope was ever uploaded.
async fn register_nothing(world: &World, lab: &Person, patient: &Person) -> RecordId {
    let salt = Salt(B256::new(rand::random()));
    let action = Action::RegisterRecord(RegisterRecord {
        uploader: lab.address(),
        patient: patient.address(),
        salt: salt.0,
        category: 1,
        codec: Codec::Raw.code(),
        digest: B256::new(rand::random()),
        writeSalt: write_salt(patient, lab),
        nonce: act::new_nonce(),
        deadline: act::new_deadline(&lab.client).await.unwrap(),
    });
    submit(world, lab, action).await;
    RecordId::derive(lab.address(), salt)
}

/// Registers version 2 of a lab's record: the envelope of version 1 once more, whose header names another version.
async fn register_malformed_version(world: &World, lab: &Person, patient: &Person, record: RecordId, cid: &Cid) {
    let salt = std::fs::read_to_string(lab.device.home().join(format!("salts/{record}.json"))).unwrap();
    let salt: Salt = serde_json::from_str(&salt).unwrap();
    let action = Action::RegisterVersion(RegisterVersion {
        uploader: lab.address(),
        record: record.0,
        version: 1,
        codec: cid.codec().code(),
        digest: cid.digest(),
        salt: salt.0,
        writeSalt: write_salt(patient, lab),
        nonce: act::new_nonce(),
        deadline: act::new_deadline(&lab.client).await.unwrap(),
    });
    submit(world, lab, action).await;
}

async fn upload_for(lab: &Person, patient: &Person, content: &[u8]) -> upload::Uploaded {
    eventually("the lab may upload", || async {
        lab.try_upload(&lab.client, patient.address(), "report.txt", content).await.map_err(|error| error.to_string())
    })
    .await
}

#[test]
fn an_envelope_that_never_was_and_a_malformed_version_stop_nothing() {
    world::run(async {
        let world = world::shared().await;
        let (patient, lab, doctor) =
            tokio::join!(world.person(), world.practitioner(Role::Lab), world.practitioner(Role::Doctor));
        patient.let_upload(&lab).await;
        let (one, two, mine) = (document(1_000), document(2_000), document(3_000));
        let good = upload_for(&lab, &patient, &one).await;
        let own = patient.upload("own.txt", &mine).await.record;
        // Shared before the bad ones come, so that catch-up has something to extend.
        eventually("both can be shared", || async {
            patient.try_share(&patient.client, &[good.record, own], &doctor, 3_600).await.map_err(|e| e.to_string())
        })
        .await;
        let missing = register_nothing(world, &lab, &patient).await;
        register_malformed_version(world, &lab, &patient, good.record, &good.cid.parse().unwrap()).await;
        let last = upload_for(&lab, &patient, &two).await.record;
        patient.upload_version(own, "own.txt", &document(3_500)).await;

        // Catch-up tells both and does the rest: it checks what came after them, and extends the other bundle.
        let caught_up = eventually("the mirror has everything", || async {
            let done = grants::catch_up(&patient.client, &patient.keys).await.map_err(|error| error.to_string())?;
            if done.bundles_extended == 1 && done.told.len() == 2 { Ok(done) } else { Err(format!("{done:?}")) }
        })
        .await;
        let mut told: Vec<_> =
            caught_up.told.iter().map(|told| (told.record.unwrap(), told.version, told.code.as_str())).collect();
        told.sort_unstable_by_key(|(_, version, _)| *version);
        assert_eq!(told, [(missing, Some(1), "envelope_missing"), (good.record, Some(2), "invalid_envelope")]);
        assert_eq!(caught_up.broken, [(good.record, 2)]);
        let login = patient.device.medlock(&["login"]).await;
        assert_eq!(login.code, 1, "{login:?}");
        assert!(login.text().contains("Signed in as") && login.stderr.contains("could not be done"), "{login:?}");

        // Version 1 is still shared and readable; a new grant names what it leaves out.
        let first = eventually("version 1 opens", || async {
            doctor.open_through(&doctor.client, good.record, Some(1)).await.map_err(|error| error.to_string())
        })
        .await;
        assert_eq!(first, one);
        assert_eq!(patient.open_through(&patient.client, good.record, Some(1)).await.unwrap(), one);
        let granted = patient.share(&[missing, good.record, last], &doctor, 3_600).await;
        assert_eq!(granted.grants.len(), 2, "{granted:?}");
        let mut told: Vec<_> = granted.told.iter().map(|told| (told.record.unwrap(), told.version)).collect();
        told.sort_unstable_by_key(|(_, version)| *version);
        assert_eq!(told, [(missing, None), (good.record, Some(2))]);
        assert_eq!(doctor.open_soon(last).await, two);
        let said =
            patient.device.medlock(&["grant", &last.to_string(), &missing.to_string(), "--to", &doctor.hex()]).await;
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.text().contains("1 record ") && said.stderr.contains("does not have"), "{said:?}");
        let alone = patient.try_share(&patient.client, &[missing], &doctor, 60).await.expect_err("nothing to share");
        assert_eq!(alone.code(), "envelope_missing", "{alone}");

        // Reissue gives everything else again.
        let reissued = reissue::reissue(&patient.client, &patient.keys, &Progress::silent()).await.unwrap();
        assert_eq!((reissued.broken_records, reissued.release_shares), (1, 4), "{reissued:?}");
        assert_eq!((reissued.bundles, reissued.write_grants), (3, 1), "{reissued:?}");
        assert_eq!(patient.device.medlock(&["reissue"]).await.code, 1);

        // And so does a restore.
        let kit = patient.device.path("kit.txt");
        patient.device.medlock(&["kit", "--file", kit.to_str().unwrap()]).await.succeeded();
        let restore = ["restore", "--words-file", kit.to_str().unwrap(), "--kubo", &world.place.kubo, "--json"];
        let ran = patient.device.medlock(&restore).await;
        assert_eq!(ran.code, 3, "{ran:?}");
        let versions = ran.json()["versions"].as_array().unwrap().clone();
        assert_eq!(versions.iter().filter(|version| version["problem"].is_null()).count(), 4, "{versions:?}");
    });
}

#[test]
fn a_bundle_with_one_bad_entry_does_not_keep_the_others_from_being_extended() {
    world::run(async {
        let world = world::shared().await;
        let (patient, doctor) = tokio::join!(world.person(), world.practitioner(Role::Doctor));
        let mut records = Vec::new();
        for _ in 0..2 {
            records.push(patient.upload("shared.txt", &document(700)).await.record);
        }
        let granted = patient.share(&records, &doctor, 3_600).await;
        for record in &records {
            doctor.open_soon(*record).await;
            patient.upload_version(*record, "shared.txt", &document(800)).await;
        }
        let api = Proxy::to(&world.place.api).await;
        let bad = granted.grants[0].to_string();
        api.tamper_answers(move |_, uri, body| {
            let Ok(mut answer) = serde_json::from_slice::<serde_json::Value>(&body) else { return body };
            if uri.path() == format!("/v1/grants/{bad}/bundle") {
                answer["capsules"][0]["capsule"] = json!("0x00");
            } else if uri.path() == "/v1/grants" {
                for grant in answer["items"].as_array_mut().into_iter().flatten() {
                    if grant["id"] == bad.as_str() && grant["bundle"].is_object() {
                        grant["bundle"]["capsules"][0]["capsule"] = json!("0x00");
                    }
                }
            }
            serde_json::to_vec(&answer).unwrap()
        });
        let lied_to = patient.through(&api.url());
        let done = eventually("the mirror shows the versions", || async {
            let done = grants::catch_up(&lied_to, &patient.keys).await.map_err(|error| error.to_string())?;
            if done.bundles_extended == 1 { Ok(done) } else { Err(format!("{done:?}")) }
        })
        .await;
        let told: Vec<_> = done.told.iter().map(|told| (told.grant, told.code.as_str())).collect();
        assert_eq!(told, [(Some(granted.grants[0]), "wrong_bundle")]);
    });
}

#[test]
fn lists_go_on_past_what_a_lying_server_garbles() {
    world::run(async {
        let world = world::shared().await;
        let patient = world.person().await;
        let mut records = Vec::new();
        for _ in 0..3 {
            records.push(patient.upload("listed.txt", &document(300)).await.record);
        }
        eventually("the mirror shows them", || async {
            let listed = patient.client.api().unwrap().records(&Default::default()).await.map_err(|e| e.to_string())?;
            if listed.len() == 3 { Ok(()) } else { Err(listed.len().to_string()) }
        })
        .await;
        let api = Proxy::to(&world.place.api).await;
        let (contradicted, garbled) = (records[0].to_string(), records[1].to_string());
        api.tamper_answers(move |_, uri, body| {
            if uri.path() != "/v1/records" {
                return body;
            }
            let mut answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
            for record in answer["items"].as_array_mut().unwrap() {
                if record["id"] == contradicted.as_str() {
                    record["category"] = json!("imaging");
                } else if record["id"] == garbled.as_str() {
                    record["status"] = json!("mislaid");
                }
            }
            serde_json::to_vec(&answer).unwrap()
        });
        let lied_to = patient.through(&api.url());
        let (listed, told) = download::list(&lied_to, Filter::default()).await.unwrap();
        assert_eq!(listed.iter().map(|record| record.id).collect::<Vec<_>>(), [records[2]]);
        assert_eq!(
            told.iter().map(|told| (told.record, told.code.as_str())).collect::<Vec<_>>(),
            [(Some(records[0]), "wrong_answer")]
        );
        assert_eq!(lied_to.api().unwrap().unreadable(), 1);
        let said = patient.device.medlock(&["list", "--api", &api.url(), "--json"]).await;
        assert_eq!(said.code, 5, "{said:?}");
        assert_eq!(said.json()["records"].as_array().unwrap().len(), 1);
        audit::verify(&lied_to, &Progress::silent()).await.expect("the log is another list");
    });
}

#[test]
fn one_bad_file_or_note_does_not_stop_the_other_uploads() {
    world::run(async {
        let world = world::shared().await;
        let patient = world.person().await;
        let notes = patient.device.home().join("uploads");
        std::fs::create_dir_all(&notes).unwrap();
        std::fs::write(notes.join("damaged.json"), b"{").unwrap();
        let (first, last) = (patient.device.file("first.txt", b"first"), patient.device.file("last.txt", b"last"));
        let files = ["upload", first.to_str().unwrap(), "missing.txt", last.to_str().unwrap(), "--json"];
        let ran = patient.device.medlock(&files).await;
        assert_eq!(ran.code, 1, "{ran:?}");
        let answer = ran.json();
        assert_eq!(answer["uploads"].as_array().unwrap().len(), 2, "{answer}");
        assert_eq!(answer["failed"][0]["file"], "missing.txt", "{answer}");
        let doctor = patient.device.json(&["doctor"]).await;
        let uploads = doctor["checks"].as_array().unwrap().iter().find(|check| check["name"] == "uploads").unwrap();
        assert_eq!(uploads["verdict"], "warning", "{uploads}");
        assert!(uploads["what"].as_str().unwrap().contains("damaged.json"), "{uploads}");
    });
}

#[test]
fn a_revocation_of_many_that_fails_for_some_ends_the_others() {
    world::run(async {
        let world = world::shared().await;
        let patient = world.person().await;
        // More than one message names: every category, for several laboratories.
        let mut given = Vec::new();
        while given.len() <= MAX_SCOPES {
            let new = NewGrants {
                grantee: LocalWallet::generate().address(),
                right: Right::Write,
                scopes: Category::ALL.iter().copied().map(grants::Scope::Category).collect(),
                purposes: vec![Purpose::Treatment],
                not_before: 0,
                not_after: world::now() + 3_600,
                request: None,
                way: act::Way::Relayed,
            };
            given.extend(grants::grant(&patient.client, &patient.wallet, &patient.keys, &new).await.unwrap().grants);
        }
        let api = Proxy::to(&world.place.api).await;
        let mut first: Option<Vec<u8>> = None;
        api.tamper_requests(move |_, uri, body| {
            let is_first = uri.path() == "/v1/grants/revoke" && *first.get_or_insert_with(|| body.clone()) == body;
            if is_first { b"{}".to_vec() } else { body }
        });
        let ids: Vec<String> = given.iter().map(ToString::to_string).collect();
        let mut command = vec!["revoke", "--api"];
        let url = api.url();
        command.push(&url);
        command.extend(ids.iter().map(String::as_str));
        let ran = patient.device.medlock(&[&command[..], &["--json"]].concat()).await;
        assert_eq!(ran.code, 1, "{ran:?}");
        let answer = ran.json();
        assert_eq!(answer["ended"], given.len() - MAX_SCOPES, "{answer}");
        assert_eq!(answer["told"].as_array().unwrap().len(), MAX_SCOPES, "{answer}");
        assert_eq!(grants::standing(&patient.client).await.unwrap().len(), MAX_SCOPES);

        // Once more for the rest.
        api.be_honest();
        let rest = patient.device.medlock(&[&command[..], &["--json"]].concat()).await.succeeded().json();
        assert_eq!((&rest["ended"], &rest["told"]), (&json!(MAX_SCOPES), &json!([])), "{rest}");
        assert!(grants::standing(&patient.client).await.unwrap().is_empty());
    });
}
