//! The commands in the README of the repository work as it says: each test runs a block of the README itself.

use std::{os::unix::fs::symlink, path::Path, process::Stdio};

use localnet::process::command_without_settings;
use protocol::{codes::Role, keyring::WalletFile};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    chance::document,
    life_cycle::newcomer,
    person::Device,
    world::{self, World},
};

/// The first block of shell commands below a heading of the README.
fn commands_below(heading: &str) -> String {
    let readme = localnet::settings::checkout().expect("tests run in a checkout").join("README.md");
    let text = std::fs::read_to_string(readme).expect("the README is there");
    let (_, below) = text.split_once(&format!("\n## {heading}\n")).expect("the README has this heading");
    let section = below.split("\n## ").next().expect("a split has a first part");
    let (_, block) = section.split_once("\n```bash\n").expect("the section has a block of shell commands");
    let (commands, _) = block.split_once("\n```\n").expect("the block ends");
    commands.to_owned()
}

/// Runs commands of the README in the checkout, with these people in the place of those of the demo. Returns what they
/// printed, standard error last.
async fn run(commands: &str, people: &People) -> (String, String) {
    let mut command = command_without_settings(Path::new("bash"));
    command
        .args(["-euo", "pipefail", "-c", commands])
        .current_dir(localnet::settings::checkout().expect("tests run in a checkout"))
        .env("MEDLOCK_API", &people.api)
        .env("MEDLOCK_PEOPLE", people.folder.path())
        .env("MEDLOCK_BIN", env!("CARGO_BIN_EXE_medlock"))
        .env("TMPDIR", people.folder.path())
        .stdin(Stdio::null());
    // Where setup has put the programs that the commands take from scripts/env.sh.
    if let Some(cache) = std::env::var_os("MEDLOCK_CACHE") {
        command.env("MEDLOCK_CACHE", cache);
    }
    let output = tokio::process::Command::from(command).kill_on_drop(true).output().await.expect("bash starts");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}:\n{said}{printed}", output.status);
    (printed, said)
}

/// A folder as the demo of `./scripts/up` leaves it: one folder for each person.
struct People {
    folder: TempDir,
    api: String,
}

impl People {
    fn new(world: &World) -> Self {
        Self { folder: tempfile::tempdir().expect("there is room"), api: world.place.api.clone() }
    }

    /// Puts somebody's device where the demo puts that of the person with this name.
    fn add(&self, name: &str, device: &Device) {
        let passphrase = std::fs::read_to_string(device.path("passphrase")).expect("a device has a passphrase");
        let wallet = std::fs::read(device.home().join("wallet.json")).expect("a device has a wallet");
        let key = WalletFile::from_json(&wallet).expect("it is a wallet file").open(&passphrase).expect("it opens");
        device.file("account.key", alloy::hex::encode_prefixed(key.as_slice()).as_bytes());
        symlink(device.path(""), self.folder.path().join(name)).expect("there is room");
    }
}

#[test]
fn the_call_of_the_api_lists_a_record_that_was_uploaded() {
    world::run(async {
        let world = world::shared().await;
        let (patient, address) = newcomer(world).await;
        let people = People::new(world);
        people.add("patient", &patient);
        let file = patient.file("listed.txt", &document(700));
        let uploaded = patient.json(&["upload", file.to_str().unwrap(), "--category", "letter"]).await;

        let (printed, _) = run(&commands_below("Call the API"), &people).await;
        let page: Value = serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
        let items = page["items"].as_array().unwrap_or_else(|| panic!("this is no page of records: {page}"));
        assert_eq!(items.len(), 1, "{page}");
        assert_eq!(items[0]["id"], uploaded["uploads"][0]["record"], "{page}");
        assert_eq!(items[0]["patient"], address.to_lowercase(), "{page}");
    });
}

#[test]
fn the_commands_upload_share_read_stop_and_verify() {
    world::run(async {
        let world = world::shared().await;
        let ((patient, _), (doctor, doctor_address)) = tokio::join!(newcomer(world), newcomer(world));
        world.accredit(doctor_address.parse().unwrap(), Role::Doctor).await;
        patient.medlock(&["contacts", "add", "ada", &doctor_address]).await.succeeded();
        let people = People::new(world);
        people.add("patient", &patient);
        people.add("doctor", &doctor);

        let (printed, said) = run(&commands_below("Use the command line"), &people).await;
        assert!(printed.contains("The copy has the same bytes."), "{printed}{said}");
        assert!(printed.contains("The second read was refused."), "{printed}{said}");
        assert!(said.contains("stopped sharing"), "{said}");
        assert!(printed.contains("All checks passed."), "{printed}{said}");
        let records = patient.json(&["list"]).await;
        assert_eq!(records["records"].as_array().map(Vec::len), Some(1), "{records}");
        assert_eq!(patient.json(&["grants"]).await["grants"], serde_json::json!([]), "nothing is shared any more");
        let log = patient.json(&["log"]).await;
        assert_eq!(log["entries"][0]["reader"], doctor_address.to_lowercase(), "{log}");
        assert_eq!(log["entries"].as_array().map(Vec::len), Some(1), "one read was allowed: {log}");
    });
}
