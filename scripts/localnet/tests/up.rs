//! `up`, `status` and `down` as people type them, with the real servers.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};

use localnet::{Ports, ports};

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

/// A state folder whose ports are free, so that a network that somebody uses meanwhile is not met.
fn state_dir() -> (tempfile::TempDir, Ports) {
    let folder = tempfile::tempdir().unwrap();
    let ports = Ports::free();
    fs::write(folder.path().join("ports.json"), serde_json::to_string(&ports).unwrap()).unwrap();
    (folder, ports)
}

fn are_all_free(ports: &Ports) -> bool {
    ports.named().into_iter().all(|(_, port)| ports::is_free(port))
}

/// Stops what a failing test leaves running.
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

#[test]
fn demo_life_cycle_is_played_once() {
    let (folder, _) = state_dir();
    let _down = Down(folder.path());

    let up = run(&["up", "--detach"], folder.path());
    assert!(up.status.success(), "{}", text(&up));
    assert!(text(&up).contains("doctor$ medlock get"), "{}", text(&up));
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
