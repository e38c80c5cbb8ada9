//! The device's own view of the chain, through a node of its own choice. What servers say is compared with it.

mod error;
mod events;
mod history;

pub use error::ChainError;
pub use events::{AccessLogEvents, Anchor, AnchoredAccess, ChainGrant, ChainVersion, KeyHistory};
pub use history::{AccreditationEvent, GrantEvent, RecordHistory};

use std::sync::Arc;

use alloy::{
    contract::Error as CallError,
    eips::BlockNumberOrTag,
    primitives::{Address, B256, Bytes, U256, keccak256},
    providers::{DynProvider, Provider, ProviderBuilder},
    transports::{RpcError, TransportError, TransportErrorKind},
};
use contracts::{
    Terms, accepts_signature, accreditation::Accreditation, grant_registry::GrantRegistry, key_registry::KeyRegistry,
    record_registry::RecordRegistry,
};
use protocol::{
    codes::{Category, Purpose, RecordStatus, Role, SLOT_IDENTITY, ScopeKind},
    deployment::{ContractName, Deployment},
    envelope::EnvelopeContext,
    ids::{RecordId, Salt, Tag},
    messages::Action,
};
use tokio::sync::OnceCell;

/// The chain, as the device's own RPC node shows it.
#[derive(Clone)]
pub struct Chain {
    provider: DynProvider,
    deployment: Deployment,
    verified: Arc<OnceCell<()>>,
}

/// Number and time of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its number.
    pub number: u64,
    /// Unix seconds.
    pub time: u64,
}

/// An identity key in `KeyRegistry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainKey {
    /// keccak256 of the key bytes.
    pub hash: B256,
    /// From 1.
    pub epoch: u32,
    /// HPKE KEM id.
    pub kem: u16,
    /// Unix seconds.
    pub since: u64,
}

/// A record in `RecordRegistry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainRecord {
    /// The patient.
    pub patient: Address,
    /// The category; `None` for a code that this version does not know.
    pub category: Option<Category>,
    /// Newest version.
    pub version: u16,
    /// The status.
    pub status: RecordStatus,
    /// Its first uploader says not to rely on its versions up to this one; 0 for none.
    pub retracted: u16,
    /// Unix seconds.
    pub created: u64,
}

/// The tombstone of a record in `RecordRegistry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainTombstone {
    /// The number of times that the record was tombstoned or opened again.
    pub epoch: u32,
    /// Unix seconds from which on it can no longer be lifted; 0 where none stands.
    pub liftable_until: u64,
}

/// Whether somebody may read, and from when until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The answer.
    pub allowed: bool,
    /// Unix seconds.
    pub not_before: u64,
    /// Unix seconds.
    pub not_after: u64,
}

/// A practitioner in `Accreditation`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainPractitioner {
    /// The accreditor.
    pub accreditor: Address,
    /// The roles.
    pub roles: Vec<Role>,
    /// Unix seconds.
    pub valid_from: u64,
    /// Unix seconds.
    pub valid_until: u64,
    /// Whether it counts now: the period runs, it is not suspended, and its accreditor is active in the epoch in which it
    /// vouched.
    pub counts: bool,
    /// Whether its accreditor has suspended it.
    pub suspended: bool,
    /// The number of times that it was accredited or suspended; a new accreditation names it.
    pub epoch: u32,
    /// The accreditor's epoch in which it vouched; the accreditation counts in no other.
    pub accreditor_epoch: u32,
}

impl Chain {
    /// Prepares the connection; asks nothing yet.
    ///
    /// # Errors
    /// [`ChainError::InvalidUrl`] if `rpc` is not an http(s) URL.
    pub fn new(rpc: &str, deployment: Deployment) -> Result<Self, ChainError> {
        let url = rpc.parse().map_err(|_| ChainError::InvalidUrl)?;
        let provider = ProviderBuilder::new().connect_http(url).erased();
        Ok(Self { provider, deployment, verified: Arc::default() })
    }

    /// The connection.
    #[must_use]
    pub const fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// The deployment it is compared with.
    #[must_use]
    pub const fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// Chain id and record registry, as envelopes name them.
    #[must_use]
    pub fn envelope_context(&self) -> EnvelopeContext {
        EnvelopeContext {
            chain_id: self.deployment.chain_id,
            registry: self.deployment.address_of(ContractName::RecordRegistry),
        }
    }

    /// Checks, once, that the node is on the deployment's chain (id and genesis) and that every contract has the code
    /// that the deployment file names.
    ///
    /// # Errors
    /// [`ChainError::OtherChain`], [`ChainError::OtherGenesis`], [`ChainError::OtherCode`], [`ChainError::Rpc`].
    pub async fn verify_deployment(&self) -> Result<(), ChainError> {
        self.verified.get_or_try_init(|| self.verify_now()).await.copied()
    }

    async fn verify_now(&self) -> Result<(), ChainError> {
        let (chain_id, genesis) = tokio::try_join!(
            async { self.provider.get_chain_id().await.map_err(rpc) },
            self.block_hash(BlockNumberOrTag::Number(0)),
        )?;
        if chain_id != self.deployment.chain_id {
            return Err(ChainError::OtherChain { found: chain_id, expected: self.deployment.chain_id });
        }
        if genesis != self.deployment.genesis_hash {
            return Err(ChainError::OtherGenesis);
        }
        let contracts = &self.deployment.contracts;
        let named = [
            ("Accreditation", &contracts.accreditation),
            ("KeyRegistry", &contracts.key_registry),
            ("RecordRegistry", &contracts.record_registry),
            ("GrantRegistry", &contracts.grant_registry),
            ("AccessLog", &contracts.access_log),
        ];
        let check = async |(name, contract): (&'static str, &protocol::deployment::DeployedContract)| {
            let code = self.provider.get_code_at(contract.address).await.map_err(rpc)?;
            if keccak256(&code) == contract.code_hash {
                return Ok(());
            }
            Err(ChainError::OtherCode { contract: name, address: contract.address, is_missing: code.is_empty() })
        };
        futures::future::try_join_all(named.map(check)).await.map(drop)
    }

    /// The newest block.
    ///
    /// # Errors
    /// [`ChainError::Rpc`]. All functions below have the same errors.
    pub async fn head(&self) -> Result<Block, ChainError> {
        let block = self.provider.get_block_by_number(BlockNumberOrTag::Latest).await.map_err(rpc)?;
        let block = block.ok_or_else(|| nonsense("The Ethereum node has no newest block."))?;
        Ok(Block { number: block.header.number, time: block.header.timestamp })
    }

    async fn block_hash(&self, number: BlockNumberOrTag) -> Result<B256, ChainError> {
        let block = self.provider.get_block_by_number(number).await.map_err(rpc)?;
        Ok(block.ok_or_else(|| nonsense("The Ethereum node does not have the block that was asked for."))?.header.hash)
    }

    /// The later of this device's clock and the newest block's time: what permissions are judged by.
    pub async fn now(&self) -> Result<u64, ChainError> {
        Ok(self.head().await?.time.max(unix_now()))
    }

    /// The identity key of somebody; `None` if none was published.
    pub async fn find_key(&self, owner: Address) -> Result<Option<ChainKey>, ChainError> {
        let registry = KeyRegistry::new(self.deployment.address_of(ContractName::KeyRegistry), &self.provider);
        let key = registry.keyOf(owner, SLOT_IDENTITY).call().await.map_err(call)?;
        if key.epoch == 0 {
            return Ok(None);
        }
        Ok(Some(ChainKey { hash: key.hash, epoch: key.epoch, kem: key.kem, since: key.since.to() }))
    }

    /// A record; `None` if there is none.
    pub async fn find_record(&self, record: RecordId) -> Result<Option<ChainRecord>, ChainError> {
        let registry = RecordRegistry::new(self.deployment.address_of(ContractName::RecordRegistry), &self.provider);
        let found = registry.recordOf(record.0).call().await.map_err(call)?;
        let Some(status) = RecordStatus::from_code(found.status) else { return Ok(None) };
        Ok(Some(ChainRecord {
            patient: found.patient,
            category: Category::from_code(found.category),
            version: found.version,
            status,
            retracted: found.retracted,
            created: found.created.to(),
        }))
    }

    /// Returns the state of a record's tombstone: its epoch, and until when it can be lifted.
    pub async fn tombstone(&self, record: RecordId) -> Result<ChainTombstone, ChainError> {
        let registry = RecordRegistry::new(self.deployment.address_of(ContractName::RecordRegistry), &self.provider);
        let found = registry.tombstoneOf(record.0).call().await.map_err(call)?;
        Ok(ChainTombstone { epoch: found.epoch, liftable_until: found.liftableUntil.to() })
    }

    /// A record.
    ///
    /// # Errors
    /// [`ChainError::UnknownRecord`].
    pub async fn record(&self, record: RecordId) -> Result<ChainRecord, ChainError> {
        let found = self.find_record(record).await?;
        found.ok_or(ChainError::UnknownRecord)
    }

    /// The stored terms of a grant; all zero where none ever stood.
    pub async fn terms(&self, patient: Address, tag: Tag, kind: ScopeKind, id: B256) -> Result<Terms, ChainError> {
        let registry = GrantRegistry::new(self.deployment.address_of(ContractName::GrantRegistry), &self.provider);
        let word: U256 = registry.termsOf(patient, tag.0, kind.code(), id).call().await.map_err(call)?;
        Ok(Terms::from(word))
    }

    /// The patient's epoch, raised by every RevokeAll.
    pub async fn patient_epoch(&self, patient: Address) -> Result<u32, ChainError> {
        let registry = GrantRegistry::new(self.deployment.address_of(ContractName::GrantRegistry), &self.provider);
        registry.patientEpochOf(patient).call().await.map_err(call)
    }

    /// Returns whether somebody may read a record now.
    pub async fn is_allowed(
        &self,
        record: RecordId,
        grantee: Address,
        salt: Salt,
        purpose: Purpose,
    ) -> Result<Allowed, ChainError> {
        let time = uint40(self.now().await?);
        let registry = RecordRegistry::new(self.deployment.address_of(ContractName::RecordRegistry), &self.provider);
        let answer = registry.isAllowed(record.0, grantee, salt.0, purpose.bit(), time).call().await.map_err(call)?;
        Ok(Allowed { allowed: answer.allowed, not_before: answer.notBefore.to(), not_after: answer.notAfter.to() })
    }

    /// The accreditation of somebody; `None` if nobody ever vouched.
    pub async fn find_practitioner(&self, address: Address) -> Result<Option<ChainPractitioner>, ChainError> {
        let contract = Accreditation::new(self.deployment.address_of(ContractName::Accreditation), &self.provider);
        let found = contract.practitionerOf(address).call().await.map_err(call)?;
        if found.accreditor.is_zero() {
            return Ok(None);
        }
        let time = uint40(self.now().await?);
        let counts = contract.isAccredited(address, u8::MAX, time).call().await.map_err(call)?.accredited;
        Ok(Some(ChainPractitioner {
            accreditor: found.accreditor,
            roles: Role::from_mask(found.roles),
            valid_from: found.validFrom.to(),
            valid_until: found.validUntil.to(),
            counts,
            suspended: found.suspended,
            epoch: found.epoch,
            accreditor_epoch: found.accreditorEpoch,
        }))
    }

    /// Returns the number of times that an address was named or removed as an accreditor.
    pub async fn accreditor_epoch(&self, address: Address) -> Result<u32, ChainError> {
        let contract = Accreditation::new(self.deployment.address_of(ContractName::Accreditation), &self.provider);
        contract.accreditorEpochOf(address).call().await.map_err(call)
    }

    /// Returns the address that names and removes accreditors.
    pub async fn owner(&self) -> Result<Address, ChainError> {
        let contract = Accreditation::new(self.deployment.address_of(ContractName::Accreditation), &self.provider);
        contract.owner().call().await.map_err(call)
    }

    /// Returns whether somebody may vouch now.
    pub async fn is_accreditor(&self, address: Address) -> Result<bool, ChainError> {
        let contract = Accreditation::new(self.deployment.address_of(ContractName::Accreditation), &self.provider);
        contract.isAccreditor(address).call().await.map_err(call)
    }

    /// Returns whether a signed action has been carried out, or given up: its nonce is used.
    pub async fn is_nonce_used(&self, action: &Action) -> Result<bool, ChainError> {
        // All contracts inherit the same function; any binding of it fits any of their addresses.
        let contract = GrantRegistry::new(self.deployment.address_of(action.contract()), &self.provider);
        contract.isNonceUsed(action.signer(), action.nonce()).call().await.map_err(call)
    }

    /// Checks whether a contract account accepts a signature (ERC-1271); `false` for an account without code.
    pub async fn contract_accepts(&self, signer: Address, hash: B256, signature: &Bytes) -> Result<bool, ChainError> {
        accepts_signature(&self.provider, hash, signer, signature).await.map_err(rpc)
    }

    /// Checks that `signer` stands behind `signature` over `hash`: an externally owned account's, or a contract's (ERC-1271).
    pub async fn signed_by(&self, signer: Address, hash: B256, signature: &Bytes) -> Result<bool, ChainError> {
        if protocol::messages::verify_signature(hash, signer, signature).is_ok() {
            return Ok(true);
        }
        self.contract_accepts(signer, hash, signature).await
    }
}

/// This device's clock, unix seconds.
#[must_use]
pub fn unix_now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// RFC 3339 in UTC, to the second; `None` for a time after the year 9999.
pub(crate) fn rfc3339(unix_seconds: u64) -> Option<String> {
    let time = jiff::Timestamp::from_second(i64::try_from(unix_seconds).ok()?).ok()?;
    Some(time.to_string())
}

pub(crate) fn uint40(seconds: u64) -> alloy::primitives::aliases::U40 {
    alloy::primitives::aliases::U40::saturating_from(seconds)
}

pub(crate) fn rpc(error: TransportError) -> ChainError {
    if error.as_error_resp().is_some() {
        return ChainError::Rpc { what: "The Ethereum node refuses the question.", source: Some(error.into()) };
    }
    match node_of(&error) {
        Some(node) => ChainError::NodeUnreachable { node, source: error.into() },
        None => ChainError::Rpc { what: "The Ethereum node does not answer.", source: Some(error.into()) },
    }
}

/// Returns the node that was asked in vain: scheme, host and port. User name, path and query may hold a secret.
fn node_of(error: &TransportError) -> Option<String> {
    let RpcError::Transport(TransportErrorKind::Custom(cause)) = error else { return None };
    let url = cause.downcast_ref::<reqwest::Error>()?.url()?;
    Some(url.origin().ascii_serialization())
}

fn call(error: CallError) -> ChainError {
    match error {
        CallError::TransportError(error) => rpc(error),
        other => {
            ChainError::Rpc { what: "The answer of the Ethereum node cannot be read.", source: Some(other.into()) }
        }
    }
}

fn nonsense(what: &'static str) -> ChainError {
    ChainError::Rpc { what, source: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_node_that_cannot_be_reached_is_named_without_anything_secret() {
        let url = "http://user:secret@127.0.0.1:1/project-key".parse().unwrap();
        let provider = ProviderBuilder::new().connect_http(url);
        let refused = rpc(provider.get_chain_id().await.unwrap_err());
        assert_eq!(refused.to_string(), "The Ethereum node at http://127.0.0.1:1 does not answer.");
    }
}
