//! PostgreSQL for Ponder: its own programs with their default settings, a new folder, loopback only, never as root.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, ensure};
use localnet::{
    Ports,
    process::{Process, command_without_settings},
};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::network::Network;

/// A running server with an empty database.
pub(crate) struct Postgres {
    process: Process,
    port: u16,
    _folder: TempDir,
}

impl Postgres {
    pub(crate) async fn start(network: &Network) -> anyhow::Result<Self> {
        let programs = programs()?;
        let folder = tempfile::Builder::new().prefix("medlock-postgres-").tempdir()?;
        let port = Ports::free().api;
        let owner = owner()?;
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group))?;
        }
        let run = |program: &str| {
            let mut command = command_without_settings(&programs.join(program));
            command.current_dir(folder.path());
            as_owner(&mut command, owner);
            command
        };
        let data = folder.path().join("data");
        let made = run("initdb").args(["--auth=trust", "--username=bench", "--pgdata"]).arg(&data).output()?;
        ensure!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        let mut command = run("postgres");
        command.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k"]).arg(folder.path());
        let mut process = Process::spawn(command, "postgres", &network.log("postgres"), network.watchdog())?;
        let probe = || async move {
            TcpStream::connect(("127.0.0.1", port)).await.map(drop).map_err(|error| error.to_string())
        };
        process.wait_until_healthy(Duration::from_secs(60), probe).await?;
        Ok(Self { process, port, _folder: folder })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://bench@127.0.0.1:{}/postgres", self.port)
    }
}

fn as_owner(command: &mut Command, owner: Option<(u32, u32)>) {
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
}

/// Returns the folder with `initdb` and `postgres`: the one named by a setting, else the newest of the system's
/// packages.
fn programs() -> anyhow::Result<PathBuf> {
    if let Some(folder) = std::env::var_os("MEDLOCK_POSTGRES") {
        return Ok(folder.into());
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.map(|entry| entry.path().join("bin")).filter(|folder| folder.join("initdb").exists()).max();
    newest.context(
        "PostgreSQL is missing\n  do: apt-get install postgresql, or name its folder of programs: MEDLOCK_POSTGRES",
    )
}

/// Returns the user and group to run as, because PostgreSQL refuses to run as root. `None` when this process is not
/// root.
fn owner() -> anyhow::Result<Option<(u32, u32)>> {
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string(Path::new("/etc/passwd"))?;
    let find = |name: &str| users.lines().find(|line| line.split(':').next() == Some(name)).map(str::to_owned);
    let line = find("postgres").or_else(|| find("nobody")).context("there is a user besides root")?;
    let fields: Vec<&str> = line.split(':').collect();
    Ok(Some((fields[2].parse()?, fields[3].parse()?)))
}
