//! The deployment file: where the contracts are, and who runs the log. Everybody starts from the same copy.

use alloy::{
    primitives::{Address, B256},
    sol_types::Eip712Domain,
};
use serde::{Deserialize, Serialize};

/// The version of this file's form.
pub const DEPLOYMENT_VERSION: u32 = 1;
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
    #[schema(value_type = String)]
    pub genesis_hash: B256,
    /// No event of ours lies before this block.
    pub start_block: u64,
    /// Who keeps the log and holds the release shares.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String)]
    pub operator: Address,
    /// The contracts.
    pub contracts: Contracts,
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
    #[schema(value_type = String)]
    pub address: Address,
    /// keccak256 of its runtime code.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String)]
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
