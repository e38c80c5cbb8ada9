//! The indexer: mirrors the events of the contracts into MongoDB exactly once, through crashes, restarts and reorgs.
//!
//! Reading order: [`decode`] (log to event), [`views`] (event to documents, pure), [`reorg`] (what a new head means,
//! pure), [`chain`] (the node), [`mirror`] (the database and what holds in it), [`backfill`] (old blocks in bulk),
//! [`follow`] (the loop), [`rebuild`] (builds a new mirror that replaces the old one), [`binding`] (the chain that a
//! mirror belongs to), [`health`] (state and metrics over HTTP).

pub mod backfill;
pub mod binding;
pub mod chain;
pub mod decode;
pub mod error;
pub mod follow;
pub mod health;
pub mod mirror;
pub mod mutant;
pub mod rebuild;
pub mod reorg;
pub mod settings;
pub mod time;
pub mod views;

use std::{sync::Arc, time::Duration};

use alloy::transports::http::reqwest::Url;
use protocol::deployment::Deployment;
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::CancellationToken;

use crate::{
    binding::Binding,
    chain::{Chain, Endpoints, Rpc, subscription_url, watch_heads},
    decode::Contracts,
    error::Refusal,
    follow::{Follower, Goal},
    health::Status,
    mirror::{Mirror, MirrorError, StoredCursor},
    rebuild::Rebuild,
    settings::Settings,
};

pub use mirror::{Fingerprint, fingerprint};

/// The reason why a command ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// It would be wrong to continue.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The address for health and metrics cannot be used.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The mirror could not be opened or dropped.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
}

impl RunError {
    /// Returns the sentence that says what to do now.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.remedy(),
            Self::Listen { .. } => "choose another address with --listen or MEDLOCK_INDEXER_LISTEN",
            Self::Mirror(_) => "check MEDLOCK_MONGODB_URI; it must name a replica set (of one node or more) that runs",
        }
    }

    /// Returns the exit code: that of the refusal, or 1.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(refusal) => refusal.exit_code(),
            Self::Listen { .. } | Self::Mirror(_) => 1,
        }
    }
}

/// Mirrors the chain up to the head, then follows it until `stop` is cancelled.
///
/// # Errors
/// [`RunError`] when it would be wrong to continue, or the address for health is taken.
pub async fn run(settings: &Settings, stop: CancellationToken) -> Result<(), RunError> {
    let deployment = binding::read_deployment(&settings.deployment)?;
    let status = Arc::new(Status::new(settings.pace.ready_lag));
    let address = settings.listen;
    let listener = TcpListener::bind(address).await.map_err(|source| RunError::Listen { address, source })?;
    let serving = tokio::spawn(axum::serve(listener, health::routes(status.clone())).into_future());
    let mirror = Mirror::connect(&settings.mongodb_uri, &settings.mongodb_database).await?;
    let result = follow(settings, &deployment, mirror, status, &stop).await;
    serving.abort();
    result
}

/// Builds a new mirror in other collections, up to the head, and then replaces the one in use. A running indexer stands
/// by during the swap and continues afterwards.
///
/// # Errors
/// [`RunError`]; [`Refusal::OtherMirror`] when the mirror belongs to another chain and `other_chain` is `false`.
pub async fn reindex(settings: &Settings, other_chain: bool, stop: CancellationToken) -> Result<(), RunError> {
    let deployment = binding::read_deployment(&settings.deployment)?;
    let live = Mirror::connect(&settings.mongodb_uri, &settings.mongodb_database).await?;
    let binding = Binding::of(&deployment);
    let found = live.find_cursor().await?;
    if let (Some(StoredCursor::Current(cursor)), false) = (found, other_chain) {
        binding.check_owner(&cursor)?;
    }
    let status = Arc::new(Status::new(settings.pace.ready_lag));
    // The chain is checked before anything is written.
    let chain = endpoints(settings, &deployment, &status);
    match binding.check_chain(&*chain).await {
        Ok(()) => {}
        Err(error::IndexerError::Refused(refusal)) => return Err(refusal.into()),
        Err(error) => return Err(Refusal::Unreachable(error.to_string()).into()),
    }
    let (contracts, name) = (Contracts::of(&deployment), uuid::Uuid::new_v4().to_string());
    let rebuild = Rebuild { chain, live, binding, contracts, pace: settings.pace, status, name };
    rebuild.run(&stop).await
}

fn endpoints(settings: &Settings, deployment: &Deployment, status: &Arc<Status>) -> Arc<dyn Chain> {
    let endpoints =
        settings.rpc_url.iter().map(|url| -> Arc<dyn Chain> { Arc::new(rpc(url, settings, deployment, status)) });
    Arc::new(Endpoints::new(endpoints.collect(), status.clone()))
}

fn rpc(url: &Url, settings: &Settings, deployment: &Deployment, status: &Arc<Status>) -> Rpc {
    let addresses = Contracts::of(deployment).addresses();
    Rpc::new(url.clone(), addresses, settings.pace.rpc_timeout(), status.clone())
}

async fn follow(
    settings: &Settings,
    deployment: &Deployment,
    mirror: Mirror,
    status: Arc<Status>,
    stop: &CancellationToken,
) -> Result<(), RunError> {
    let chain = endpoints(settings, deployment, &status);
    let bell = Arc::new(Notify::new());
    let url = settings.rpc_url[0].clone();
    let (setting, rpc, ring) = (settings.ws_url.clone(), rpc(&url, settings, deployment, &status), bell.clone());
    let hints = tokio::spawn(async move {
        loop {
            match subscription_url(setting.clone(), &url, &rpc).await {
                Ok(Some(url)) => watch_heads(url, ring.clone()).await,
                Ok(None) => return,
                Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
    });
    let (binding, contracts) = (Binding::of(deployment), Contracts::of(deployment));
    let follower = Follower::new(chain, mirror, binding, contracts, settings.pace, status, bell);
    let result = follower.run(Goal::Follow, stop).await;
    hints.abort();
    Ok(result?)
}
