//! A mirror belongs to one chain and one set of contracts, and has one format. The indexer refuses every other mirror.

use std::{fs, path::Path};

use alloy::primitives::B256;
use protocol::{
    deployment::Deployment,
    mirror::{CURSOR_ID, CursorDoc, MIRROR_VERSION},
};

use crate::{
    chain::{Chain, Header},
    decode::Contracts,
    error::{IndexerError, Refusal},
    mirror::{Mirror, MirrorError, StoredCursor},
};

/// The chain, contracts and format that a mirror is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    chain_id: u64,
    genesis_hash: B256,
    contracts: Vec<String>,
    start_block: u64,
}

/// Reads a deployment file.
///
/// # Errors
/// [`Refusal::DeploymentUnreadable`] and [`Refusal::DeploymentForm`].
pub fn read_deployment(path: &Path) -> Result<Deployment, Refusal> {
    let name = path.display().to_string();
    let json = fs::read(path).map_err(|source| Refusal::DeploymentUnreadable { path: name.clone(), source })?;
    Deployment::parse(&json).map_err(|error| Refusal::DeploymentForm { path: name, reason: error.to_string() })
}

impl Binding {
    /// Returns the binding to the chain and contracts of a deployment.
    #[must_use]
    pub fn of(deployment: &Deployment) -> Self {
        let contracts = Contracts::of(deployment);
        // The operator is included, because a mirror contains the log of one operator only.
        let addresses = contracts.addresses().into_iter().chain([contracts.operator()]);
        Self {
            chain_id: deployment.chain_id,
            genesis_hash: deployment.genesis_hash,
            contracts: addresses.map(|address| format!("{address:#x}")).collect(),
            // Block 0 has no transactions, and the cursor starts one block before.
            start_block: deployment.start_block.max(1),
        }
    }

    /// Checks that the chain is the one in the deployment file.
    ///
    /// # Errors
    /// [`Refusal::OtherChainId`] or [`Refusal::OtherGenesis`] for another chain, or a retryable error when the chain
    /// does not answer.
    pub async fn check_chain(&self, chain: &dyn Chain) -> Result<(), IndexerError> {
        let found = chain.chain_id().await?;
        if found != self.chain_id {
            return Err(Refusal::OtherChainId { expected: self.chain_id, found }.into());
        }
        let genesis = chain.headers(&[0]).await?;
        match &genesis[..] {
            [block] if block.hash == self.genesis_hash => Ok(()),
            _ => Err(Refusal::OtherGenesis { chain_id: self.chain_id }.into()),
        }
    }

    /// Checks that the mirror in the database has this chain, these contracts and this format. Returns `false` when
    /// there is no mirror.
    ///
    /// # Errors
    /// [`Refusal::OtherMirror`], [`Refusal::OtherForm`] and [`Refusal::Leftovers`].
    pub async fn check_mirror(&self, mirror: &Mirror) -> Result<bool, IndexerError> {
        match mirror.find_cursor().await? {
            Some(StoredCursor::Current(cursor)) => Ok(self.check_owner(&cursor).map(|()| true)?),
            Some(StoredCursor::OtherForm) => Err(Refusal::OtherForm.into()),
            None if mirror.is_empty().await? => Ok(false),
            // Another indexer may have begun a mirror between the two checks.
            None if mirror.find_cursor().await?.is_some() => Err(MirrorError::Moved.into()),
            None => Err(Refusal::Leftovers.into()),
        }
    }

    /// Checks that a mirror with this cursor is for this chain and these contracts.
    ///
    /// # Errors
    /// [`Refusal::OtherMirror`] when it is not.
    pub fn check_owner(&self, cursor: &CursorDoc) -> Result<(), Refusal> {
        if cursor.chain_id != self.chain_id || cursor.genesis_hash != self.genesis_hash {
            return Err(Refusal::OtherMirror { what: "another chain" });
        }
        if cursor.contracts != self.contracts {
            return Err(Refusal::OtherMirror { what: "other contracts" });
        }
        Ok(())
    }

    /// Returns the number of the block before the first mirrored block.
    #[must_use]
    pub fn origin(&self) -> u64 {
        self.start_block - 1
    }

    /// Returns the cursor of an empty mirror at the block `origin`.
    #[must_use]
    pub fn first_cursor(&self, origin: &Header) -> CursorDoc {
        CursorDoc {
            id: CURSOR_ID.into(),
            mirror_version: MIRROR_VERSION,
            chain_id: self.chain_id,
            genesis_hash: self.genesis_hash,
            contracts: self.contracts.clone(),
            block_number: origin.number,
            block_hash: origin.hash,
            block_time: origin.timestamp,
        }
    }
}
