//! Questions to the contracts, at a block that is named by its hash, so that all answers belong together.

mod transport;

use std::sync::Arc;

use alloy::{
    contract::Error as CallError,
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256, Bytes, U256, aliases::U40},
    providers::{DynProvider, Provider},
};
use contracts::{
    Terms, accepts_signature,
    access_log::AccessLog::{self, AccessLogInstance},
    accreditation::Accreditation::{self, AccreditationInstance},
    grant_registry::GrantRegistry::{self, GrantRegistryInstance},
    key_registry::KeyRegistry::{self, KeyRegistryInstance},
    record_registry::RecordRegistry::{self, Record, RecordRegistryInstance},
};
use protocol::{
    codes::{Purpose, Right, Role, SLOT_IDENTITY, ScopeKind},
    deployment::{ContractName, Deployment},
    error_code::ErrorCode,
    ids::{RecordId, Tag},
    messages::{Action, verify_signature},
};

pub(crate) use transport::connect;

use crate::{error::ApiError, time::Clock};

/// A block that answers are pinned to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) hash: B256,
    pub(crate) number: u64,
    /// Unix seconds.
    pub(crate) time: u64,
}

impl Block {
    /// Names the block in a call.
    pub(crate) fn id(&self) -> BlockId {
        BlockId::hash(self.hash)
    }
}

/// Asks the contracts of one deployment through one chain node.
#[derive(Clone, Debug)]
pub struct ChainView {
    provider: DynProvider,
    deployment: Arc<Deployment>,
    clock: Clock,
}

impl ChainView {
    /// Creates a view of `deployment` through `provider`. `clock` decides which accreditations have begun and ended.
    pub(crate) const fn new(provider: DynProvider, deployment: Arc<Deployment>, clock: Clock) -> Self {
        Self { provider, deployment, clock }
    }

    /// The head block.
    ///
    /// # Errors
    /// `unavailable`.
    pub(crate) async fn head(&self) -> Result<Block, ApiError> {
        let block = self.provider.get_block_by_number(BlockNumberOrTag::Latest).await?;
        let header = block
            .map(|block| block.header)
            .ok_or_else(|| ApiError::new(ErrorCode::Unavailable, "the chain has no head block"))?;
        Ok(Block { hash: header.hash, number: header.number, time: header.timestamp })
    }

    /// A block of the chain that now ends with the head.
    ///
    /// # Errors
    /// `unavailable`, also where the node does not have it.
    pub(crate) async fn block_at(&self, number: u64) -> Result<Block, ApiError> {
        let block = self.provider.get_block_by_number(BlockNumberOrTag::Number(number)).await?;
        let header = block.map(|block| block.header).ok_or_else(|| {
            ApiError::new(ErrorCode::Unavailable, "the chain does not have a block that it should have")
        })?;
        Ok(Block { hash: header.hash, number: header.number, time: header.timestamp })
    }

    /// The `AccessLog` of this deployment.
    pub(crate) fn access_log(&self) -> AccessLogInstance<DynProvider> {
        AccessLog::new(self.deployment.address_of(ContractName::AccessLog), self.provider.clone())
    }

    /// The `Accreditation` of this deployment.
    pub(crate) fn accreditation(&self) -> AccreditationInstance<DynProvider> {
        Accreditation::new(self.deployment.address_of(ContractName::Accreditation), self.provider.clone())
    }

    /// The `GrantRegistry` of this deployment.
    pub(crate) fn grant_registry(&self) -> GrantRegistryInstance<DynProvider> {
        GrantRegistry::new(self.deployment.address_of(ContractName::GrantRegistry), self.provider.clone())
    }

    /// The `KeyRegistry` of this deployment.
    pub(crate) fn key_registry(&self) -> KeyRegistryInstance<DynProvider> {
        KeyRegistry::new(self.deployment.address_of(ContractName::KeyRegistry), self.provider.clone())
    }

    /// The `RecordRegistry` of this deployment.
    pub(crate) fn record_registry(&self) -> RecordRegistryInstance<DynProvider> {
        RecordRegistry::new(self.deployment.address_of(ContractName::RecordRegistry), self.provider.clone())
    }

    /// Returns the record as the chain holds it at the block; `None` where there is none.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(crate) async fn find_record(&self, id: RecordId, at: BlockId) -> Result<Option<Record>, CallError> {
        let record = self.record_registry().recordOf(id.0).block(at).call().await?;
        Ok((record.status != 0).then_some(record))
    }

    /// Checks whether the record was withdrawn at this block and its lift period is over. From then on it stays withdrawn,
    /// and its stored data may be destroyed.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(crate) async fn is_tombstone_final(&self, id: RecordId, at: &Block) -> Result<bool, CallError> {
        // Zero if the record has no tombstone. A lift needs a block with an earlier time, and no later block can have
        // one.
        let liftable_until =
            self.record_registry().tombstoneOf(id.0).block(at.id()).call().await?.liftableUntil.to::<u64>();
        Ok(liftable_until != 0 && liftable_until <= at.time)
    }

    /// Returns how often the record was withdrawn or opened again, at the block. A Tombstone that names an earlier epoch can
    /// never succeed.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(crate) async fn tombstone_epoch_of(&self, id: RecordId, at: BlockId) -> Result<u32, CallError> {
        Ok(self.record_registry().tombstoneOf(id.0).block(at).call().await?.epoch)
    }

    /// Returns the terms of a grant as the chain holds them at the block; all zero where none was ever given.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(crate) async fn terms_of(
        &self,
        patient: Address,
        tag: Tag,
        (kind, scope_id): (ScopeKind, B256),
        at: BlockId,
    ) -> Result<Terms, CallError> {
        let word: U256 = self.grant_registry().termsOf(patient, tag.0, kind.code(), scope_id).block(at).call().await?;
        Ok(Terms::from(word))
    }

    /// Returns how often the patient has ended all grants, at the block.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(crate) async fn patient_epoch_of(&self, patient: Address, at: BlockId) -> Result<u32, CallError> {
        self.grant_registry().patientEpochOf(patient).block(at).call().await
    }

    /// Checks whether one grant permits this right at the block and at `time` (unix seconds), for this purpose if one is
    /// named.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(crate) async fn is_granted(
        &self,
        patient: Address,
        tag: Tag,
        (kind, scope_id): (ScopeKind, B256),
        (right, purpose): (Right, Option<Purpose>),
        (time, at): (u64, BlockId),
    ) -> Result<bool, CallError> {
        let purposes = purpose.map_or(0, Purpose::bit);
        let registry = self.grant_registry();
        let asked = registry.isGranted(
            patient,
            tag.0,
            kind.code(),
            scope_id,
            right.bit(),
            purposes,
            U40::saturating_from(time),
        );
        Ok(asked.block(at).call().await?.granted)
    }

    /// Checks whether an accreditor vouches for this address now, in this role if one is named.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(crate) async fn is_accredited(
        &self,
        address: Address,
        role: Option<Role>,
        at: &Block,
    ) -> Result<bool, CallError> {
        let time = self.clock.now().max(at.time);
        self.is_accredited_at(address, role.map_or(Role::ANY, Role::bit), time, at.id()).await
    }

    /// Checks whether an accreditor vouches for this address at the block and at `time` (unix seconds), in at least one of
    /// these roles (bits of `Role`).
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(crate) async fn is_accredited_at(
        &self,
        address: Address,
        roles: u8,
        time: u64,
        at: BlockId,
    ) -> Result<bool, CallError> {
        let time = U40::saturating_from(time);
        Ok(self.accreditation().isAccredited(address, roles, time).block(at).call().await?.accredited)
    }

    /// Checks whether an account may accredit practitioners, or decides who may: an accreditor, or the owner of the
    /// accreditation.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(crate) async fn may_accredit(&self, account: Address) -> Result<bool, CallError> {
        let registry = self.accreditation();
        let (is_accreditor, owner) = (registry.isAccreditor(account), registry.owner());
        let (is_accreditor, owner) = tokio::try_join!(is_accreditor.call(), owner.call())?;
        Ok(is_accreditor || owner == account)
    }

    /// Checks whether this address has published an identity key.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(crate) async fn has_identity_key(&self, address: Address) -> Result<bool, CallError> {
        Ok(self.key_registry().keyOf(address, SLOT_IDENTITY).block(BlockId::latest()).call().await?.epoch > 0)
    }

    /// Checks whether the nonce of a signed action is used at the block: it was carried out, or can never be.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(crate) async fn is_nonce_used(&self, action: &Action, at: BlockId) -> Result<bool, CallError> {
        // All contracts inherit the same function; the binding of any of them fits the address of each.
        let registry = GrantRegistry::new(self.deployment.address_of(action.contract()), self.provider.clone());
        registry.isNonceUsed(action.signer(), action.nonce()).block(at).call().await
    }

    /// Checks whether the signer is a contract that accepts this signature (ERC-1271).
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(crate) async fn accepts_signature(
        &self,
        hash: B256,
        signer: Address,
        signature: &Bytes,
    ) -> Result<bool, CallError> {
        Ok(accepts_signature(&self.provider, hash, signer, signature).await?)
    }

    /// Checks a signature as the contracts do: first as the account's own, then whether the account is a contract that
    /// accepts it (ERC-1271).
    ///
    /// # Errors
    /// `invalid_signature`; `unavailable` when the chain does not answer.
    pub(crate) async fn verify_signed(&self, hash: B256, signer: Address, signature: &Bytes) -> Result<(), ApiError> {
        let Err(error) = verify_signature(hash, signer, signature) else { return Ok(()) };
        if self.accepts_signature(hash, signer, signature).await? {
            return Ok(());
        }
        Err(ApiError::new(ErrorCode::InvalidSignature, error.to_string()))
    }
}
