//! The examples of the SDK do what they say.

use std::{path::PathBuf, process::Stdio};

use localnet::process::command_without_settings;
use protocol::codes::Role;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{chance::document, person::Person, world};

/// An example as somebody runs it on this person's device.
fn example(name: &str, person: &Person) -> tokio::process::Command {
    // A test lies in target/debug/deps.
    let here = std::env::current_exe().expect("this test runs");
    let program: PathBuf = here.ancestors().nth(2).expect("it lies in a target folder").join("examples").join(name);
    assert!(program.is_file(), "{} is missing; build it: cargo build --workspace --examples", program.display());
    let mut command = command_without_settings(&program);
    command.current_dir(person.device.path("")).env("MEDLOCK_HOME", person.device.home()).stdin(Stdio::null());
    let mut command = tokio::process::Command::from(command);
    command.kill_on_drop(true);
    command
}

#[test]
fn the_example_uploads_a_file_and_reads_the_record() {
    world::run(async {
        let patient = world::shared().await.person().await;
        let content = document(3_000);
        let file = patient.device.file("to-upload.txt", &content);
        let mut command = example("upload_and_read", &patient);
        let output = command.arg(file).arg(patient.device.path("passphrase")).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(printed.contains("has version 1") && printed.contains("3000 bytes are in"), "{printed}");
        assert!(std::fs::read(patient.device.path("findings.txt")).unwrap() == content);
    });
}

#[test]
fn the_example_prints_a_read_while_it_follows_the_log() {
    world::run(async {
        let world = world::shared().await;
        let (patient, doctor) = tokio::join!(world.person(), world.practitioner(Role::Doctor));
        let record = patient.upload("followed.txt", &document(900)).await.record;
        patient.share(&[record], &doctor, 3_600).await;
        let mut following = example("follow_log", &patient).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(following.stdout.take().expect("it is piped")).lines();
        doctor.open_soon(record).await;
        let line = lines.next_line().await.unwrap().expect("it follows until it is ended");
        assert!(line.contains(&doctor.hex()) && line.contains(&record.to_string()), "{line}");
        following.kill().await.unwrap();
    });
}
