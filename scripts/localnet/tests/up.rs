//! `up`, `status` and `down`, run as people run them, with the real servers.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output},
    time::{Duration, Instant},
};

use localnet::{Ports, ports, process::command_without_settings, programs};

/// Runs `medlock-localnet` on a state folder.
fn run(arguments: &[&str], state_dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_medlock-localnet"))
        .args(arguments)
        .arg("--state-dir")
        .arg(state_dir)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Returns a state folder with free ports, so that the test does not use a network that runs already.
fn state_dir() -> (tempfile::TempDir, Ports) {
    let folder = tempfile::tempdir().unwrap();
    let ports = Ports::free();
    fs::write(folder.path().join("ports.json"), serde_json::to_string(&ports).unwrap()).unwrap();
    (folder, ports)
}

fn are_all_free(ports: &Ports) -> bool {
    ports.named().into_iter().all(|(_, port)| ports::is_free(port))
}

/// Stops the servers when a test fails.
struct Down<'a>(&'a Path);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        run(&["down"], self.0);
    }
}

#[test]
fn network_is_kept_over_down_and_over_a_kill() {
    let (folder, ports) = state_dir();
    let _down = Down(folder.path());

    let up = run(&["up", "--empty", "--detach"], folder.path());
    assert!(up.status.success() && text(&up).contains("medlock is up."), "{}", text(&up));
    let deployment = fs::read_to_string(folder.path().join("deployment.json")).unwrap();
    let status = text(&run(&["status"], folder.path()));
    assert_eq!(status.matches("answers").count(), 6, "{status}");

    let second = run(&["up", "--empty"], folder.path());
    assert!(!second.status.success() && text(&second).contains("runs already"), "{}", text(&second));

    let down = run(&["down"], folder.path());
    assert!(down.status.success(), "{}", text(&down));
    assert!(are_all_free(&ports));

    let up = run(&["up", "--empty", "--detach"], folder.path());
    assert!(up.status.success() && !text(&up).contains("deploying"), "{}", text(&up));
    assert_eq!(fs::read_to_string(folder.path().join("deployment.json")).unwrap(), deployment);
    assert_eq!(text(&run(&["status"], folder.path())).matches("answers").count(), 6);

    let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
    assert!(Command::new("kill").args(["-9", pid.trim()]).status().unwrap().success());
    let start = Instant::now();
    while !are_all_free(&ports) {
        assert!(start.elapsed() < Duration::from_secs(10), "the servers outlived their owner");
        std::thread::sleep(Duration::from_millis(50));
    }

    let up = run(&["up", "--empty", "--detach"], folder.path());
    assert!(up.status.success(), "{}", text(&up));
}

/// Starts `up` in the foreground and waits until it prints that it is ready.
fn foreground(state_dir: &Path) -> Child {
    let output = state_dir.join("said");
    let file = fs::File::create(&output).unwrap();
    let mut up = Command::new(env!("CARGO_BIN_EXE_medlock-localnet"))
        .args(["up", "--state-dir"])
        .arg(state_dir)
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !said(state_dir).contains("Ctrl-C stops it and loses nothing.") {
        let has_ended = up.try_wait().unwrap().is_some();
        if has_ended || start.elapsed() > Duration::from_secs(300) {
            // Its servers end with it.
            let _ = up.kill();
            panic!("up is not ready (ended: {has_ended}):\n{}", said(state_dir));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    up
}

/// Returns the output of the foreground `up`.
fn said(state_dir: &Path) -> String {
    fs::read_to_string(state_dir.join("said")).unwrap()
}

/// Returns the answer of `medlock` for the demo's patient, with exactly the settings that `up` prints for export.
fn as_the_patient(state_dir: &Path, arguments: &[&str]) -> Output {
    let patient = state_dir.join("people/patient");
    let mut medlock = command_without_settings(&programs::own("medlock", "MEDLOCK_BIN").unwrap());
    medlock
        .args(arguments)
        .env("MEDLOCK_HOME", patient.join("home"))
        .env("MEDLOCK_PASSPHRASE_FILE", patient.join("passphrase"))
        .output()
        .unwrap()
}

#[test]
fn ctrl_c_in_the_foreground_loses_nothing() {
    let (folder, ports) = state_dir();
    let _down = Down(folder.path());
    let listed = || {
        let listed = as_the_patient(folder.path(), &["list", "--json"]);
        assert!(listed.status.success(), "{}", text(&listed));
        let answer: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
        let ids = answer["records"].as_array().unwrap().iter().map(|record| record["id"].as_str().unwrap().to_owned());
        let mut ids: Vec<String> = ids.collect();
        ids.sort_unstable();
        ids
    };
    let opened = |record: &str| {
        let opened = as_the_patient(folder.path(), &["get", record, "-o", "-", "--quiet"]);
        assert!(opened.status.success(), "{}", text(&opened));
        opened.stdout
    };

    let mut up = foreground(folder.path());
    let records = listed();
    assert_eq!(records.len(), 3, "{records:?}");
    let documents: Vec<Vec<u8>> = records.iter().map(|record| opened(record)).collect();
    let samples = localnet::settings::checkout().unwrap().join("scripts/samples");
    assert!(documents.contains(&fs::read(samples.join("lab-report.json")).unwrap()));

    // The signal of Ctrl-C.
    assert!(Command::new("kill").args(["-INT", &up.id().to_string()]).status().unwrap().success());
    assert_eq!(up.wait().unwrap().code(), Some(0), "{}", said(folder.path()));
    assert!(said(folder.path()).contains("stopped; the state is kept in"), "{}", said(folder.path()));
    assert!(are_all_free(&ports));

    let up = run(&["up", "--detach"], folder.path());
    assert!(up.status.success(), "{}", text(&up));
    assert_eq!(listed(), records);
    for (record, document) in records.iter().zip(&documents) {
        assert_eq!(&opened(record), document);
    }
}

#[test]
fn a_program_that_the_user_names_is_run_instead() {
    let (folder, ports) = state_dir();
    let _down = Down(folder.path());
    let up = |anvil: &Path, more: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_medlock-localnet"))
            .args(["up", "--empty", "--state-dir"])
            .arg(folder.path())
            .args(more)
            .env("MEDLOCK_ANVIL", anvil)
            .output()
            .unwrap()
    };

    let nothing = folder.path().join("no-such-anvil");
    for more in [&[][..], &["--detach"]] {
        let refused = up(&nothing, more);
        assert!(!refused.status.success());
        let words = text(&refused);
        assert!(words.contains(&format!("MEDLOCK_ANVIL names {}", nothing.display())), "{words}");
        assert!(words.contains("do: correct or unset MEDLOCK_ANVIL"), "{words}");
    }
    assert!(are_all_free(&ports));

    // A program that leaves a file before it does its work.
    let (mark, wrapper) = (folder.path().join("mark"), folder.path().join("my-anvil"));
    let anvil = programs::Programs::find().unwrap().anvil;
    let script = format!("#!/bin/sh\necho \"$@\" >'{}'\nexec '{}' \"$@\"\n", mark.display(), anvil.display());
    fs::write(&wrapper, script).unwrap();
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
    let started = up(&wrapper, &["--detach"]);
    assert!(started.status.success(), "{}", text(&started));
    let arguments = fs::read_to_string(&mark).expect("the named program was run");
    assert!(arguments.contains(&format!("--port {}", ports.anvil)), "{arguments}");
    assert_eq!(text(&run(&["status"], folder.path())).matches("answers").count(), 6);
}

#[test]
fn demo_life_cycle_is_played_once() {
    let (folder, ports) = state_dir();
    let _down = Down(folder.path());

    let up = run(&["up", "--detach"], folder.path());
    assert!(up.status.success(), "{}", text(&up));
    assert!(text(&up).contains("doctor$ medlock get"), "{}", text(&up));
    // The output says where everything is, and which commands to type next.
    let api = format!("API        http://127.0.0.1:{}\n", ports.api);
    assert!(text(&up).contains(&api), "{}", text(&up));
    let home = folder.path().join("people/patient/home");
    let next = [&format!("export MEDLOCK_HOME={}", home.display()), "alias medlock=", "medlock list "];
    assert!(next.iter().all(|words| text(&up).contains(*words)), "{}", text(&up));
    assert!(folder.path().join("demo-done").exists());
    assert!(run(&["down"], folder.path()).status.success());

    let up = run(&["up", "--detach"], folder.path());
    assert!(up.status.success() && !text(&up).contains("doctor$ medlock get"), "{}", text(&up));
}

#[test]
fn state_of_other_contracts_is_refused_with_the_remedy() {
    let (folder, ports) = state_dir();
    fs::write(folder.path().join("made-with.json"), "{\"contracts\":\"0x00\"}").unwrap();
    let up = run(&["up", "--empty"], folder.path());
    assert!(!up.status.success());
    assert!(text(&up).contains("other contracts") && text(&up).contains("rm -rf"), "{}", text(&up));
    assert!(are_all_free(&ports));
}

#[test]
fn damaged_ports_are_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ports.json"), "{").unwrap();
    let up = run(&["up", "--empty"], folder.path());
    assert!(!up.status.success());
    assert!(text(&up).contains("is damaged") && text(&up).contains("rm "), "{}", text(&up));
}

#[test]
fn down_without_up_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let down = run(&["down"], folder.path());
    assert!(down.status.success() && text(&down).contains("does not run"), "{}", text(&down));
}
