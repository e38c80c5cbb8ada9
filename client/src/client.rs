//! A person's device: its directory, its view of the chain, and its server.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alloy::primitives::Address;
use bytes::Bytes;
use protocol::{cid::Cid, deployment::Deployment};

use crate::{
    api::{Api, ServerError},
    chain::{Chain, ChainError},
    error::failure,
    home::{Config, DeviceError, Home},
    kept_session::Session,
};

/// Why a device cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The server's URL cannot be used.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The URL of the RPC node cannot be used.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { OpenError {
    ..Server;
    ..Chain;
    ..Device;
} }

/// Settings of a command line that replace those of `config.toml`.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// URL of the API.
    pub api: Option<String>,
    /// URL of the RPC node.
    pub rpc: Option<String>,
}

/// The headers of envelopes that were found true, by CID: each envelope is read once while a client is open.
pub(crate) type CheckedHeaders = Arc<Mutex<HashMap<Cid, Bytes>>>;

/// One person's device: its directory, its own view of the chain, and the server it talks to.
#[derive(Clone)]
pub struct Client {
    home: Home,
    config: Config,
    deployment: Deployment,
    /// The same with every key of the operator that was seen since.
    kept: Arc<Mutex<Deployment>>,
    chain: Chain,
    api: Option<Api>,
    checked: CheckedHeaders,
}

impl Client {
    /// Joins the parts and takes up this device's session; asks nobody anything yet.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(home: Home, overrides: Overrides) -> Result<Self, OpenError> {
        let mut config = home.config()?;
        let deployment = home.deployment(&config)?;
        config.api = overrides.api.or(config.api);
        config.rpc = overrides.rpc.unwrap_or(config.rpc);
        let chain = Chain::new(&config.rpc, deployment.clone())?;
        let api = config.api.as_deref().map(Api::new).transpose()?;
        // A session file that cannot be read is no session: signing in again writes a new one.
        if let (Some(api), Ok(Some(session))) = (&api, Session::load(&home))
            && session.address() == config.address
        {
            api.set_token(Some(session.token()));
        }
        let kept = Arc::new(Mutex::new(deployment.clone()));
        Ok(Self { home, config, deployment, kept, chain, api, checked: CheckedHeaders::default() })
    }

    /// The directory.
    #[must_use]
    pub const fn home(&self) -> &Home {
        &self.home
    }

    /// The configuration, with what the command line changed.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The address of the person whose device it is.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.config.address
    }

    /// The deployment with the longest list of the operator's keys that was seen; held while it is checked.
    pub(crate) fn kept_deployment(&self) -> MutexGuard<'_, Deployment> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The deployment file as it was when this client was opened.
    #[must_use]
    pub const fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// The device's own view of the chain.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The server.
    ///
    /// # Errors
    /// [`ServerError::NotConfigured`].
    pub fn api(&self) -> Result<&Api, ServerError> {
        self.api.as_ref().ok_or(ServerError::NotConfigured)
    }

    /// Headers of envelopes that were compared with their CIDs since this client was opened.
    pub(crate) const fn checked_headers(&self) -> &CheckedHeaders {
        &self.checked
    }

    /// Returns whether this device holds a session that has not ended.
    #[must_use]
    pub fn is_signed_in(&self) -> bool {
        self.api.as_ref().is_some_and(Api::has_token)
    }
}
