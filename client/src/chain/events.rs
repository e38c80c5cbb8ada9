//! Data from the chain's events: keys, versions, grants, and the anchored log.

use std::collections::{BTreeMap, HashMap};

use alloy::{
    primitives::{Address, B256, keccak256},
    providers::Provider,
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use contracts::{
    Terms, access_log::AccessLog, grant_registry::GrantRegistry, key_registry::KeyRegistry,
    record_registry::RecordRegistry,
};
use protocol::{
    cid::{Cid, Codec},
    codes::{KEM_X_WING, SLOT_IDENTITY, ScopeKind},
    deployment::ContractName,
    identity::PublicKey,
    ids::{GrantId, LeafHash, RecordId, Tag},
};

use super::{Chain, ChainError, nonsense, rpc};

/// Blocks asked for at once; halved when the node refuses so many.
const BLOCKS_AT_ONCE: u64 = 100_000;

/// One version of a record, from its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainVersion {
    /// The record.
    pub record: RecordId,
    /// From 1.
    pub version: u16,
    /// The patient.
    pub patient: Address,
    /// The uploader.
    pub uploader: Address,
    /// CID of the envelope.
    pub cid: Cid,
    /// Category code.
    pub category: u16,
    /// Its block.
    pub block_number: u64,
    /// Its transaction.
    pub tx_hash: B256,
}

/// The identity keys of somebody, by epoch.
#[derive(Clone, Debug, Default)]
pub struct KeyHistory {
    /// keccak256 of each key.
    pub hashes: BTreeMap<u32, B256>,
    /// Whether the events of all epochs are there: an RPC may have given up old ones.
    pub is_whole: bool,
}

/// One grant that stands on chain.
#[derive(Clone, Copy, Debug)]
pub struct ChainGrant {
    /// Its storage key.
    pub id: GrantId,
    /// The grantee's tag.
    pub tag: Tag,
    /// The kind of its scope.
    pub kind: ScopeKind,
    /// Record id, category or zero.
    pub scope_id: B256,
    /// The stored terms, read now.
    pub terms: Terms,
    /// SHA-256 of its bundle.
    pub bundle_hash: B256,
    /// The patient's epoch, read now.
    pub patient_epoch: u32,
    /// Transaction of the grant.
    pub tx_hash: B256,
}

impl ChainGrant {
    /// Returns whether the patient has not ended it; the period is not considered.
    #[must_use]
    pub const fn stands(&self) -> bool {
        self.terms.stands(self.patient_epoch)
    }
}

/// One anchored key release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnchoredAccess {
    /// Which record.
    pub record: RecordId,
    /// The reader's tag.
    pub tag: Tag,
    /// The purpose's bit.
    pub purposes: u16,
    /// The leaf.
    pub leaf: LeafHash,
    /// Its block.
    pub block_number: u64,
    /// Its transaction.
    pub tx_hash: B256,
}

/// One checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Number of leaves.
    pub size: u64,
    /// RFC 6962 root, as the operator claims.
    pub root: B256,
    /// The chained head, as the contract computed it.
    pub head: B256,
    /// Its block.
    pub block_number: u64,
}

/// An operator's log as the chain has it: accesses in order, and each checkpoint with the number of accesses before it.
#[derive(Clone, Debug, Default)]
pub struct AccessLogEvents {
    /// Accesses in the order of their leaves.
    pub accesses: Vec<AnchoredAccess>,
    /// Checkpoints in order, each with how many accesses stand before it.
    pub anchors: Vec<(usize, Anchor)>,
    /// The newest block that was asked.
    pub head_block: u64,
}

impl Chain {
    /// The current public key of somebody, from the event whose hash the contract stores.
    ///
    /// # Errors
    /// [`ChainError::NoKey`]; [`ChainError::NoHistory`] if the node has given up the event.
    pub async fn public_key(&self, owner: Address) -> Result<(PublicKey, u32), ChainError> {
        let key = self.find_key(owner).await?.ok_or(ChainError::NoKey(owner))?;
        let filter = self.key_filter().topic1(owner.into_word()).topic2(key.hash);
        for event in self.decoded::<KeyRegistry::KeyRegistered>(filter).await? {
            if event.slot == SLOT_IDENTITY && event.epoch == key.epoch {
                return Ok((checked_key(&event, key.hash)?, key.epoch));
            }
        }
        Err(ChainError::NoHistory("The RPC has given up the event of a published key."))
    }

    /// The public key of somebody in an epoch.
    ///
    /// # Errors
    /// [`ChainError::NoKeyAt`] if there was no such epoch.
    pub async fn public_key_at(&self, owner: Address, epoch: u32) -> Result<PublicKey, ChainError> {
        let filter = self.key_filter().topic1(owner.into_word());
        for event in self.decoded::<KeyRegistry::KeyRegistered>(filter).await? {
            if event.slot == SLOT_IDENTITY && event.epoch == epoch {
                let hash = event.keyHash;
                return checked_key(&event, hash);
            }
        }
        Err(ChainError::NoKeyAt { owner, epoch })
    }

    /// Every identity key of somebody that can be sealed to, by epoch.
    ///
    /// # Errors
    /// [`ChainError::Rpc`].
    pub async fn public_keys(&self, owner: Address) -> Result<Vec<(u32, PublicKey)>, ChainError> {
        let events = self.decoded::<KeyRegistry::KeyRegistered>(self.key_filter().topic1(owner.into_word())).await?;
        let usable = |event: &KeyRegistry::KeyRegistered| {
            let key = checked_key(event, event.keyHash).ok()?;
            (event.slot == SLOT_IDENTITY).then_some((event.epoch, key))
        };
        Ok(events.iter().filter_map(usable).collect())
    }

    /// Every identity key that somebody ever had, from the events and the contract's storage.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] if events and storage contradict each other.
    pub async fn key_history(&self, owner: Address) -> Result<KeyHistory, ChainError> {
        // The storage is read first. A key that is registered between the two queries is then in the events.
        let stored = self.find_key(owner).await?;
        let events = self.decoded::<KeyRegistry::KeyRegistered>(self.key_filter().topic1(owner.into_word())).await?;
        let mut hashes: BTreeMap<u32, B256> = events
            .iter()
            .filter(|event| event.slot == SLOT_IDENTITY && keccak256(&event.key) == event.keyHash)
            .map(|event| (event.epoch, event.keyHash))
            .collect();
        if let Some(stored) = stored
            && *hashes.entry(stored.epoch).or_insert(stored.hash) != stored.hash
        {
            return Err(nonsense("The RPC contradicts itself about a published key."));
        }
        let is_whole = hashes.keys().cloned().eq(1..=u32::try_from(hashes.len()).unwrap_or(u32::MAX));
        // Without the event of the newest, nothing says that older ones are not missing too.
        let has_newest = stored.is_none_or(|stored| events.iter().any(|event| event.epoch == stored.epoch));
        Ok(KeyHistory { hashes, is_whole: is_whole && has_newest })
    }

    /// Every owner of an identity key.
    ///
    /// # Errors
    /// [`ChainError::Rpc`]. All functions below have the same errors.
    pub async fn key_owners(&self) -> Result<Vec<Address>, ChainError> {
        let events = self.decoded::<KeyRegistry::KeyRegistered>(self.key_filter()).await?;
        let mut owners: Vec<Address> =
            events.iter().filter(|event| event.slot == SLOT_IDENTITY).map(|e| e.owner).collect();
        owners.sort_unstable();
        owners.dedup();
        Ok(owners)
    }

    fn key_filter(&self) -> Filter {
        Filter::new()
            .address(self.deployment.address_of(ContractName::KeyRegistry))
            .event_signature(KeyRegistry::KeyRegistered::SIGNATURE_HASH)
    }

    /// Every version of a record, oldest first.
    pub async fn versions(&self, record: RecordId) -> Result<Vec<ChainVersion>, ChainError> {
        self.version_events(self.version_filter().topic1(record.0)).await
    }

    /// Every version of every record of a patient, oldest first.
    pub async fn versions_of(&self, patient: Address) -> Result<Vec<ChainVersion>, ChainError> {
        self.version_events(self.version_filter().topic2(patient.into_word())).await
    }

    fn version_filter(&self) -> Filter {
        Filter::new()
            .address(self.deployment.address_of(ContractName::RecordRegistry))
            .event_signature(RecordRegistry::RecordRegistered::SIGNATURE_HASH)
    }

    async fn version_events(&self, filter: Filter) -> Result<Vec<ChainVersion>, ChainError> {
        let mut versions = Vec::new();
        for log in self.logs(filter).await? {
            let event = decode::<RecordRegistry::RecordRegistered>(&log)?;
            let codec =
                Codec::from_code(event.codec).map_err(|_| nonsense("A record on chain has an unknown codec."))?;
            versions.push(ChainVersion {
                record: RecordId(event.id),
                version: event.version,
                patient: event.patient,
                uploader: event.uploader,
                cid: Cid::new(codec, event.digest),
                category: event.category,
                block_number: log.block_number.unwrap_or_default(),
                tx_hash: log.transaction_hash.unwrap_or_default(),
            });
        }
        Ok(versions)
    }

    /// Every grant that a patient ever gave, each with its stored terms as they are now.
    pub async fn grants_of(&self, patient: Address) -> Result<Vec<ChainGrant>, ChainError> {
        let filter = Filter::new()
            .address(self.deployment.address_of(ContractName::GrantRegistry))
            .event_signature(GrantRegistry::Granted::SIGNATURE_HASH)
            .topic1(patient.into_word());
        let mut last: HashMap<GrantId, (Tag, ScopeKind, B256, B256, B256)> = HashMap::new();
        let mut order = Vec::new();
        for log in self.logs(filter).await? {
            let event = decode::<GrantRegistry::Granted>(&log)?;
            let Some(kind) = Terms::from(event.terms).kind else { continue };
            let tag = Tag(event.tag);
            let id = GrantId::derive(patient, tag, kind, event.scopeId);
            let tx_hash = log.transaction_hash.unwrap_or_default();
            if last.insert(id, (tag, kind, event.scopeId, event.bundleHash, tx_hash)).is_none() {
                order.push(id);
            }
        }
        let patient_epoch = self.patient_epoch(patient).await?;
        let read = async |id: GrantId| {
            let (tag, kind, scope_id, bundle_hash, tx_hash) = last[&id];
            let terms = self.terms(patient, tag, kind, scope_id).await?;
            Ok::<_, ChainError>(ChainGrant { id, tag, kind, scope_id, terms, bundle_hash, patient_epoch, tx_hash })
        };
        use futures::{StreamExt, TryStreamExt};
        futures::stream::iter(order.into_iter().map(read)).buffered(16).try_collect().await
    }

    /// The bundle hash of one grant, from its latest `Granted`; `None` if it was never granted.
    pub async fn bundle_hash(
        &self,
        patient: Address,
        tag: Tag,
        kind: ScopeKind,
        scope_id: B256,
    ) -> Result<Option<B256>, ChainError> {
        let filter = Filter::new()
            .address(self.deployment.address_of(ContractName::GrantRegistry))
            .event_signature(GrantRegistry::Granted::SIGNATURE_HASH)
            .topic1(patient.into_word())
            .topic2(tag.0)
            .topic3(scope_id);
        let events = self.decoded::<GrantRegistry::Granted>(filter).await?;
        Ok(events.iter().rev().find(|event| Terms::from(event.terms).kind == Some(kind)).map(|event| event.bundleHash))
    }

    /// The operator's log, as the chain has it.
    pub async fn access_log(&self) -> Result<AccessLogEvents, ChainError> {
        let filter = Filter::new()
            .address(self.deployment.address_of(ContractName::AccessLog))
            .event_signature(vec![AccessLog::Accessed::SIGNATURE_HASH, AccessLog::Checkpoint::SIGNATURE_HASH])
            .topic1(self.deployment.operator.into_word());
        let head_block = self.head().await?.number;
        let mut events = AccessLogEvents { head_block, ..AccessLogEvents::default() };
        for log in self.logs(filter).await? {
            if log.topic0() == Some(&AccessLog::Accessed::SIGNATURE_HASH) {
                events.accesses.push(accessed(&log)?);
            } else {
                let event = decode::<AccessLog::Checkpoint>(&log)?;
                let block_number = log.block_number.unwrap_or_default();
                let anchor = Anchor { size: event.size, root: event.root, head: event.head, block_number };
                events.anchors.push((events.accesses.len(), anchor));
            }
        }
        Ok(events)
    }

    /// The stored head of the operator's log.
    pub async fn log_head(&self) -> Result<B256, ChainError> {
        let contract = AccessLog::new(self.deployment.address_of(ContractName::AccessLog), &self.provider);
        contract.headOf(self.deployment.operator).call().await.map_err(super::call)
    }

    async fn decoded<E: SolEvent>(&self, filter: Filter) -> Result<Vec<E>, ChainError> {
        self.logs(filter).await?.iter().map(decode::<E>).collect()
    }

    /// All logs that match, from the deployment's first block to the head, in order.
    pub(super) async fn logs(&self, filter: Filter) -> Result<Vec<Log>, ChainError> {
        let head = self.head().await?.number;
        let mut from = self.deployment.start_block;
        let mut span = BLOCKS_AT_ONCE;
        let mut logs = Vec::new();
        while from <= head {
            let to = head.min(from.saturating_add(span - 1));
            match self.provider.get_logs(&filter.clone().from_block(from).to_block(to)).await {
                Ok(found) => {
                    logs.extend(found.into_iter().filter(|log| !log.removed));
                    from = to + 1;
                }
                // Too many blocks or results for this node: ask for fewer.
                Err(error) if error.as_error_resp().is_some() && span > 1 => span = (span / 4).max(1),
                Err(error) => return Err(rpc(error)),
            }
        }
        Ok(logs)
    }
}

pub(super) fn accessed(log: &Log) -> Result<AnchoredAccess, ChainError> {
    let event = decode::<AccessLog::Accessed>(log)?;
    Ok(AnchoredAccess {
        record: RecordId(event.record),
        tag: Tag(event.tag),
        purposes: event.purposes,
        leaf: LeafHash(event.leaf),
        block_number: log.block_number.unwrap_or_default(),
        tx_hash: log.transaction_hash.unwrap_or_default(),
    })
}

pub(super) fn decode<E: SolEvent>(log: &Log) -> Result<E, ChainError> {
    E::decode_log(&log.inner).map(|event| event.data).map_err(|error| ChainError::Rpc {
        what: "The RPC gives an event that is none of the contract's.",
        source: Some(error.into()),
    })
}

fn checked_key(event: &KeyRegistry::KeyRegistered, hash: B256) -> Result<PublicKey, ChainError> {
    let unusable = |source| ChainError::UnusableKey { owner: event.owner, source };
    if keccak256(&event.key) != hash {
        return Err(nonsense("The RPC gives a key that does not hash to what the contract stores."));
    }
    if event.kem != KEM_X_WING {
        return Err(unusable(None));
    }
    PublicKey::from_bytes(&event.key).map_err(|error| unusable(Some(error.into())))
}
