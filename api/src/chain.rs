//! Questions to the contracts, at a block that is named by its hash, so that all answers belong together.

mod transport;

use std::sync::Arc;

use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256, Bytes, U256},
    providers::{DynProvider, Provider},
    transports::TransportError,
};
use contracts::{
    Terms,
    access_log::AccessLog::{self, AccessLogInstance},
    accreditation::Accreditation::{self, AccreditationInstance},
    grant_registry::GrantRegistry::{self, GrantRegistryInstance},
    key_registry::KeyRegistry::{self, KeyRegistryInstance},
    record_registry::RecordRegistry::{self, Record, RecordRegistryInstance},
};
use protocol::{
    codes::{Role, SLOT_IDENTITY, ScopeKind},
    deployment::{ContractName, Deployment},
    error_code::ErrorCode,
    ids::{RecordId, Tag},
    messages::{CONTRACT_SIGNATURE_BYTES_MAX, CONTRACT_SIGNATURE_CALL_GAS, verify_signature},
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
    /// A view of `deployment` through `provider`. `clock` tells which accreditations have begun and ended.
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

    /// The record as the chain holds it; `None` where there is none.
    ///
    /// # Errors
    /// `unavailable`.
    pub(crate) async fn find_record(&self, id: RecordId, at: BlockId) -> Result<Option<Record>, ApiError> {
        let record = self.record_registry().recordOf(id.0).block(at).call().await?;
        Ok((record.status != 0).then_some(record))
    }

    /// Whether the record was tombstoned at this block and its lift period over: from then on it is tombstoned for ever, and
    /// what is kept of it may be destroyed.
    ///
    /// # Errors
    /// `unavailable`.
    pub(crate) async fn is_tombstone_final(&self, id: RecordId, at: &Block) -> Result<bool, ApiError> {
        // Zero where no tombstone stands. A lift needs a block whose time is below; none can follow on this one.
        let liftable_until =
            self.record_registry().tombstoneOf(id.0).block(at.id()).call().await?.liftableUntil.to::<u64>();
        Ok(liftable_until != 0 && liftable_until <= at.time)
    }

    /// The terms of a grant as the chain holds them; all zero where none ever stood.
    ///
    /// # Errors
    /// `unavailable`.
    pub(crate) async fn terms_of(
        &self,
        patient: Address,
        tag: Tag,
        (kind, scope_id): (ScopeKind, B256),
        at: BlockId,
    ) -> Result<Terms, ApiError> {
        let word: U256 = self.grant_registry().termsOf(patient, tag.0, kind.code(), scope_id).block(at).call().await?;
        Ok(Terms::from(word))
    }

    /// Whether somebody vouches for this address now, in this role if one is named.
    ///
    /// # Errors
    /// `unavailable`.
    pub(crate) async fn is_accredited(
        &self,
        address: Address,
        role: Option<Role>,
        at: &Block,
    ) -> Result<bool, ApiError> {
        /// `Roles.ANY`
        const ANY: u8 = 255;
        self.is_accredited_in(address, role.map_or(ANY, Role::bit), at).await
    }

    /// Whether somebody vouches for this address now, in at least one of these roles.
    ///
    /// # Errors
    /// `unavailable`.
    pub(crate) async fn is_accredited_in(&self, address: Address, roles: u8, at: &Block) -> Result<bool, ApiError> {
        let time = alloy::primitives::aliases::U40::from(self.clock.now().max(at.time));
        Ok(self.accreditation().isAccredited(address, roles, time).block(at.id()).call().await?.accredited)
    }

    /// Whether this address has published an identity key.
    ///
    /// # Errors
    /// `unavailable`.
    pub(crate) async fn has_identity_key(&self, address: Address) -> Result<bool, ApiError> {
        Ok(self.key_registry().keyOf(address, SLOT_IDENTITY).block(BlockId::latest()).call().await?.epoch > 0)
    }

    /// Checks a signature as the contracts do: the account's own first, then what its contract accepts (ERC-1271).
    ///
    /// # Errors
    /// `invalid_signature`.
    pub(crate) async fn verify_signed(&self, hash: B256, signer: Address, signature: &Bytes) -> Result<(), ApiError> {
        let Err(error) = verify_signature(hash, signer, signature) else { return Ok(()) };
        if contract_accepts(&self.provider, hash, signer, signature).await? {
            return Ok(());
        }
        Err(ApiError::new(ErrorCode::InvalidSignature, error.to_string()))
    }
}

/// Whether the signer is a contract that accepts this signature (ERC-1271). What it may use is bounded: it is a stranger's
/// code on our node.
///
/// # Errors
/// When the node does not answer.
pub(crate) async fn contract_accepts(
    provider: &DynProvider,
    hash: B256,
    signer: Address,
    signature: &Bytes,
) -> Result<bool, TransportError> {
    alloy::sol! {
        #[sol(rpc)]
        interface IERC1271 {
            function isValidSignature(bytes32 hash, bytes signature) external view returns (bytes32 word);
        }
    }
    // The whole word, as the contracts compare it: the selector and 28 zero bytes.
    let accepted = B256::right_padding_from(&[0x16, 0x26, 0xba, 0x7e]);
    if signature.len() > CONTRACT_SIGNATURE_BYTES_MAX || provider.get_code_at(signer).await?.is_empty() {
        return Ok(false);
    }
    let contract = IERC1271::new(signer, provider.clone());
    let asked = contract.isValidSignature(hash, signature.clone()).gas(CONTRACT_SIGNATURE_CALL_GAS);
    match asked.call().await {
        Ok(word) => Ok(word == accepted),
        Err(alloy::contract::Error::TransportError(error)) if error.as_error_resp().is_none() => Err(error),
        // Whatever else the contract answers is a no.
        Err(_) => Ok(false),
    }
}
