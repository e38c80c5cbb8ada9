use alloy::{primitives::LogData, sol_types::SolEventInterface};
use protocol::deployment::ContractName;

use crate::{
    access_log::AccessLog::AccessLogEvents, accreditation::Accreditation::AccreditationEvents,
    grant_registry::GrantRegistry::GrantRegistryEvents, key_registry::KeyRegistry::KeyRegistryEvents,
    record_registry::RecordRegistry::RecordRegistryEvents,
};

/// An event of one of the contracts, decoded.
#[derive(Debug)]
pub enum ChainEvent {
    /// Of `Accreditation`.
    Accreditation(AccreditationEvents),
    /// Of `KeyRegistry`.
    Key(KeyRegistryEvents),
    /// Of `RecordRegistry`.
    Record(RecordRegistryEvents),
    /// Of `GrantRegistry`.
    Grant(GrantRegistryEvents),
    /// Of `AccessLog`.
    Log(AccessLogEvents),
}

/// A log that is none of the contract's events: another deployment, or not our contract at all.
#[derive(Debug, thiserror::Error)]
#[error("the log is not an event of {contract:?}")]
pub struct EventError {
    /// Whose log it was said to be.
    pub contract: ContractName,
    /// What the decoder said.
    #[source]
    pub source: alloy::sol_types::Error,
}

impl ChainEvent {
    /// Decodes a log that `contract` emitted.
    ///
    /// # Errors
    /// [`EventError`] when topics or data are not of one of the contract's events.
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
