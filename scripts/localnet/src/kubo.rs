//! Kubo, the block store. It is private: it connects to no other node.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    StartError,
    process::{command_without_settings, make_folder},
};

/// Returns the path of Kubo's repository.
pub(crate) fn repository(folder: &Path) -> PathBuf {
    folder.join("ipfs")
}

fn base(program: &Path, folder: &Path) -> Command {
    let mut command = command_without_settings(program);
    command.env("IPFS_PATH", repository(folder)).env("IPFS_TELEMETRY", "off").current_dir(folder);
    command
}

/// Makes the repository if there is none, and writes the settings that keep it private.
///
/// With `durable`, every block is on the disk before an upload is answered.
pub(crate) fn prepare(program: &Path, folder: &Path, rpc: u16, gateway: u16, durable: bool) -> Result<(), StartError> {
    let repository = repository(folder);
    let config_path = repository.join("config");
    if !config_path.exists() {
        make_folder(&repository)?;
        let output = base(program, folder)
            .args(["init", "--empty-repo", "--profile", "unixfs-v1-2025"])
            .stdin(Stdio::null())
            .output()
            .map_err(|source| StartError::Spawn { name: "ipfs init".into(), program: program.into(), source })?;
        if !output.status.success() {
            return Err(StartError::Ended {
                name: "ipfs init".into(),
                status: output.status,
                log: repository,
                tail: String::from_utf8_lossy(&output.stderr).into_owned(),
            });
        }
    }
    let failed = |source| StartError::Io { what: "change Kubo's settings", path: config_path.clone(), source };
    let text = fs::read_to_string(&config_path).map_err(failed)?;
    let mut config: Value = serde_json::from_str(&text).map_err(|error| failed(error.into()))?;
    for (path, value) in settings(rpc, gateway) {
        set(&mut config, path, value);
    }
    if let Some(mount) = config.pointer_mut("/Datastore/Spec/mounts/0") {
        mount["sync"] = json!(durable);
    }
    fs::write(&config_path, config.to_string()).map_err(failed)
}

/// Returns the settings that differ from Kubo's defaults.
fn settings(rpc: u16, gateway: u16) -> [(&'static str, Value); 14] {
    [
        ("Addresses/API", json!(format!("/ip4/127.0.0.1/tcp/{rpc}"))),
        ("Addresses/Gateway", json!(format!("/ip4/127.0.0.1/tcp/{gateway}"))),
        ("Addresses/Swarm", json!([])),
        ("AutoConf", json!({ "Enabled": false })),
        ("AutoTLS", json!({ "Enabled": false })),
        ("Bootstrap", json!([])),
        ("DNS/Resolvers", json!({})),
        ("Discovery/MDNS/Enabled", json!(false)),
        ("Gateway/NoFetch", json!(true)),
        ("Gateway/DeserializedResponses", json!(false)),
        ("Ipns/DelegatedPublishers", json!([])),
        ("Provide", json!({ "Enabled": false })),
        ("Routing", json!({ "Type": "none" })),
        ("Swarm/DisableNatPortMap", json!(true)),
    ]
}

fn set(config: &mut Value, path: &str, value: Value) {
    let mut place = config;
    for key in path.split('/') {
        place = &mut place[key];
    }
    *place = value;
}

/// Returns the command that runs the store.
pub(crate) fn command(program: &Path, folder: &Path) -> Command {
    // A killed daemon leaves its lock. The process is gone (it ends with its owner), so the lock can be removed.
    let _ = fs::remove_file(repository(folder).join("api"));
    let mut command = base(program, folder);
    command.args(["daemon", "--offline"]);
    command
}

/// Checks that the RPC answers.
pub(crate) async fn probe(http: &reqwest::Client, url: &str) -> Result<(), String> {
    let answer = http.post(format!("{url}/api/v0/version")).send().await.map_err(|error| error.to_string())?;
    if answer.status().is_success() { Ok(()) } else { Err(format!("HTTP {}", answer.status())) }
}
