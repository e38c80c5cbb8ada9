//! Finds the programs to run: those that settings name, otherwise those that `scripts/setup` installed, otherwise those
//! on PATH.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::StartError;

/// The third-party programs of the local network.
#[derive(Clone, Debug)]
pub struct Programs {
    /// Anvil; setting `MEDLOCK_ANVIL`.
    pub anvil: PathBuf,
    /// Kubo; setting `MEDLOCK_IPFS`.
    pub ipfs: PathBuf,
    /// `secantusd-rs`, or a MongoDB server; setting `MEDLOCK_MONGOD`.
    pub mongod: PathBuf,
}

impl Programs {
    /// Finds all programs.
    ///
    /// # Errors
    /// [`StartError::ProgramMissing`] for the first one that is not installed, [`StartError::NoSuchProgram`] when a
    /// setting names a program that does not exist. The functions below return the same errors.
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
/// [`StartError::ProgramMissing`] when it is not installed.
pub fn forge() -> Result<PathBuf, StartError> {
    find("forge", "MEDLOCK_FORGE")
}

/// Finds a program of this workspace: the one named by `setting`, else one beside the running program.
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
    // A test is in target/debug/deps, a program in target/debug.
    here.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file()).ok_or(
        StartError::ProgramMissing { program: name, setting, remedy: "build it: cargo build -p indexer -p api -p cli" },
    )
}

/// Returns the folder outside the checkout for tools and builds: `MEDLOCK_CACHE`, as in `scripts/env.sh`.
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
