//! Which programs are run: those that settings name, else those that `scripts/setup` installed, else those on PATH.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::StartError;

/// The programs of the local network that are not ours.
#[derive(Clone, Debug)]
pub struct Programs {
    /// Setting `MEDLOCK_ANVIL`.
    pub anvil: PathBuf,
    /// Setting `MEDLOCK_IPFS`: Kubo.
    pub ipfs: PathBuf,
    /// Setting `MEDLOCK_MONGOD`: `secantusd-rs`, or a MongoDB server.
    pub mongod: PathBuf,
}

impl Programs {
    /// Finds all of them.
    ///
    /// # Errors
    /// [`StartError::ProgramMissing`] for the first that is nowhere, [`StartError::NoSuchProgram`] for one that a setting
    /// names in vain; so for those below.
    pub fn find() -> Result<Self, StartError> {
        Ok(Self {
            anvil: find("anvil", "MEDLOCK_ANVIL")?,
            ipfs: find("ipfs", "MEDLOCK_IPFS")?,
            mongod: find("secantusd-rs", "MEDLOCK_MONGOD")?,
        })
    }
}

/// Finds Forge (setting `MEDLOCK_FORGE`).
///
/// # Errors
/// [`StartError::ProgramMissing`] when it is nowhere.
pub fn forge() -> Result<PathBuf, StartError> {
    find("forge", "MEDLOCK_FORGE")
}

/// Finds a program of this workspace: what `setting` names, else beside the running program.
///
/// # Errors
/// [`StartError::ProgramMissing`] when it was not built.
pub fn own(name: &'static str, setting: &'static str) -> Result<PathBuf, StartError> {
    if let Some(path) = env::var_os(setting) {
        return named(setting, PathBuf::from(path));
    }
    let here = env::current_exe().map_err(|source| StartError::Io {
        what: "find the running program",
        path: name.into(),
        source,
    })?;
    // A test lies in target/debug/deps, a program in target/debug.
    here.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file()).ok_or(
        StartError::ProgramMissing { program: name, setting, remedy: "build it: cargo build -p indexer -p api -p cli" },
    )
}

/// The folder outside the checkout that holds tools and builds: `MEDLOCK_CACHE`, as in `scripts/env.sh`.
fn cache() -> Option<PathBuf> {
    env::var_os("MEDLOCK_CACHE")
        .map(PathBuf::from)
        .or_else(|| env::var_os("XDG_CACHE_HOME").map(|path| Path::new(&path).join("medlock")))
        .or_else(|| env::var_os("HOME").map(|path| Path::new(&path).join(".cache/medlock")))
}

fn find(program: &'static str, setting: &'static str) -> Result<PathBuf, StartError> {
    if let Some(path) = env::var_os(setting) {
        return named(setting, PathBuf::from(path));
    }
    let installed = cache().map(|cache| cache.join("tools/bin").join(program));
    let on_path = env::var_os("PATH");
    let on_path = on_path.iter().flat_map(env::split_paths).map(|folder| folder.join(program));
    installed.into_iter().chain(on_path).find(|path| path.is_file()).ok_or(StartError::ProgramMissing {
        program,
        setting,
        remedy: "run ./scripts/setup",
    })
}

fn named(setting: &'static str, path: PathBuf) -> Result<PathBuf, StartError> {
    if path.is_file() { Ok(path) } else { Err(StartError::NoSuchProgram { setting, path }) }
}
