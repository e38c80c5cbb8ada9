use alloy::{primitives::LogData, sol_types::SolEventInterface};
use protocol::deployment::ContractName;

use crate::{
    access_log::AccessLog::AccessLogEvents, accreditation::Accreditation::AccreditationEvents,
    grant_registry::GrantRegistry::GrantRegistryEvents, key_registry::KeyRegistry::KeyRegistryEvents,
    record_registry::RecordRegistry::RecordRegistryEvents,
};

/// A decoded event of one of the contracts.
#[derive(Debug)]
pub enum ChainEvent {
    /// An event of `Accreditation`.
    Accreditation(AccreditationEvents),
    /// An event of `KeyRegistry`.
    Key(KeyRegistryEvents),
    /// An event of `RecordRegistry`.
    Record(RecordRegistryEvents),
    /// An event of `GrantRegistry`.
    Grant(GrantRegistryEvents),
    /// An event of `AccessLog`.
    Log(AccessLogEvents),
}

/// The log is not an event of the contract: the contract is of another deployment, or not ours.
#[derive(Debug, thiserror::Error)]
#[error("the log is not an event of {contract:?}")]
pub struct EventError {
    /// The contract that should have emitted the log.
    pub contract: ContractName,
    /// The error of the decoder.
    #[source]
    pub source: alloy::sol_types::Error,
}

impl ChainEvent {
    /// Decodes a log that `contract` emitted.
    ///
    /// # Errors
    /// [`EventError`] when the topics or the data do not match an event of the contract.
    pub fn decode(contract: ContractName, log: &LogData) -> Result<Self, EventError> {
        let (topics, data) = (log.topics(), &log.data);
        match contract {
            ContractName::Accreditation => AccreditationEvents::decode_raw_log(topics, data).map(Self::Accreditation),
            ContractName::KeyRegistry => KeyRegistryEvents::decode_raw_log(topics, data).map(Self::Key),
            ContractName::RecordRegistry => RecordRegistryEvents::decode_raw_log(topics, data).map(Self::Record),
            ContractName::GrantRegistry => GrantRegistryEvents::decode_raw_log(topics, data).map(Self::Grant),
            ContractName::AccessLog => AccessLogEvents::decode_raw_log(topics, data).map(Self::Log),
        }
        .map_err(|source| EventError { contract, source })
    }
}
