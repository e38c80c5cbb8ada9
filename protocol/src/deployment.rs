//! The deployment file: where the contracts are, who runs the log, and to which keys release shares are sealed. Everybody
//! starts from the same copy (`SPEC.md`, section 12).

use alloy::{
    primitives::{Address, B256},
    sol_types::Eip712Domain,
};
use serde::{Deserialize, Serialize};

use crate::operator_keys::{self, OperatorKeysError, OperatorPublicKey, SignedOperatorKey};

/// The version of this file's form.
pub const DEPLOYMENT_VERSION: u32 = 3;
/// EIP-712 domain name of every contract.
pub const DOMAIN_NAME: &str = "medlock";
/// EIP-712 domain version of every contract.
pub const DOMAIN_VERSION: &str = "1";

/// A deployment, as `contracts/script/Deploy.s.sol` writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// [`DEPLOYMENT_VERSION`].
    pub version: u32,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Hash of block 0: tells two chains with the same id apart.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub genesis_hash: B256,
    /// No event of ours lies before this block.
    pub start_block: u64,
    /// Who keeps the log and holds the release shares.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub operator: Address,
    /// The operator's encryption keys, each signed by the operator, newest last.
    pub operator_keys: Vec<SignedOperatorKey>,
    /// The contracts.
    pub contracts: Contracts,
}

/// A deployment file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeploymentError {
    /// It is not JSON of this form.
    #[error("it is not a deployment file: {0}")]
    Form(#[source] serde_json::Error),
    /// It has another version.
    #[error("it has version {found}, this program reads version {DEPLOYMENT_VERSION}")]
    Version {
        /// The version that it has.
        found: u32,
    },
}

/// The contracts of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Contracts {
    /// Who vouches for whom.
    pub accreditation: DeployedContract,
    /// Public encryption keys.
    pub key_registry: DeployedContract,
    /// Records and versions.
    pub record_registry: DeployedContract,
    /// Grants.
    pub grant_registry: DeployedContract,
    /// The anchored log.
    pub access_log: DeployedContract,
}

/// One contract of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeployedContract {
    /// Its address.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub address: Address,
    /// keccak256 of its runtime code.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub code_hash: B256,
}

/// Names one of the five contracts.
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
    /// Parses the JSON of a deployment file. The version is checked first: a file of another version has another form.
    ///
    /// # Errors
    /// [`DeploymentError`].
    pub fn parse(json: &[u8]) -> Result<Self, DeploymentError> {
        #[derive(Deserialize)]
        struct OnlyVersion {
            version: u32,
        }
        let OnlyVersion { version } = serde_json::from_slice(json).map_err(DeploymentError::Form)?;
        check_version(version)?;
        serde_json::from_slice(json).map_err(DeploymentError::Form)
    }

    /// Checks that the version is [`DEPLOYMENT_VERSION`], for a deployment that came in another message.
    ///
    /// # Errors
    /// [`DeploymentError::Version`].
    pub const fn check_version(&self) -> Result<(), DeploymentError> {
        check_version(self.version)
    }

    /// The address of a contract.
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

    /// Checks every encryption key of the operator; gives the newest, to which release shares are sealed.
    ///
    /// # Errors
    /// See [`OperatorKeysError`]; also when there is none yet.
    pub fn operator_key(&self) -> Result<OperatorPublicKey, OperatorKeysError> {
        operator_keys::check(self)?.pop().ok_or(OperatorKeysError::None)
    }

    /// Makes sure that this file may take the place of the one that was kept: all is equal, but keys of the operator may
    /// follow. The keys themselves are for [`Deployment::operator_key`] to check.
    ///
    /// # Errors
    /// [`OperatorKeysError::Pinned`].
    pub fn expect_extends(&self, kept: &Self) -> Result<(), OperatorKeysError> {
        let extends = self.is_same_but_for_keys(kept) && self.operator_keys.starts_with(&kept.operator_keys);
        extends.then_some(()).ok_or(OperatorKeysError::Pinned)
    }

    /// Whether chain, contracts and operator are the same, whatever the operator's encryption keys are.
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

    /// The EIP-712 domain of a contract.
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
