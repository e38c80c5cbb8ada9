//! The device's own view of the chain, through a node of its own choice. What servers say is compared with it.

use alloy::{
    network::EthereumWallet,
    primitives::{Address, B256, Bytes},
    providers::{DynProvider, Provider, ProviderBuilder},
};
use protocol::{
    codes::{Category, Purpose, Right, Role, ScopeKind},
    deployment::Deployment,
    ids::{RecordId, Salt, Tag},
};

use crate::error::{ClientError, Kind};

/// The chain, as the device's own RPC node shows it.
#[derive(Clone)]
pub struct Chain {
    provider: DynProvider,
    rpc: String,
    deployment: Deployment,
}

impl Chain {
    /// Prepares the connection; asks nothing yet.
    ///
    /// # Errors
    /// [`Kind::InvalidConfig`] if `rpc` is not an http(s) URL.
    pub fn new(rpc: &str, deployment: Deployment) -> Result<Self, ClientError> {
        let url = rpc
            .parse()
            .map_err(|error| ClientError::new(Kind::InvalidConfig, "`rpc` is not a URL.").because(format!("{error}")))?;
        let provider = ProviderBuilder::new().connect_http(url).erased();
        Ok(Self { provider, rpc: rpc.to_owned(), deployment })
    }
}
