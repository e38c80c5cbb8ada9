//! The state folder: ports that stay, who holds it, and which contracts it was made with.

use std::{
    fs::{self, File, TryLockError},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use localnet::{Ports, Settings, settings};
use serde::{Deserialize, Serialize};

/// What a state folder remembers of the code that made it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MadeWith {
    /// Hash of the contracts' ABIs and sources: other contracts are another deployment.
    contracts: String,
}

/// A state folder that this process holds.
#[derive(Debug)]
pub(crate) struct State {
    folder: PathBuf,
    lock: File,
}

impl State {
    /// Takes the folder, makes it if there is none, and writes down who holds it.
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

    /// Where it is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The ports of the last time; one that somebody else took since is replaced, and said.
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

    /// Refuses a folder that other contracts made.
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

    /// Whether the demo life cycle was played to its end.
    pub(crate) fn demo_is_done(&self) -> bool {
        self.folder.join("demo-done").exists()
    }

    /// Remembers that it was.
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

/// The process that holds the folder; `None` when nobody does.
pub(crate) fn holder(folder: &Path) -> Option<i32> {
    let path = folder.join("pid");
    let lock = File::open(&path).ok()?;
    match lock.try_lock_shared() {
        Err(TryLockError::WouldBlock) => fs::read_to_string(path).ok()?.trim().parse().ok(),
        _ => None,
    }
}

/// Hash of every source of the contracts, by name and content.
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
