//! Schemathesis against the real server: it reads the OpenAPI document and sends what the document allows, and what it does
//! not. No answer is a fault of the server's, has a status that the operation does not list, or differs from its schema.
//!
//! `./scripts/setup --fuzz` installs it. `MEDLOCK_FUZZ_EXAMPLES` is the number of examples for each operation (20);
//! `./scripts/fuzz --examples 1000` runs it alone.

use std::process::Stdio;

use localnet::StackConfig;
use protocol::codes::Role;
use tokio::process::Command;

use crate::{
    victim::session_token,
    world::{self, World},
};

/// The same examples each time, so that a failure can be played again.
const SEED: &str = "20261129";
/// What no answer may be.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

#[test]
fn schemathesis_finds_no_fault_no_undocumented_status_and_no_answer_outside_its_schema() {
    world::run_long(async {
        // Requests are sent as fast as possible. The rate limits are not tested here, so they are very high.
        let mut config = StackConfig::for_tests().expect("the programs are installed and built");
        let more = ["MEDLOCK_RATE_PER_SECOND", "MEDLOCK_RATE_BURST", "MEDLOCK_LOGINS_PER_MINUTE"];
        config.api_settings.extend(more.map(|name| (name.to_owned(), "1000000".to_owned())));
        let world = World::start_with(config).await;
        let doctor = world.practitioner(Role::Doctor).await;
        run(&world, None).await;
        run(&world, Some(&session_token(&doctor))).await;
        let metrics = reqwest::get(format!("{}/metrics", world.place.api)).await.expect("it answers");
        assert!(metrics.status().is_success(), "the server has survived");
    });
}

async fn run(world: &World, token: Option<&str>) {
    let tools = std::env::var("MEDLOCK_CACHE").map_or_else(
        |_| std::path::PathBuf::from(std::env::var("HOME").expect("there is a home")).join(".cache/medlock"),
        Into::into,
    );
    let program = tools.join("tools/bin/schemathesis");
    assert!(program.exists(), "{} is missing; do: ./scripts/setup --fuzz", program.display());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let examples = std::env::var("MEDLOCK_FUZZ_EXAMPLES").unwrap_or_else(|_| "20".to_owned());
    let mut command = Command::new(program);
    command
        .args(["run", &format!("{}/openapi.json", world.place.api), "--url", &world.place.api])
        .args([
            "--seed",
            SEED,
            "--max-examples",
            &examples,
            "--checks",
            CHECKS,
            "--phases",
            "examples,coverage,fuzzing",
        ])
        .args(["--generation-database", "none", "--no-shrink", "--no-color", "--request-timeout", "20"])
        .args(["--continue-on-failure", "--workers", "1", "--suppress-health-check", "all"])
        // Whoever is signed out finds nothing more.
        .args(["--exclude-path", "/v1/auth/logout"])
        .current_dir(folder.path())
        .stdin(Stdio::null());
    if let Some(token) = token {
        // The feed of somebody who is signed in does not end.
        command.args(["--exclude-path", "/v1/events", "--header", &format!("Authorization: Bearer {token}")]);
    }
    let output = command.output().await.expect("schemathesis runs");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    let who = if token.is_some() { "with a session" } else { "without a session" };
    assert!(output.status.success(), "{who}: {said}\n{}", String::from_utf8_lossy(&output.stderr));
}
