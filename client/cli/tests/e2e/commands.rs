//! The small commands, and how every command fails for a program that runs it.

use serde_json::{Value, json};

use crate::{
    life_cycle::newcomer,
    person::{Device, Ran},
    world::{self, eventually},
};

#[test]
fn the_small_commands_say_what_they_did() {
    world::run(async {
        let world = world::shared().await;
        let (patient, address) = newcomer(world).await;
        let doctor = world.person().await;
        let name = format!("Dr. Bea {}", &doctor.hex()[2..10]);
        let accredit =
            ["accredit", &doctor.hex(), "--role", "doctor", "--name", &name, "--organisation", "Hill Clinic"];
        world.accreditor.device.medlock(&[&accredit[..], &["--specialty", "Cardiology"]].concat()).await.succeeded();

        let version = patient.json(&["version"]).await;
        assert_eq!(version["envelope"], "MLK2", "{version}");

        // The person's own key and the key of another person are both compared with the chain.
        let own = patient.json(&["key"]).await;
        assert_eq!((&own["owner"], &own["epoch"]), (&json!(address.to_lowercase()), &json!(1)), "{own}");
        assert_eq!((&own["is_yours"], &own["server_agrees"]), (&json!(true), &json!(true)), "{own}");
        let words = patient.medlock(&["key", &doctor.hex()]).await.succeeded().text();
        let hash = format!("{:#x}", doctor.keys.identity().public_key().hash());
        assert!(words.contains(&doctor.hex()) && words.contains(&hash), "{words}");
        let theirs = patient.json(&["key", &doctor.hex()]).await;
        let key = alloy::hex::encode_prefixed(doctor.keys.identity().public_key().as_bytes());
        assert_eq!((&theirs["key"], &theirs["key_hash"]), (&json!(key), &json!(hash)), "{theirs}");
        assert!(words.contains("The server has the same key as the chain."), "{words}");

        // The directory has the profile that the accreditor signed, and the accreditation on chain.
        let found = eventually("the directory shows the doctor", || async {
            let found = patient.json(&["directory", &name, "--role", "doctor"]).await;
            if found["people"].as_array().is_some_and(|people| people.len() == 1) {
                Ok(found["people"][0].clone())
            } else {
                Err(found.to_string())
            }
        })
        .await;
        assert_eq!(found["address"], doctor.hex().to_lowercase());
        assert_eq!(found["accreditor"], world.accreditor.hex().to_lowercase());
        assert_eq!((&found["name"], &found["roles"]), (&json!(name), &json!(["doctor"])));
        assert_eq!((&found["organisation"], &found["specialty"]), (&json!("Hill Clinic"), &json!("Cardiology")));
        assert_eq!((&found["counts"], &found["has_key"]), (&json!(true), &json!(true)));
        let nobody = patient.json(&["directory", &name, "--role", "lab"]).await;
        assert_eq!(nobody["people"], json!([]));

        // A private name: listed, usable, removed, and no longer usable.
        let contact = json!({ "name": "Bea", "address": doctor.hex().to_lowercase() });
        assert_eq!(patient.json(&["contacts", "list"]).await["contacts"], json!([]));
        assert_eq!(patient.json(&["contacts", "add", "Bea", &doctor.hex()]).await, contact);
        assert_eq!(patient.json(&["contacts", "list"]).await["contacts"], json!([contact]));
        patient.medlock(&["key", "bea"]).await.succeeded();
        assert_eq!(patient.json(&["contacts", "remove", "bea"]).await, contact);
        assert_eq!(patient.json(&["contacts", "list"]).await["contacts"], json!([]));
        assert_eq!(patient.medlock(&["contacts", "remove", "bea"]).await.code, 3, "there is nobody of that name");
        assert_ne!(patient.medlock(&["key", "bea"]).await.code, 0);

        // Completions know every shell's dialect and our commands.
        for (shell, mark) in [("bash", "complete -F"), ("zsh", "#compdef medlock"), ("fish", "complete -c medlock")] {
            let script = patient.medlock(&["completions", shell]).await.succeeded().text();
            assert!(script.contains(mark) && script.contains("revoke") && script.contains("reissue"), "{shell}");
        }

        // Signed out here and at the server: the old token opens nothing either.
        let session = std::fs::read(patient.home().join("session.json")).unwrap();
        assert_eq!(patient.json(&["logout"]).await, json!({ "server_told": true }));
        let refused = patient.medlock(&["list"]).await;
        assert_eq!(refused.code, 4, "{refused:?}");
        assert!(refused.last_lines().1.contains("medlock login"), "{refused:?}");
        std::fs::write(patient.home().join("session.json"), session).unwrap();
        assert_eq!(patient.medlock(&["list"]).await.code, 4, "the server has forgotten the session");
    });
}

/// The error object on standard error; its last line, because remarks may stand before it.
pub(crate) fn failure(ran: &Ran) -> Value {
    assert!(ran.stdout.is_empty(), "an answer and a failure: {ran:?}");
    let line = ran.stderr.lines().last().unwrap_or_default();
    let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let error = object["error"].clone();
    assert_eq!(error["exit"], ran.code, "the object and the process say the same: {ran:?}");
    for field in ["code", "what", "now"] {
        assert!(error[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {ran:?}");
    }
    error
}

#[test]
fn a_program_is_told_why_a_command_failed() {
    world::run(async {
        let (device, _) = newcomer(world::shared().await).await;
        let file = device.file("note.txt", b"a note");
        let file = file.to_str().unwrap();
        let dead = ["--json", "--api", "http://127.0.0.1:1"];

        for command in [&["list"][..], &["upload", file], &["login"], &["grants"], &["log"]] {
            let ran = device.medlock(&[command, &dead[..]].concat()).await;
            assert_eq!(ran.code, 6, "{ran:?}");
            assert_eq!(failure(&ran)["code"], "unreachable", "{ran:?}");
        }

        let somebody = "0x00000000000000000000000000000000000000aa";
        for command in [
            // What the parser refuses, and what only the command can tell.
            &["grant", "--to", somebody][..],
            &["frobnicate"],
            &["get"],
            &["upload", file, "--category", "astrology"],
            &["upload", file, file, "--name", "one name for two"],
            &["grant", "--write", "--to", somebody],
            &["grant", "--write", "--all-categories", "--to", somebody, "--for", "never"],
            &["revoke", "--all"],
        ] {
            let ran = device.medlock(&[command, &["--json"]].concat()).await;
            assert_eq!(ran.code, 2, "{ran:?}");
            let error = failure(&ran);
            assert!(["usage", "not_confirmed"].contains(&error["code"].as_str().unwrap()), "{error}");
        }
        for (command, named) in [
            (&["frobnicate", "--json"], "Unrecognized subcommand 'frobnicate'."),
            (&["--json", "accreditor"], "subcommand"),
        ] {
            let error = failure(&device.medlock(command).await);
            assert!(error["what"].as_str().unwrap().contains(named), "{error}");
        }

        // People get two lines, too, and help is no failure.
        let ran = device.medlock(&["frobnicate"]).await;
        assert_eq!((ran.code, ran.stderr.lines().count()), (2, 2), "{ran:?}");
        assert_eq!(ran.last_lines().0, "Unrecognized subcommand 'frobnicate'.");
        let help = device.medlock(&["grant", "--help", "--json"]).await.succeeded().text();
        assert!(help.contains("Usage: medlock grant"), "{help}");
    });
}

#[test]
fn a_person_without_a_right_is_told_before_anything_is_signed() {
    world::run(async {
        let world = world::shared().await;
        let ((patient, _), (relative, relative_address)) = tokio::join!(newcomer(world), newcomer(world));
        let file = patient.file("family.txt", b"for the family");
        let uploaded = patient.json(&["upload", file.to_str().unwrap()]).await;
        let record = uploaded["uploads"][0]["record"].as_str().unwrap().to_owned();

        // A grant for treatment would allow nothing to somebody whom nobody vouches for.
        let refused = patient.medlock(&["grant", &record, "--to", &relative_address]).await;
        assert_eq!(refused.code, 4, "{refused:?}");
        let (what, now) = refused.last_lines();
        assert!(what.contains("obody vouches for") && what.contains("for treatment"), "{what}");
        assert!(now.contains("--purpose FAMRQT") && !refused.stderr.contains("Signing:"), "{refused:?}");
        let refused = patient.medlock(&["grant", "--write", "--all-categories", "--to", &relative_address]).await;
        assert_eq!(refused.code, 4, "{refused:?}");
        assert!(!refused.stderr.contains("Signing:"), "{refused:?}");

        // A grant for FAMRQT works. The sentence shown before the signature has the name.
        patient.medlock(&["contacts", "add", "Cleo", &relative_address]).await.succeeded();
        let share = ["grant", &record, "--to", "cleo", "--purpose", "FAMRQT"];
        let shared = patient.medlock(&share).await.succeeded();
        let end = relative_address.len() - 4;
        let named =
            format!("Signing: Allow Cleo ({}…{}) to open record ", &relative_address[..8], &relative_address[end..]);
        assert!(shared.stderr.to_lowercase().contains(&named.to_lowercase()), "{}", shared.stderr);
        let again = patient.medlock(&share).await.succeeded();
        assert!(again.stderr.contains("This replaces the present grant"), "{}", again.stderr);

        // The relative does not know the patient: the empty list says where the record is.
        eventually("the stranger's record is announced", || async {
            let words = relative.medlock(&["list"]).await.succeeded().text();
            if words.contains("1 record is shared by somebody you do not know") { Ok(()) } else { Err(words) }
        })
        .await;

        // Nobody but an accreditor vouches, and nobody but the owner names accreditors.
        for arguments in [
            &["accredit", &relative_address, "--role", "doctor"][..],
            &["suspend", &relative_address],
            &["profile", "set", &relative_address, "--name", "X"],
            &["accreditor", "add", &relative_address],
            &["accreditor", "remove", &relative_address],
        ] {
            let refused = patient.medlock(arguments).await;
            assert_eq!(refused.code, 4, "{refused:?}");
            assert!(!refused.stderr.contains("Signing:"), "{refused:?}");
            assert!(refused.last_lines().1.contains("owner of the deployment"), "{refused:?}");
        }
        let shown = patient.json(&["accreditor", "show", &world.accreditor.hex()]).await;
        assert_eq!(shown["is_accreditor"], true, "{shown}");
        assert_eq!(patient.json(&["accreditor", "show"]).await["is_accreditor"], false);

        // Nothing is shared with the accreditor.
        let refused = patient.medlock(&["revoke", "--to", &world.accreditor.hex()]).await;
        assert_eq!(refused.code, 3, "{refused:?}");
        let (what, now) = refused.last_lines();
        assert_eq!(what, "You share nothing with this person now.");
        assert!(now.contains("medlock grants"), "{now}");
    });
}

#[test]
fn an_upload_before_the_key_is_published_signs_and_notes_nothing() {
    world::run(async {
        let world = world::shared().await;
        let device = Device::new(&world.place);
        let kit = device.path("kit.txt");
        device.json(&["init", "--kit-file", kit.to_str().unwrap()]).await;
        device.medlock(&["login"]).await.succeeded();
        let file = device.file("early.txt", b"too early");
        let upload = ["upload", file.to_str().unwrap()];
        let refused = device.medlock(&upload).await;
        assert_ne!(refused.code, 0, "{refused:?}");
        assert!(!refused.stderr.contains("Signing:"), "{refused:?}");
        let left = std::fs::read_dir(device.home().join("uploads")).map_or(0, Iterator::count);
        assert_eq!(left, 0, "no upload was begun");
        device.medlock(&["register"]).await.succeeded();
        device.medlock(&upload).await.succeeded();
    });
}

#[test]
fn a_server_or_node_that_cannot_be_reached_is_named() {
    world::run(async {
        let world = world::shared().await;
        let (patient, _) = newcomer(world).await;
        let refused = patient.medlock(&["list", "--api", "http://127.0.0.1:1"]).await;
        assert_eq!(refused.code, 6, "{refused:?}");
        let (what, now) = refused.last_lines();
        assert_eq!(what, "The server at http://127.0.0.1:1 cannot be reached.");
        assert!(now.contains("--api"), "{now}");
        let refused = patient.medlock(&["key", "--rpc", "http://127.0.0.1:1"]).await;
        assert_eq!(refused.code, 6, "{refused:?}");
        let (what, now) = refused.last_lines();
        assert_eq!(what, "The Ethereum node at http://127.0.0.1:1 does not answer.");
        assert!(now.contains("--rpc"), "{now}");
    });
}
