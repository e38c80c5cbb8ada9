//! What people do, from an empty device on, by the `medlock` command alone.

use client::Failure;
use serde_json::Value;

use crate::{
    chance::document,
    person::{Device, Ran},
    world::{self, World, eventually},
};

/// An empty device, set up by the command: account, keys, kit, session, published key. Returns the address.
pub(crate) async fn newcomer(world: &World) -> (Device, String) {
    let device = Device::new(&world.place);
    let kit = device.path("kit.txt");
    let made = device.json(&["init", "--kit-file", kit.to_str().expect("temporary paths are text")]).await;
    assert_eq!(made["kit_saved"], true);
    device.medlock(&["login"]).await.succeeded();
    device.medlock(&["register"]).await.succeeded();
    (device, made["address"].as_str().expect("an address").to_owned())
}

/// Runs a command until it succeeds: what the mirror shows follows the chain within moments.
pub(crate) async fn soon(device: &Device, arguments: &[&str]) -> Ran {
    eventually(&arguments.join(" "), || async {
        let ran = device.medlock(arguments).await;
        if ran.code == 0 { Ok(ran) } else { Err(ran.stderr) }
    })
    .await
}

/// The first id in a list of an answer.
fn first<'a>(answer: &'a Value, list: &str, field: &str) -> &'a str {
    answer[list][0][field].as_str().unwrap_or_else(|| panic!("no {list}[0].{field} in {answer}"))
}

#[test]
fn a_doctor_asks_opens_and_is_stopped_and_the_log_shows_it() {
    world::run(async {
        let world = world::shared().await;
        let ((patient, patient_address), (doctor, doctor_address)) = tokio::join!(newcomer(world), newcomer(world));
        let accredit =
            ["accredit", &doctor_address, "--role", "doctor", "--name", "Dr. Ada", "--organisation", "City Clinic"];
        world.accreditor.device.medlock(&accredit).await.succeeded();

        // The patient uploads a document and sees it.
        let content = document(300_000);
        let file = patient.file("findings.pdf", &content);
        let uploaded = patient.json(&["upload", file.to_str().unwrap(), "--category", "laboratory"]).await;
        let record = first(&uploaded, "uploads", "record").to_owned();
        soon(&patient, &["show", &record]).await;

        // The doctor cannot open it, asks, and the patient reads why and approves.
        let refused = doctor.medlock(&["get", &record, "-o", "stolen.pdf"]).await;
        assert!([3, 4].contains(&refused.code), "{refused:?}");
        assert!(!doctor.path("stolen.pdf").exists());
        let reason = "because of the fever on Tuesday";
        let request = ["request", "--patient", &patient_address, "--record", &record, "--reason", reason];
        doctor.medlock(&request).await.succeeded();
        let requests = eventually("the request arrives", || async {
            let answer = patient.json(&["requests", "--open"]).await;
            if answer["requests"].as_array().is_some_and(|list| !list.is_empty()) {
                Ok(answer)
            } else {
                Err(answer.to_string())
            }
        })
        .await;
        assert_eq!(requests["requests"][0]["reason"], reason);
        assert_eq!(requests["requests"][0]["accredited"], true);
        let request = first(&requests, "requests", "id").to_owned();
        let approved = patient.medlock(&["approve", &request]).await.succeeded();
        assert!(approved.stderr.contains("Signing: "), "every signature is announced: {}", approved.stderr);

        // The doctor opens exactly these bytes and is told who wrote them.
        let opened = soon(&doctor, &["get", &record, "-o", "opened.pdf", "--purpose", "TREAT"]).await;
        assert_eq!(std::fs::read(doctor.path("opened.pdf")).unwrap(), content);
        assert!(opened.text().contains("the signature is valid"), "{}", opened.text());
        let some = doctor.medlock(&["get", &record, "-o", "-", "--range", "1000-4999", "--quiet"]).await.succeeded();
        assert_eq!(some.stdout, content[1000..5000]);

        // The patient sees both reads in the log, by name, and on chain.
        patient.medlock(&["contacts", "add", "Ada", &doctor_address]).await.succeeded();
        let log = eventually("the reads are anchored", || async {
            let log = patient.json(&["log"]).await;
            let entries = log["entries"].as_array().cloned().unwrap_or_default();
            let anchored = entries.iter().filter(|entry| entry["block_number"].is_u64()).count();
            if anchored == 2 { Ok(log) } else { Err(log.to_string()) }
        })
        .await;
        for entry in log["entries"].as_array().unwrap() {
            assert_eq!(entry["record"], record.as_str());
            assert_eq!(entry["reader"], doctor_address.to_lowercase());
            assert_eq!(entry["purpose"], "TREAT");
        }
        let words = patient.medlock(&["log"]).await.succeeded().text();
        assert!(words.contains("Ada") && words.contains("treatment"), "{words}");
        let audit = soon(&patient, &["audit", "verify", "--json"]).await.json();
        assert_eq!(audit["findings"], serde_json::json!([]));
        assert!(audit["evidence_checked"].as_u64() >= Some(2), "{audit}");

        // A second version reaches the doctor; the first can still be opened.
        let second = document(20_000);
        let file = patient.file("findings.pdf", &second);
        let uploaded = patient.json(&["upload", file.to_str().unwrap(), "--record", &record]).await;
        assert_eq!(uploaded["uploads"][0]["version"], 2);
        patient.medlock(&["login"]).await.succeeded();
        soon(&doctor, &["get", &record, "-o", "second.pdf", "--version", "2"]).await;
        assert_eq!(std::fs::read(doctor.path("second.pdf")).unwrap(), second);
        doctor.medlock(&["get", &record, "-o", "first.pdf", "--version", "1"]).await.succeeded();
        assert_eq!(std::fs::read(doctor.path("first.pdf")).unwrap(), content);

        // A length counts back from now, and a beginning in the future is refused.
        let since = patient.json(&["log", "--from", "7d"]).await;
        assert!(since["entries"].as_array().is_some_and(|entries| entries.len() >= 4), "{since}");
        let future = patient.medlock(&["log", "--from", "2999-01-01"]).await;
        assert_eq!(future.code, 2, "{future:?}");

        // The patient stops sharing, by the private name: the next read fails with a clear sentence.
        let grants = soon(&patient, &["grants"]).await.text();
        assert!(grants.contains("Ada can open"), "{grants}");
        let revoked = patient.json(&["revoke", "--to", "ada"]).await;
        assert_eq!(revoked["opened_before"], serde_json::json!([record]));
        assert_eq!(revoked["opened_before_is_complete"], true);
        let refused = doctor.medlock(&["get", &record, "-o", "late.pdf"]).await;
        assert_eq!(refused.code, 4, "{refused:?}");
        let (what, todo) = refused.last_lines();
        assert!(what.ends_with('.') && todo.ends_with('.') && !what.contains("error"), "{what} / {todo}");
        assert!(!doctor.path("late.pdf").exists());
        assert!(patient.medlock(&["grants"]).await.succeeded().text().contains("share nothing"));
    });
}

#[test]
fn a_lab_uploads_for_a_patient_who_permitted_it() {
    world::run(async {
        let world = world::shared().await;
        let ((patient, patient_address), (lab, lab_address)) = tokio::join!(newcomer(world), newcomer(world));
        world
            .accreditor
            .device
            .medlock(&["accredit", &lab_address, "--role", "lab", "--name", "City Lab"])
            .await
            .succeeded();

        let content = document(5_000);
        let file = lab.file("report.json", &content);
        let upload = ["upload", file.to_str().unwrap(), "--patient", &patient_address, "--category", "laboratory"];
        let refused = lab.medlock(&upload).await;
        assert_ne!(refused.code, 0, "nobody uploads without permission");

        let permit = ["grant", "--write", "--category", "laboratory", "--to", &lab_address, "--for", "1d"];
        patient.medlock(&permit).await.succeeded();
        let uploaded = soon(&lab, &[&upload[..], &["--json"]].concat()).await.json();
        let record = first(&uploaded, "uploads", "record").to_owned();

        // Another category is refused.
        let other = ["upload", file.to_str().unwrap(), "--patient", &patient_address, "--category", "imaging"];
        assert_ne!(lab.medlock(&other).await.code, 0);

        // The patient opens it and sees who wrote it.
        let opened = soon(&patient, &["get", &record, "-o", "report.json", "--json"]).await.json();
        assert_eq!(std::fs::read(patient.path("report.json")).unwrap(), content);
        assert_eq!(opened["author"]["address"], lab_address.to_lowercase());
        assert_eq!(opened["author"]["name"], "City Lab");
        assert_eq!(opened["author"]["roles"], serde_json::json!(["lab"]));
        assert_eq!(opened["leaf"], Value::Null, "the owner's own reads are nobody's business");
    });
}

#[test]
fn a_denied_request_gives_nothing() {
    world::run(async {
        let world = world::shared().await;
        let ((patient, patient_address), (doctor, doctor_address)) = tokio::join!(newcomer(world), newcomer(world));
        world.accreditor.device.medlock(&["accredit", &doctor_address, "--role", "doctor"]).await.succeeded();
        let file = patient.file("note.txt", b"nothing for strangers");
        let uploaded = patient.json(&["upload", file.to_str().unwrap()]).await;
        let record = first(&uploaded, "uploads", "record").to_owned();

        let asked = ["request", "--patient", &patient_address, "--record", &record, "--reason", "curiosity", "--json"];
        let request = soon(&doctor, &asked).await.json()["request"].as_str().unwrap().to_owned();
        soon(&patient, &["deny", &request]).await;
        eventually("the doctor learns it", || async {
            let answer = doctor.json(&["requests"]).await;
            if answer["requests"][0]["state"] == "denied" { Ok(()) } else { Err(answer.to_string()) }
        })
        .await;
        let refused = doctor.medlock(&["get", &record, "-o", "note.txt"]).await;
        assert!([3, 4].contains(&refused.code), "{refused:?}");
        assert!(!doctor.path("note.txt").exists());
        // A denied request cannot be approved afterwards.
        assert_ne!(patient.medlock(&["approve", &request]).await.code, 0);
    });
}

#[test]
fn everything_ends_at_once() {
    world::run(async {
        let world = world::shared().await;
        let (patient, doctor) = tokio::join!(world.person(), world.practitioner(protocol::codes::Role::Doctor));
        let mut records = Vec::new();
        for _ in 0..2 {
            records.push(patient.upload("shared.txt", &document(900)).await.record);
        }
        patient.share(&records, &doctor, 3_600).await;
        for record in &records {
            doctor.open_soon(*record).await;
        }

        // The end of one grant names its own record, even straight after the read.
        let one = ["revoke", "--to", &doctor.hex(), "--record", &records[1].to_string()];
        let ended = patient.device.json(&one).await;
        assert_eq!(ended["opened_before"], serde_json::json!([records[1].to_string()]), "{ended}");
        patient.share(&records[1..], &doctor, 3_600).await;
        doctor.open_soon(records[1]).await;

        // Nobody can be asked without a terminal, so nothing ends without --yes.
        let unasked = patient.device.medlock(&["revoke", "--all"]).await;
        assert_eq!(unasked.code, 2, "{unasked:?}");
        doctor.open(records[0]).await.expect("it is still shared");

        let revoked = patient.device.json(&["revoke", "--all", "--yes"]).await;
        assert_eq!(revoked["ended"], 2, "{revoked}");
        assert!(revoked["settled"]["block_number"].is_u64(), "{revoked}");
        for record in &records {
            let refused = doctor.device.medlock(&["get", &record.to_string(), "-o", "late.txt"]).await;
            assert_eq!(refused.code, 4, "{refused:?}");
            let (what, todo) = refused.last_lines();
            assert!(what.contains("stopped sharing") && what.ends_with('.'), "{what} / {todo}");
            assert!(todo.ends_with('.'), "{what} / {todo}");
            assert!(!doctor.device.path("late.txt").exists());
        }
        // What is shared afterwards counts again: it names the new epoch.
        patient.share(&records[..1], &doctor, 3_600).await;
        doctor.open_soon(records[0]).await;
        let refused = doctor.open(records[1]).await.expect_err("only one is shared again");
        assert_eq!(refused.class().code(), 4, "{}: {refused}", refused.code());
    });
}

/// Gives somebody money, so that their wallet can pay.
async fn fund(world: &World, address: &str) {
    let balance = serde_json::json!([address, "0x56bc75e2d63100000"]);
    world.stack.localnet().rpc("anvil_setBalance", balance).await.expect("Anvil gives money away");
}

/// How many transactions a wallet has sent by itself.
async fn sent_by(world: &World, address: &str) -> u64 {
    let parameters = serde_json::json!([address, "latest"]);
    let count = world.stack.localnet().rpc("eth_getTransactionCount", parameters).await.expect("Anvil counts");
    u64::from_str_radix(count.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

#[test]
fn every_action_also_goes_directly_from_the_wallet() {
    world::run(async {
        let world = world::shared().await;
        let doctor = world.practitioner(protocol::codes::Role::Doctor).await;
        let patient = Device::new(&world.place);
        let kit = patient.path("kit.txt");
        let made = patient.json(&["init", "--kit-file", kit.to_str().unwrap()]).await;
        let address = made["address"].as_str().unwrap();
        fund(world, address).await;

        patient.medlock(&["login"]).await.succeeded();
        patient.medlock(&["register", "--direct"]).await.succeeded();
        let content = document(70_000);
        let file = patient.file("scan.png", &content);
        let uploaded = soon(&patient, &["upload", file.to_str().unwrap(), "--direct", "--json"]).await.json();
        let record = first(&uploaded, "uploads", "record").to_owned();
        soon(&patient, &["grant", &record, "--to", &doctor.hex(), "--for", "1h", "--direct"]).await;
        let id = record.parse().unwrap();
        assert_eq!(doctor.open_soon(id).await, content);
        patient.medlock(&["revoke", "--record", &record, "--direct"]).await.succeeded();
        let refused = doctor.open(id).await.expect_err("the grant has ended");
        assert_eq!(refused.class().code(), 4, "{}: {refused}", refused.code());

        // A new version, and what the doctor asks for.
        let second = document(3_000);
        let file = patient.file("scan.png", &second);
        let version = ["upload", file.to_str().unwrap(), "--record", &record, "--direct", "--json"];
        let uploaded = patient.medlock(&version).await.succeeded().json();
        assert_eq!(uploaded["uploads"][0]["version"], 2);
        let ask = ["request", "--patient", address, "--record", &record, "--reason", "a second look", "--json"];
        let request = soon(&doctor.device, &ask).await.json()["request"].as_str().unwrap().to_owned();
        soon(&patient, &["approve", &request, "--direct"]).await;
        assert_eq!(doctor.open_soon(id).await, second);

        patient.medlock(&["revoke", "--all", "--yes", "--direct"]).await.succeeded();
        let refused = doctor.open(id).await.expect_err("every grant has ended");
        assert_eq!(refused.class().code(), 4, "{}: {refused}", refused.code());
        assert_eq!(sent_by(world, address).await, 7, "the server relayed one of them");
    });
}

#[test]
fn accreditors_and_labs_also_act_directly_from_the_wallet() {
    world::run(async {
        let world = world::shared().await;
        let owner = world.official(localnet::Role::Owner).await;
        let (accreditor, patient, lab) = tokio::join!(world.person(), world.person(), world.person());
        for person in [&owner, &accreditor, &patient, &lab] {
            fund(world, &person.hex()).await;
        }
        let accredit = ["accredit", &lab.hex(), "--role", "lab", "--direct"];
        let early = accreditor.device.medlock(&accredit).await;
        assert_eq!(early.code, 4, "nobody has named this accreditor: {early:?}");

        let sent_before = sent_by(world, &owner.hex()).await;
        owner.device.medlock(&["accreditor", "add", &accreditor.hex(), "--direct"]).await.succeeded();
        accreditor.device.medlock(&accredit).await.succeeded();
        let permit = ["grant", "--write", "--category", "laboratory", "--to", &lab.hex(), "--direct"];
        patient.device.medlock(&permit).await.succeeded();
        let content = document(4_000);
        let file = lab.device.file("report.json", &content);
        let (file, patient_hex) = (file.to_str().unwrap(), patient.hex());
        let upload = ["upload", file, "--patient", &patient_hex, "--category", "laboratory", "--direct", "--json"];
        let uploaded = soon(&lab.device, &upload).await.json();
        let record = first(&uploaded, "uploads", "record").parse().unwrap();
        assert_eq!(patient.open_soon(record).await, content);

        accreditor.device.medlock(&["suspend", &lab.hex(), "--direct"]).await.succeeded();
        let refused = lab.device.medlock(&upload).await;
        assert_eq!(refused.code, 4, "a suspended lab uploads nothing: {refused:?}");
        accreditor.device.medlock(&["suspend", &lab.hex(), "--reinstate", "--direct"]).await.succeeded();
        soon(&lab.device, &upload).await;

        owner.device.medlock(&["accreditor", "remove", &accreditor.hex(), "--direct"]).await.succeeded();
        let refused = lab.device.medlock(&upload).await;
        assert_eq!(refused.code, 4, "nobody vouches for whom a removed accreditor vouched: {refused:?}");
        for (person, sent) in [(&owner, sent_before + 2), (&accreditor, 3), (&patient, 1), (&lab, 2)] {
            assert_eq!(sent_by(world, &person.hex()).await, sent, "the server relayed one of them");
        }
    });
}

#[test]
fn a_permission_that_is_still_on_its_way_can_be_ended() {
    world::run(async {
        use client::{
            grants::{self, Ending, Scope},
            wallet::Wallet,
        };
        use protocol::{
            codes::{Right, ScopeKind},
            deployment::ContractName,
        };

        let world = world::shared().await;
        let (patient, doctor) = tokio::join!(world.person(), world.practitioner(protocol::codes::Role::Doctor));
        let record = patient.upload("held-back.txt", &document(800)).await.record;
        // No grant is on chain yet. A relayer may have a signed Grant that names epoch 0. This must be stopped.
        let grantee = doctor.wallet.address();
        let ending = Ending::Person { grantee, scope: Some(Scope::Record(record)) };
        let way = client::act::Way::Relayed;
        let ended = grants::revoke(&patient.client, &patient.wallet, &patient.keys, &ending, way).await.unwrap();
        assert_eq!(ended.ended, 0);
        let deployment = patient.client.deployment();
        let registry = deployment.address_of(ContractName::GrantRegistry);
        let (tag, _) = patient.keys.seed().tag(deployment.chain_id, registry, grantee, Right::Read);
        let terms = patient.client.chain().terms(patient.wallet.address(), tag, ScopeKind::Record, record.0).await;
        assert_eq!(terms.unwrap().epoch, 1, "a Grant that names epoch 0 comes too late");
        // Without a scope there is nothing to name.
        let nothing = Ending::Person { grantee, scope: None };
        let refused = grants::revoke(&patient.client, &patient.wallet, &patient.keys, &nothing, way).await;
        assert_eq!(refused.unwrap_err().code(), "not_found");
    });
}

#[test]
fn a_suspended_doctor_opens_nothing_until_reinstated() {
    world::run(async {
        let world = world::shared().await;
        let (patient, doctor) = tokio::join!(world.person(), world.practitioner(protocol::codes::Role::Doctor));
        let content = document(800);
        let record = patient.upload("trusted.txt", &content).await.record;
        patient.share(&[record], &doctor, 3_600).await;
        assert_eq!(doctor.open_soon(record).await, content);

        let accreditor = &world.accreditor.device;
        accreditor.medlock(&["suspend", &doctor.hex()]).await.succeeded();
        let refused = doctor.open(record).await.expect_err("nobody vouches for the doctor now");
        assert_eq!((refused.code().as_str(), refused.class().code()), ("not_accredited", 4), "{refused}");
        let shown = patient.device.json(&["profile", "show", &doctor.hex()]).await;
        assert_eq!(shown["counts"], false);

        accreditor.medlock(&["suspend", &doctor.hex(), "--reinstate"]).await.succeeded();
        assert_eq!(doctor.open_soon(record).await, content);
    });
}

#[test]
fn an_auditor_sees_every_read_and_no_reader() {
    world::run(async {
        let world = world::shared().await;
        let ((patient, doctor), auditor) = tokio::join!(
            async { tokio::join!(world.person(), world.practitioner(protocol::codes::Role::Doctor)) },
            world.practitioner(protocol::codes::Role::Auditor)
        );
        let record = patient.upload("audited.txt", &document(800)).await.record;
        patient.share(&[record], &doctor, 3_600).await;
        doctor.open_soon(record).await;
        let entry = eventually("the auditor sees the read", || async {
            let log = auditor.device.json(&["log", "--record", &record.to_string()]).await;
            let entry = log["entries"].as_array().and_then(|entries| entries.first().cloned());
            entry.ok_or_else(|| log.to_string())
        })
        .await;
        assert_eq!(entry["reader"], Value::Null, "{entry}");
        assert!(entry["block_number"].is_u64(), "{entry}");
        let audit = soon(&auditor.device, &["audit", "verify", "--json"]).await.json();
        assert_eq!(audit["findings"], serde_json::json!([]));
        let words = auditor.device.medlock(&["log", "--record", &record.to_string()]).await.succeeded().text();
        assert!(words.contains("not shown to you"), "{words}");
        let words = auditor.device.medlock(&["audit", "verify"]).await.succeeded().text();
        assert!(words.contains("auditors see none"), "{words}");
        let refused = auditor.device.medlock(&["get", &record.to_string(), "-o", "x.txt"]).await;
        assert!([3, 4].contains(&refused.code), "{refused:?}");
    });
}
