//! MongoDB: `secantusd-rs`, or a MongoDB server named by a setting. Always a replica set with one node.

use std::{fs, path::Path, process::Command, time::Duration};

use mongodb::{
    Client,
    bson::{Document, doc},
    options::ClientOptions,
};

use crate::{
    StartError,
    process::{command_without_settings, make_folder},
};

/// The name of the replica set of a real MongoDB server.
const REPLICA_SET: &str = "medlock";

/// Returns the command that runs the database. Every commit is on the disk before it is answered, in tests too.
/// Otherwise `secantusd-rs` loses answered commits when it is killed, which MongoDB with a majority write concern never
/// does.
///
/// The cache size is a limit; memory is used only when needed. The writes of a transaction stay in the cache until it
/// commits. When they take a tenth of the cache, the database spends most of its time on freeing space.
pub(crate) fn command(program: &Path, folder: &Path, port: u16) -> Result<Command, StartError> {
    let data = folder.join("mongodb");
    make_folder(&data)?;
    let mut command = command_without_settings(program);
    command.current_dir(folder).arg("--port").arg(port.to_string());
    if is_secantus(program) {
        // Named explicitly, so that no other settings file is used.
        let config = folder.join("secantusd.toml");
        fs::write(&config, "").map_err(|source| StartError::Io { what: "write", path: config.clone(), source })?;
        command.arg("--config").arg(config);
        command.args(["--host", "127.0.0.1", "--cache-size", "1G", "--log-file-max", "16MB", "--log-level", "WARNING"]);
        command.arg("--sync-on-commit").arg("--storage-path").arg(data);
    } else {
        command.args(["--bind_ip", "127.0.0.1", "--replSet", REPLICA_SET, "--wiredTigerCacheSizeGB", "1"]);
        command.arg("--dbpath").arg(data);
    }
    Ok(command)
}

fn is_secantus(program: &Path) -> bool {
    // `scripts/setup` installs links, so the name of the linked file decides.
    let target = fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
    target.file_name().is_some_and(|name| name.to_string_lossy().starts_with("secantusd"))
}

/// Returns the URI for drivers.
pub(crate) fn uri(port: u16) -> String {
    format!("mongodb://127.0.0.1:{port}/?directConnection=true")
}

/// Checks that the server is the writable primary. Tells a server without a replica set to make one.
pub(crate) async fn probe(port: u16) -> Result<(), String> {
    let said = |error: mongodb::error::Error| error.to_string();
    let mut options = ClientOptions::parse(uri(port)).await.map_err(said)?;
    options.server_selection_timeout = Some(Duration::from_secs(1));
    let admin = Client::with_options(options).map_err(said)?.database("admin");
    let hello: Document = admin.run_command(doc! { "hello": 1 }).await.map_err(said)?;
    if hello.get_bool("isWritablePrimary").unwrap_or(false) {
        return Ok(());
    }
    if hello.get_bool("isreplicaset").unwrap_or(false) {
        let members = [doc! { "_id": 0, "host": format!("127.0.0.1:{port}") }];
        let config = doc! { "_id": REPLICA_SET, "members": members.to_vec() };
        admin.run_command(doc! { "replSetInitiate": config }).await.map_err(said)?;
    }
    Err("not the primary yet".into())
}
