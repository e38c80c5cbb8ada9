//! The directory in which a person's device keeps its state: `MEDLOCK_HOME`.
//!
//! ```text
//! config.toml        where the server, the chain and the deployment file are; whose directory this is
//! deployment.json    the deployment file
//! wallet.json        the wallet's key, encrypted like the keyring
//! keyring.json       the copy of the keyring (the seed, wrapped)
//! identity.json      the person's own public encryption key
//! kit.json           that the recovery words were saved and proved
//! session.json       the session: token, session key, login message
//! address-book.bin   the copy of the private names, encrypted
//! uploads/           one file for each upload that has not ended
//! receipts/          one file for each receipt of the operator: evidence until it is anchored, and after
//! ```
//!
//! The directory has mode 0700 and every file 0600. Files are written beside their place, synced and renamed, so that
//! a crash leaves the old or the new one, never half of one.

mod error;

use std::path::{Path, PathBuf};

use alloy::primitives::Address;
use protocol::deployment::Deployment;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use error::DeviceError;

/// The environment variable that names the directory.
pub const HOME_VARIABLE: &str = "MEDLOCK_HOME";

/// `config.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// URL of the API, without a path. Absent on a device that only restores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// URL of an Ethereum JSON-RPC node of one's own choice: the independent view of the chain.
    pub rpc: String,
    /// The deployment file; relative to the directory. `deployment.json` if absent.
    #[serde(default = "default_deployment")]
    pub deployment: PathBuf,
    /// Whose directory this is.
    #[serde(with = "protocol::hex_text")]
    pub address: Address,
}

fn default_deployment() -> PathBuf {
    "deployment.json".into()
}

/// An open `MEDLOCK_HOME`.
#[derive(Clone, Debug)]
pub struct Home {
    dir: PathBuf,
}

/// Holds the directory for one writing command; released when dropped.
#[derive(Debug)]
pub struct HomeLock {
    _file: std::fs::File,
}

impl Home {
    /// Opens the directory; makes it if it is missing.
    ///
    /// # Errors
    /// [`DeviceError::File`].
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, DeviceError> {
        let dir = dir.into();
        make_private_dir(&dir)?;
        Ok(Self { dir })
    }

    /// Where it lies when nobody says: `$MEDLOCK_HOME`, else `medlock` in the user's configuration directory.
    ///
    /// # Errors
    /// [`DeviceError::NoHome`].
    pub fn default_dir() -> Result<PathBuf, DeviceError> {
        use etcetera::BaseStrategy;
        if let Some(dir) = std::env::var_os(HOME_VARIABLE).filter(|dir| !dir.is_empty()) {
            return Ok(dir.into());
        }
        let strategy = etcetera::choose_base_strategy().map_err(|error| DeviceError::NoHome(error.into()))?;
        Ok(strategy.config_dir().join("medlock"))
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of a file in it.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Returns whether it has been set up.
    #[must_use]
    pub fn is_set_up(&self) -> bool {
        self.path("config.toml").exists()
    }

    /// Reads `config.toml`.
    ///
    /// # Errors
    /// [`DeviceError::NotSetUp`], [`DeviceError::InvalidConfig`].
    pub fn config(&self) -> Result<Config, DeviceError> {
        let Some(bytes) = self.read("config.toml")? else {
            return Err(DeviceError::NotSetUp);
        };
        let text = String::from_utf8(bytes).map_err(|error| DeviceError::InvalidConfig {
            what: "config.toml is not text.".into(),
            source: error.into(),
        })?;
        toml::from_str(&text).map_err(|error| DeviceError::InvalidConfig {
            what: format!("config.toml: {}.", error.message()),
            source: error.into(),
        })
    }

    /// Writes `config.toml`.
    ///
    /// # Errors
    /// [`DeviceError::File`].
    pub fn save_config(&self, config: &Config) -> Result<(), DeviceError> {
        let text = toml::to_string(config).expect("the configuration has only texts");
        self.write("config.toml", text.as_bytes())
    }

    /// Reads the deployment file that `config` names.
    ///
    /// # Errors
    /// [`DeviceError::InvalidDeployment`].
    pub fn deployment(&self, config: &Config) -> Result<Deployment, DeviceError> {
        read_deployment(&self.dir.join(&config.deployment))
    }

    /// Writes the deployment file.
    ///
    /// # Errors
    /// [`DeviceError::File`].
    pub fn save_deployment(&self, deployment: &Deployment) -> Result<(), DeviceError> {
        self.write_json("deployment.json", deployment)
    }

    /// Replaces the deployment file that `config` names by one with further keys of the operator.
    ///
    /// # Errors
    /// [`DeviceError::File`].
    pub(crate) fn replace_deployment(&self, config: &Config, deployment: &Deployment) -> Result<(), DeviceError> {
        let path = self.dir.join(&config.deployment);
        let text = serde_json::to_vec_pretty(deployment).expect("a deployment has a JSON form");
        write_atomically(&path, &text).map_err(|error| local_file(&path, error))
    }

    /// Holds the directory until the lock is dropped, so that two commands do not write at once.
    ///
    /// # Errors
    /// [`DeviceError::Busy`], [`DeviceError::File`].
    pub fn lock(&self) -> Result<HomeLock, DeviceError> {
        let path = self.path("lock");
        let file =
            private_options().create(true).truncate(false).write(true).open(&path).map_err(|e| local_file(&path, e))?;
        match file.try_lock() {
            Ok(()) => Ok(HomeLock { _file: file }),
            Err(std::fs::TryLockError::WouldBlock) => Err(DeviceError::Busy),
            Err(std::fs::TryLockError::Error(error)) => Err(local_file(&path, error)),
        }
    }

    /// Reads a file; `None` if it does not exist.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, DeviceError> {
        let path = self.path(name);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(local_file(&path, error)),
        }
    }

    /// Writes a file so that a crash leaves the old or the new one.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), DeviceError> {
        let path = self.path(name);
        let parent = path.parent().expect("a file in a directory has a parent");
        make_private_dir(parent)?;
        write_atomically(&path, bytes).map_err(|error| local_file(&path, error))
    }

    /// Returns whether anything can be written.
    pub(crate) fn can_write(&self) -> bool {
        can_write(&self.dir)
    }

    /// Reads a JSON file; `None` if it does not exist.
    pub(crate) fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, DeviceError> {
        let Some(bytes) = self.read(name)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            // The cause could repeat a part of the file; position and kind suffice.
            DeviceError::Damaged { path: self.path(name), line: error.line() }
        })
    }

    /// Writes a JSON file.
    pub(crate) fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), DeviceError> {
        let bytes = zeroize::Zeroizing::new(serde_json::to_vec_pretty(value).expect("our own types have JSON forms"));
        self.write(name, &bytes)
    }

    /// Removes a file, if it exists.
    pub(crate) fn remove(&self, name: &str) -> Result<(), DeviceError> {
        let path = self.path(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(local_file(&path, error)),
            _ => Ok(()),
        }
    }

    /// Names of the files in a folder of the directory, sorted; empty if there is no such folder.
    pub(crate) fn list(&self, folder: &str) -> Result<Vec<String>, DeviceError> {
        let path = self.path(folder);
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(local_file(&path, error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| local_file(&path, error))?;
            if let Ok(name) = entry.file_name().into_string()
                && name.ends_with(".json")
            {
                names.push(format!("{folder}/{name}"));
            }
        }
        names.sort();
        Ok(names)
    }
}

/// Reads and checks a deployment file.
///
/// # Errors
/// [`DeviceError::InvalidDeployment`].
pub fn read_deployment(path: &Path) -> Result<Deployment, DeviceError> {
    let bytes = std::fs::read(path).map_err(|error| DeviceError::InvalidDeployment {
        what: format!("{} cannot be read: {error}.", path.display()),
        source: error.into(),
    })?;
    Deployment::parse(&bytes).map_err(|error| DeviceError::InvalidDeployment {
        what: format!("{} cannot be used: {error}.", path.display()),
        source: error.into(),
    })
}

/// The error for a file that cannot be read or written.
pub(crate) fn local_file(path: &Path, error: std::io::Error) -> DeviceError {
    DeviceError::File { path: path.to_owned(), source: error }
}

pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // tempfile makes files with mode 0600.
    let mut file = tempfile::Builder::new().prefix(".medlock-").tempfile_in(parent)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_dir(parent)
}

/// Returns whether anything can be written to a folder, which is made if it is missing.
pub(crate) fn can_write(folder: &Path) -> bool {
    use std::io::Write;
    std::fs::create_dir_all(folder).is_ok()
        && tempfile::tempfile_in(folder).is_ok_and(|mut file| file.write_all(&[0; 4096]).is_ok())
}

/// Makes a rename in `dir` survive a crash.
fn sync_dir(dir: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    std::fs::File::open(dir)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}

fn private_options() -> std::fs::OpenOptions {
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_private_dir(dir: &Path) -> Result<(), DeviceError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| local_file(dir, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Failure;

    fn home() -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path().join("medlock")).unwrap();
        (dir, home)
    }

    #[test]
    fn a_config_with_an_unknown_field_is_refused() {
        let (_dir, home) = home();
        assert_eq!(home.config().unwrap_err().code(), "not_set_up");
        home.write(
            "config.toml",
            b"rpc = \"http://127.0.0.1:1\"\naddress = \"0x0000000000000000000000000000000000000001\"\nport = 1\n",
        )
        .unwrap();
        assert_eq!(home.config().unwrap_err().code(), "invalid_config");
    }

    #[test]
    fn a_config_is_read_as_it_was_written() {
        let (_dir, home) = home();
        let config = Config {
            api: None,
            rpc: "http://127.0.0.1:1".into(),
            deployment: default_deployment(),
            address: Address::ZERO,
        };
        home.save_config(&config).unwrap();
        assert_eq!(home.config().unwrap(), config);
    }

    #[test]
    fn only_one_command_holds_the_directory() {
        let (_dir, home) = home();
        let held = home.lock().unwrap();
        assert_eq!(home.lock().unwrap_err().code(), "busy");
        drop(held);
        home.lock().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_the_files() {
        use std::os::unix::fs::PermissionsExt;
        let (_dir, home) = home();
        home.write("receipts/a.json", b"{}").unwrap();
        let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(home.dir().to_owned()), 0o700);
        assert_eq!(mode(home.path("receipts")), 0o700);
        assert_eq!(mode(home.path("receipts/a.json")), 0o600);
        assert_eq!(home.list("receipts").unwrap(), ["receipts/a.json"]);
    }
}
