//! The state folder: its ports, the process that uses it, and the contracts that it was made with.

use std::{
    fs::{self, File, TryLockError},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use localnet::{Ports, Settings, settings};
use serde::{Deserialize, Serialize};

/// The version of the code that made a state folder.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MadeWith {
    /// The hash of the contracts' ABIs and sources. Other contracts need another deployment.
    contracts: String,
}

/// A state folder that this process uses.
#[derive(Debug)]
pub(crate) struct State {
    folder: PathBuf,
    lock: File,
}

impl State {
    /// Locks the folder, making it if it does not exist, and writes the process id into it.
    pub(crate) fn hold(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let folder = fs::canonicalize(folder).with_context(|| format!("cannot find {}", folder.display()))?;
        let mut lock = open_pid_file(&folder)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "medlock runs already with the state in {} (process {})\n  do: ./scripts/down, or name another folder by --state-dir",
                folder.display(),
                holder(&folder).unwrap_or_default(),
            ),
            Err(TryLockError::Error(error)) => return Err(error).context("cannot lock the state folder"),
        }
        lock.set_len(0)?;
        write!(lock, "{}", std::process::id())?;
        Ok(Self { folder, lock })
    }

    /// Returns the path of the folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the ports of the last start. A port that another program uses now is replaced, and a message is printed.
    pub(crate) fn ports(&self, settings: &Settings) -> Result<Ports> {
        let file = self.folder.join("ports.json");
        let before = if file.exists() {
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            serde_json::from_str(&text)
                .with_context(|| format!("{} is damaged\n  do: rm {}", file.display(), file.display()))?
        } else {
            Ports::preferred(settings.port)
        };
        let ports = before.moved_to_free();
        for ((name, old), (_, new)) in before.named().into_iter().zip(ports.named()) {
            if old != new {
                say!("  port {old} is taken: {name} moves to {new}");
            }
        }
        fs::write(&file, serde_json::to_string_pretty(&ports)?)?;
        Ok(ports)
    }

    /// Refuses a folder that was made with other contracts.
    pub(crate) fn check_contracts(&self) -> Result<()> {
        let now = MadeWith { contracts: contracts_hash()? };
        let file = self.folder.join("made-with.json");
        if !file.exists() {
            return Ok(fs::write(&file, serde_json::to_string_pretty(&now)?)?);
        }
        let made_with: Option<MadeWith> = serde_json::from_str(&fs::read_to_string(&file)?).ok();
        if made_with.as_ref() != Some(&now) {
            bail!(
                "the state in {0} was made with other contracts than those of this checkout\n  do: rm -rf {0} && ./scripts/up",
                self.folder.display()
            );
        }
        Ok(())
    }

    /// Returns whether the demo was completed.
    pub(crate) fn demo_is_done(&self) -> bool {
        self.folder.join("demo-done").exists()
    }

    /// Records that the demo was completed.
    pub(crate) fn set_demo_done(&self) -> Result<()> {
        Ok(fs::write(self.folder.join("demo-done"), "")?)
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let _ = self.lock.set_len(0);
    }
}

fn open_pid_file(folder: &Path) -> Result<File> {
    let path = folder.join("pid");
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Returns the id of the process that uses the folder; `None` when none does.
pub(crate) fn holder(folder: &Path) -> Option<i32> {
    let path = folder.join("pid");
    let lock = File::open(&path).ok()?;
    match lock.try_lock_shared() {
        Err(TryLockError::WouldBlock) => fs::read_to_string(path).ok()?.trim().parse().ok(),
        _ => None,
    }
}

/// Returns the hash of every source of the contracts, by name and content.
fn contracts_hash() -> Result<String> {
    let mut files = Vec::new();
    for folder in ["contracts/src", "contracts/script"] {
        collect(&settings::checkout()?.join(folder), &mut files)?;
    }
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let content = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        all.extend_from_slice(alloy::primitives::keccak256(&content).as_slice());
    }
    Ok(alloy::primitives::keccak256(&all).to_string())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "sol") {
            files.push(path);
        }
    }
    Ok(())
}
