//! The state of permissions, records and accreditations at an earlier block, from events. Every node that keeps logs can
//! answer; none has to keep old states.

use std::collections::HashSet;

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256},
    providers::Provider,
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use contracts::{
    Terms, access_log::AccessLog, accreditation::Accreditation, grant_registry::GrantRegistry,
    record_registry::RecordRegistry,
};
use protocol::{
    codes::{RecordStatus, ScopeKind},
    deployment::ContractName,
    ids::{RecordId, Tag},
};

use super::{
    AnchoredAccess, Block, Chain, ChainError,
    events::{accessed, decode},
    nonsense, rpc,
};

/// The number of records in one filter.
const RECORDS_AT_ONCE: usize = 200;

/// An event that changed a patient's grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantEvent {
    /// A grant began to stand, or was replaced.
    Granted {
        /// The tag of the grant.
        tag: Tag,
        /// The id of the scope; its kind is in the terms.
        scope_id: B256,
        /// The stored terms.
        terms: Terms,
    },
    /// A grant ended.
    Revoked {
        /// The tag of the grant.
        tag: Tag,
        /// The kind of the scope; `None` for one that this version does not know.
        kind: Option<ScopeKind>,
        /// The id of the scope.
        scope_id: B256,
    },
    /// Everything ended.
    AllRevoked {
        /// The patient's epoch from then on.
        patient_epoch: u32,
    },
}

/// An event that changed whether somebody is accredited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccreditationEvent {
    /// Somebody vouched.
    Accredited {
        /// The address.
        accreditor: Address,
        /// Unix seconds.
        valid_from: u64,
        /// Unix seconds.
        valid_until: u64,
    },
    /// The accreditor suspended it.
    Suspended,
    /// An accreditor was named or removed.
    AccreditorSet {
        /// The address.
        accreditor: Address,
        /// Whether it may vouch from then on.
        active: bool,
        /// Its epoch from then on.
        epoch: u32,
    },
}

/// The history of a record, by block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordHistory {
    /// The patient.
    pub patient: Address,
    /// Category code.
    pub category: u16,
    /// Block and number of each version.
    pub versions: Vec<(u64, u16)>,
    /// Block and status of each change.
    pub statuses: Vec<(u64, RecordStatus)>,
}

impl Chain {
    /// The time of a block.
    pub async fn block_time(&self, number: u64) -> Result<u64, ChainError> {
        let block = self.provider.get_block_by_number(BlockNumberOrTag::Number(number)).await.map_err(rpc)?;
        Ok(block
            .ok_or_else(|| nonsense("The Ethereum node does not have a block of its own events."))?
            .header
            .timestamp)
    }

    /// The block of a hash; `None` if the chain does not have it (any more).
    pub async fn find_block(&self, hash: B256) -> Result<Option<Block>, ChainError> {
        let found = self.provider.get_block_by_hash(hash).await.map_err(rpc)?;
        let Some(found) = found else { return Ok(None) };
        // A node may still know a block that a reorganisation has replaced.
        let (number, time) = (found.header.number, found.header.timestamp);
        let at = self.provider.get_block_by_number(BlockNumberOrTag::Number(number)).await.map_err(rpc)?;
        Ok(at.filter(|block| block.header.hash == hash).map(|_| Block { number, time }))
    }

    /// The number of the newest block whose time is not after `time`.
    pub async fn block_not_after(&self, time: u64) -> Result<u64, ChainError> {
        let (mut low, mut high) = (0, self.head().await?.number);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if self.block_time(middle).await? <= time {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        Ok(low)
    }

    /// Everything that changed a patient's grants, oldest first, each with its block.
    pub async fn grant_events(&self, patient: Address) -> Result<Vec<(u64, GrantEvent)>, ChainError> {
        let signatures = vec![
            GrantRegistry::Granted::SIGNATURE_HASH,
            GrantRegistry::Revoked::SIGNATURE_HASH,
            GrantRegistry::AllRevoked::SIGNATURE_HASH,
        ];
        let filter = self.filter(ContractName::GrantRegistry).event_signature(signatures).topic1(patient.into_word());
        let event_of = |log: &Log| {
            Ok::<_, ChainError>(match log.topic0() {
                Some(&GrantRegistry::Granted::SIGNATURE_HASH) => {
                    let event = decode::<GrantRegistry::Granted>(log)?;
                    let (tag, scope_id) = (Tag(event.tag), event.scopeId);
                    GrantEvent::Granted { tag, scope_id, terms: Terms::from(event.terms) }
                }
                Some(&GrantRegistry::Revoked::SIGNATURE_HASH) => {
                    let event = decode::<GrantRegistry::Revoked>(log)?;
                    let kind = ScopeKind::from_code(event.kind);
                    GrantEvent::Revoked { tag: Tag(event.tag), kind, scope_id: event.scopeId }
                }
                _ => {
                    let event = decode::<GrantRegistry::AllRevoked>(log)?;
                    GrantEvent::AllRevoked { patient_epoch: event.patientEpoch }
                }
            })
        };
        let logs = self.logs(filter).await?;
        logs.iter().map(|log| Ok((log.block_number.unwrap_or_default(), event_of(log)?))).collect()
    }

    /// Returns the history of a record; `None` if there is no such record.
    pub async fn record_history(&self, record: RecordId) -> Result<Option<RecordHistory>, ChainError> {
        let versions = self.versions(record).await?;
        let Some(first) = versions.first() else { return Ok(None) };
        let filter = self
            .filter(ContractName::RecordRegistry)
            .event_signature(RecordRegistry::RecordStatusChanged::SIGNATURE_HASH)
            .topic1(record.0);
        let mut statuses = Vec::new();
        for log in self.logs(filter).await? {
            let event = decode::<RecordRegistry::RecordStatusChanged>(&log)?;
            if let Some(status) = RecordStatus::from_code(event.status) {
                statuses.push((log.block_number.unwrap_or_default(), status));
            }
        }
        Ok(Some(RecordHistory {
            patient: first.patient,
            category: first.category,
            versions: versions.iter().map(|version| (version.block_number, version.version)).collect(),
            statuses,
        }))
    }

    /// Everything that changed whether somebody is accredited, oldest first, each with its block.
    pub async fn accreditation_events(
        &self,
        practitioner: Address,
    ) -> Result<Vec<(u64, AccreditationEvent)>, ChainError> {
        let signatures =
            vec![Accreditation::Accredited::SIGNATURE_HASH, Accreditation::AccreditationChanged::SIGNATURE_HASH];
        let about =
            self.filter(ContractName::Accreditation).event_signature(signatures).topic2(practitioner.into_word());
        let mut logs = self.logs(about).await?;
        let accreditors: HashSet<B256> = logs.iter().filter_map(|log| log.topics().get(1).copied()).collect();
        if !accreditors.is_empty() {
            let set = self
                .filter(ContractName::Accreditation)
                .event_signature(Accreditation::AccreditorSet::SIGNATURE_HASH)
                .topic1(accreditors.into_iter().collect::<Vec<_>>());
            logs.extend(self.logs(set).await?);
        }
        logs.sort_by_key(|log| (log.block_number, log.log_index));
        let mut events = Vec::with_capacity(logs.len());
        for log in &logs {
            let event = match log.topic0() {
                Some(&Accreditation::Accredited::SIGNATURE_HASH) => {
                    let event = decode::<Accreditation::Accredited>(log)?;
                    AccreditationEvent::Accredited {
                        accreditor: event.accreditor,
                        valid_from: event.validFrom.to(),
                        valid_until: event.validUntil.to(),
                    }
                }
                Some(&Accreditation::AccreditationChanged::SIGNATURE_HASH) => AccreditationEvent::Suspended,
                _ => {
                    let event = decode::<Accreditation::AccreditorSet>(log)?;
                    let (accreditor, active, epoch) = (event.accreditor, event.active, event.epoch);
                    AccreditationEvent::AccreditorSet { accreditor, active, epoch }
                }
            };
            events.push((log.block_number.unwrap_or_default(), event));
        }
        Ok(events)
    }

    /// The operator's accesses of some records, oldest first.
    pub async fn accesses_of(&self, records: &HashSet<RecordId>) -> Result<Vec<AnchoredAccess>, ChainError> {
        let ids: Vec<B256> = records.iter().map(|record| record.0).collect();
        let mut accesses = Vec::new();
        for ids in ids.chunks(RECORDS_AT_ONCE) {
            let filter = self
                .filter(ContractName::AccessLog)
                .event_signature(AccessLog::Accessed::SIGNATURE_HASH)
                .topic1(self.deployment.operator.into_word())
                .topic2(ids.to_vec());
            for log in self.logs(filter).await? {
                accesses.push(accessed(&log)?);
            }
        }
        Ok(accesses)
    }

    fn filter(&self, contract: ContractName) -> Filter {
        Filter::new().address(self.deployment.address_of(contract))
    }
}
