//! The settings in `anvil.toml`: the local chain, and the roles of its accounts.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use alloy::{
    primitives::Address,
    signers::local::{MnemonicBuilder, PrivateKeySigner},
};
use serde::Deserialize;
use thiserror::Error;

/// The largest number of accounts that Anvil derives.
const ACCOUNTS_MAX: u32 = 1_000;

/// The content of `anvil.toml`. Unknown keys are refused, so that a misspelled key is not ignored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The EIP-155 chain id.
    pub chain_id: u64,
    /// The preferred port of the chain's RPC for `up`; tests use free ports.
    pub port: u16,
    /// The number of seconds between blocks; 0 mines a block for each transaction.
    pub block_time_seconds: u64,
    /// The EVM version, with Anvil's name.
    pub hardfork: String,
    /// The BIP-39 words of the accounts. They are public knowledge.
    pub mnemonic: String,
    /// The number of accounts with ether.
    pub accounts: u32,
    /// The ether of each account.
    pub balance_ether: u64,
    /// The state of the chain.
    pub state: ChainState,
    /// The account index of each role.
    pub people: BTreeMap<Role, u32>,
}

/// The settings for the state of the chain, which survives a restart.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainState {
    /// The name of a file inside the state folder.
    pub file: PathBuf,
    /// The number of seconds between two writes of the state. A killed chain loses at most this much.
    pub interval_seconds: u64,
}

/// The role of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Deploys the contracts and owns `Accreditation`.
    Owner,
    /// Submits and pays for signed messages that give something.
    Relayer,
    /// Holds release shares and keeps the access log.
    Operator,
    /// Vouches for practitioners.
    Accreditor,
    /// The first patient.
    Patient,
    /// The first doctor.
    Doctor,
    /// A laboratory.
    Lab,
    /// Recomputes the log.
    Auditor,
    /// A second patient, with other records.
    SecondPatient,
    /// A doctor without a grant.
    SecondDoctor,
    /// Submits signed messages that take something away: revocations, suspensions, tombstones.
    UrgentRelayer,
    /// Submits the heads of the log.
    CheckpointRelayer,
}

impl Role {
    /// Every role, in the order of the accounts.
    pub const ALL: [Self; 12] = [
        Self::Owner,
        Self::Relayer,
        Self::Operator,
        Self::Accreditor,
        Self::Patient,
        Self::Doctor,
        Self::Lab,
        Self::Auditor,
        Self::SecondPatient,
        Self::SecondDoctor,
        Self::UrgentRelayer,
        Self::CheckpointRelayer,
    ];

    /// Returns the role's name, as `anvil.toml` writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Relayer => "relayer",
            Self::Operator => "operator",
            Self::Accreditor => "accreditor",
            Self::Patient => "patient",
            Self::Doctor => "doctor",
            Self::Lab => "lab",
            Self::Auditor => "auditor",
            Self::SecondPatient => "second_patient",
            Self::SecondDoctor => "second_doctor",
            Self::UrgentRelayer => "urgent_relayer",
            Self::CheckpointRelayer => "checkpoint_relayer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An account of the local chain. Its key is public knowledge.
#[derive(Clone, Debug)]
pub struct Person {
    /// The role of the account.
    pub role: Role,
    /// The address.
    pub address: Address,
    /// The signer for the account.
    pub signer: PrivateKeySigner,
}

impl Person {
    /// Returns the private key as `0x` and 64 hex digits, for the files that our servers and the command line read.
    #[must_use]
    pub fn private_key_hex(&self) -> String {
        format!("0x{}", hex::encode(self.signer.to_bytes()))
    }
}

/// The reason why `anvil.toml` cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file does not exist in this folder or in a folder above.
    #[error("anvil.toml is not in {0} nor in a folder above it")]
    NotFound(PathBuf),
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file is not TOML, or has a key that is unknown, missing or of the wrong type.
    #[error("{path}: {source}")]
    Malformed {
        /// The path of the file.
        path: PathBuf,
        /// The error of the parser.
        source: Box<toml::de::Error>,
    },
    /// A value is out of range.
    #[error("{path}: {reason}")]
    Invalid {
        /// The path of the file.
        path: PathBuf,
        /// A sentence that says what is wrong.
        reason: String,
    },
}

impl Settings {
    /// Reads and checks `anvil.toml` of the checkout that contains the current folder.
    ///
    /// # Errors
    /// [`SettingsError`] when there is none, or it is not valid.
    pub fn find() -> Result<Self, SettingsError> {
        Self::read(&checkout()?.join("anvil.toml"))
    }

    /// Reads and checks one file.
    ///
    /// # Errors
    /// [`SettingsError`] when it cannot be read or is not valid.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let text =
            fs::read_to_string(path).map_err(|source| SettingsError::Unreadable { path: path.to_owned(), source })?;
        let settings: Self = toml::from_str(&text)
            .map_err(|source| SettingsError::Malformed { path: path.to_owned(), source: Box::new(source) })?;
        settings.check().map_err(|reason| SettingsError::Invalid { path: path.to_owned(), reason })?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), String> {
        if self.chain_id == 0 || self.chain_id > u64::from(u32::MAX) {
            return Err(format!("chain_id {} is not between 1 and {}", self.chain_id, u32::MAX));
        }
        if self.port == 0 {
            return Err("port must be 1 to 65535".into());
        }
        if self.accounts == 0 || self.accounts > ACCOUNTS_MAX {
            return Err(format!("accounts {} is not between 1 and {ACCOUNTS_MAX}", self.accounts));
        }
        if self.state.interval_seconds == 0 {
            return Err("state.interval_seconds must be at least 1".into());
        }
        if self.state.file.components().count() != 1 || self.state.file.file_name().is_none() {
            return Err("state.file must be a file name without folders".into());
        }
        for role in Role::ALL {
            let index = self.people.get(&role).ok_or_else(|| format!("people.{role} is missing"))?;
            if *index >= self.accounts {
                return Err(format!("people.{role} is account {index}, but there are only {}", self.accounts));
            }
        }
        let mut indexes: Vec<_> = self.people.values().collect();
        indexes.sort_unstable();
        indexes.dedup();
        if indexes.len() != self.people.len() {
            return Err("two people share an account".into());
        }
        self.account(0).map(drop).map_err(|error| format!("mnemonic: {error}"))
    }

    fn account(&self, index: u32) -> Result<PrivateKeySigner, alloy::signers::local::LocalSignerError> {
        MnemonicBuilder::from_phrase(self.mnemonic.as_str()).index(index)?.build()
    }

    /// Returns the account of a role.
    #[must_use]
    pub fn person(&self, role: Role) -> Person {
        let index = self.people.get(&role).expect("checked when the settings were read: every role has an account");
        let signer = self.account(*index).expect("checked when the settings were read: the mnemonic is valid");
        Person { role, address: signer.address(), signer }
    }
}

/// Returns the root of the checkout that contains the current folder: the nearest folder with an `anvil.toml`.
///
/// # Errors
/// [`SettingsError::NotFound`] when there is none.
pub fn checkout() -> Result<PathBuf, SettingsError> {
    let here =
        std::env::current_dir().map_err(|source| SettingsError::Unreadable { path: PathBuf::from("."), source })?;
    here.ancestors()
        .find(|folder| folder.join("anvil.toml").is_file())
        .map(Path::to_owned)
        .ok_or(SettingsError::NotFound(here))
}
