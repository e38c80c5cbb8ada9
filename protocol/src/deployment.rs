//! The deployment file: the addresses of the contracts, the operator of the log, and the keys to which release shares
//! are sealed. All parties start from the same copy (`SPEC.md`, section 12).

use alloy::{
    primitives::{Address, B256},
    sol_types::Eip712Domain,
};
use serde::{Deserialize, Serialize};

use crate::operator_keys::{self, OperatorKeysError, OperatorPublicKey, SignedOperatorKey};

/// The version of the file format.
pub const DEPLOYMENT_VERSION: u32 = 4;
/// The EIP-712 domain name of every contract.
pub const DOMAIN_NAME: &str = "medlock";
/// The EIP-712 domain version of every contract.
pub const DOMAIN_VERSION: &str = "1";

/// A deployment, in the form that `contracts/script/Deploy.s.sol` writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// The version of the file: 4.
    pub version: u32,
    /// The EIP-155 chain id.
    pub chain_id: u64,
    /// The hash of block 0. It distinguishes two chains with the same id.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub genesis_hash: B256,
    /// The first block that may contain an event of these contracts.
    pub start_block: u64,
    /// The operator, who keeps the log and holds the release shares.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub operator: Address,
    /// The operator's encryption keys, each signed by the operator, newest last.
    pub operator_keys: Vec<SignedOperatorKey>,
    /// The contracts.
    pub contracts: Contracts,
}

/// The reason why a deployment file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeploymentError {
    /// The file is not JSON of this form.
    #[error("it is not a deployment file: {0}")]
    Form(#[source] serde_json::Error),
    /// The file has another version.
    #[error(
        "it has version {found}, and this program reads version {DEPLOYMENT_VERSION}: set up the network again, or use the file of the new deployment"
    )]
    Version {
        /// The version of the file.
        found: u32,
    },
}

/// The contracts of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Contracts {
    /// `Accreditation`: accreditors and practitioners.
    pub accreditation: DeployedContract,
    /// `KeyRegistry`: public encryption keys.
    pub key_registry: DeployedContract,
    /// `RecordRegistry`: records and versions.
    pub record_registry: DeployedContract,
    /// `GrantRegistry`: grants.
    pub grant_registry: DeployedContract,
    /// `AccessLog`: the anchored log.
    pub access_log: DeployedContract,
}

/// One contract of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeployedContract {
    /// The address of the contract.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub address: Address,
    /// The keccak256 hash of its runtime code.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub code_hash: B256,
}

/// The name of one of the five contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContractName {
    /// `Accreditation`
    Accreditation,
    /// `KeyRegistry`
    KeyRegistry,
    /// `RecordRegistry`
    RecordRegistry,
    /// `GrantRegistry`
    GrantRegistry,
    /// `AccessLog`
    AccessLog,
}

impl Deployment {
    /// Parses the JSON of a deployment file. Checks the version first, because a file of another version has another
    /// form.
    ///
    /// # Errors
    /// [`DeploymentError`] when the version or the form is wrong.
    pub fn parse(json: &[u8]) -> Result<Self, DeploymentError> {
        #[derive(Deserialize)]
        struct OnlyVersion {
            version: u32,
        }
        let OnlyVersion { version } = serde_json::from_slice(json).map_err(DeploymentError::Form)?;
        check_version(version)?;
        serde_json::from_slice(json).map_err(DeploymentError::Form)
    }

    /// Checks that the version is [`DEPLOYMENT_VERSION`], for a deployment that was part of another message.
    ///
    /// # Errors
    /// [`DeploymentError::Version`].
    pub const fn check_version(&self) -> Result<(), DeploymentError> {
        check_version(self.version)
    }

    /// Returns the address of a contract.
    #[must_use]
    pub fn address_of(&self, contract: ContractName) -> Address {
        let contracts = &self.contracts;
        match contract {
            ContractName::Accreditation => &contracts.accreditation,
            ContractName::KeyRegistry => &contracts.key_registry,
            ContractName::RecordRegistry => &contracts.record_registry,
            ContractName::GrantRegistry => &contracts.grant_registry,
            ContractName::AccessLog => &contracts.access_log,
        }
        .address
    }

    /// Checks every encryption key of the operator and returns the newest, to which release shares are sealed.
    ///
    /// # Errors
    /// [`OperatorKeysError`], also when there is no key yet.
    pub fn operator_key(&self) -> Result<OperatorPublicKey, OperatorKeysError> {
        operator_keys::check(self)?.pop().ok_or(OperatorKeysError::None)
    }

    /// Checks that this file may replace the file that was kept: everything is equal, except that keys of the operator
    /// may be added at the end. Does not check the keys themselves; [`Deployment::operator_key`] does.
    ///
    /// # Errors
    /// [`OperatorKeysError::Pinned`] when it may not.
    pub fn expect_extends(&self, kept: &Self) -> Result<(), OperatorKeysError> {
        let extends = self.is_same_but_for_keys(kept) && self.operator_keys.starts_with(&kept.operator_keys);
        extends.then_some(()).ok_or(OperatorKeysError::Pinned)
    }

    /// Returns whether chain, contracts and operator are the same. The operator's encryption keys may differ.
    #[must_use]
    pub fn is_same_but_for_keys(&self, other: &Self) -> bool {
        let Self { version, chain_id, genesis_hash, start_block, operator, operator_keys: _, contracts } = self;
        (version, chain_id, genesis_hash, start_block, operator, contracts)
            == (
                &other.version,
                &other.chain_id,
                &other.genesis_hash,
                &other.start_block,
                &other.operator,
                &other.contracts,
            )
    }

    /// Returns the EIP-712 domain of a contract.
    #[must_use]
    pub fn domain_of(&self, contract: ContractName) -> Eip712Domain {
        Eip712Domain::new(
            Some(DOMAIN_NAME.into()),
            Some(DOMAIN_VERSION.into()),
            Some(alloy::primitives::U256::from(self.chain_id)),
            Some(self.address_of(contract)),
            None,
        )
    }
}

const fn check_version(found: u32) -> Result<(), DeploymentError> {
    if found == DEPLOYMENT_VERSION { Ok(()) } else { Err(DeploymentError::Version { found }) }
}
