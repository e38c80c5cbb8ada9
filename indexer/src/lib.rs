//! The indexer: the contracts' events on chain, mirrored into MongoDB exactly once, through crashes, restarts and
//! reorgs.
//!
//! Reading order: [`decode`] (log to event), [`views`] (event to documents, pure), [`reorg`] (what a new head means,
//! pure), [`chain`] (the node), [`mirror`] (the database and what holds in it), [`backfill`] (old blocks in bulk),
//! [`follow`] (the loop), [`binding`] (which chain a mirror belongs to), [`health`] (what it says about itself).

pub mod backfill;
pub mod binding;
pub mod chain;
pub mod decode;
pub mod error;
pub mod follow;
pub mod health;
pub mod mirror;
pub mod reorg;
pub mod settings;
pub mod views;

use std::{sync::Arc, time::Duration};

use protocol::deployment::Deployment;
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::CancellationToken;

use crate::{
    binding::Binding,
    chain::{Rpc, subscription_url, watch_heads},
    decode::Contracts,
    error::Refusal,
    follow::{Follower, Goal},
    health::Status,
    mirror::{Mirror, MirrorError, StoredCursor},
    settings::Settings,
};

pub use mirror::{Fingerprint, fingerprint};

/// Why a command ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Going on would be wrong.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The address for health and metrics is taken.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The mirror cannot be opened or dropped.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
}

impl RunError {
    /// What to do now.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.remedy(),
            Self::Listen { .. } => "choose another address with --listen or MEDLOCK_INDEXER_LISTEN",
            Self::Mirror(_) => "check MEDLOCK_MONGODB_URI; it must name a replica set (of one node or more) that runs",
        }
    }

    /// The exit code: that of the refusal, or 1.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(refusal) => refusal.exit_code(),
            Self::Listen { .. } | Self::Mirror(_) => 1,
        }
    }
}

/// Brings the mirror up to the head and follows it until `stop`.
///
/// # Errors
/// [`RunError`].
pub async fn run(settings: &Settings, stop: CancellationToken) -> Result<(), RunError> {
    let deployment = binding::read_deployment(&settings.deployment)?;
    let status = Arc::new(Status::new(settings.pace.ready_lag));
    let address = settings.listen;
    let listener = TcpListener::bind(address).await.map_err(|source| RunError::Listen { address, source })?;
    let serving = tokio::spawn(axum::serve(listener, health::routes(status.clone())).into_future());
    let mirror = Mirror::connect(&settings.mongodb_uri, &settings.mongodb_database).await?;
    let result = follow(settings, &deployment, mirror, status, Goal::Follow, &stop).await;
    serving.abort();
    result
}

/// Drops the mirror and builds it anew up to the head.
///
/// # Errors
/// [`RunError`]; [`Refusal::OtherMirror`] when the mirror belongs to another chain and `other_chain` was not said.
pub async fn reindex(settings: &Settings, other_chain: bool, stop: CancellationToken) -> Result<(), RunError> {
    let deployment = binding::read_deployment(&settings.deployment)?;
    let mirror = Mirror::connect(&settings.mongodb_uri, &settings.mongodb_database).await?;
    let binding = Binding::of(&deployment);
    let found = mirror.find_cursor().await?;
    if let (Some(StoredCursor::Current(cursor)), false) = (found, other_chain) {
        binding.check_owner(&cursor)?;
    }
    let status = Arc::new(Status::new(settings.pace.ready_lag));
    // The chain is checked before anything is dropped.
    let chain = rpc(settings, &deployment, &status);
    match binding.check_chain(&chain).await {
        Ok(()) => {}
        Err(error::IndexerError::Refused(refusal)) => return Err(refusal.into()),
        Err(error) => return Err(Refusal::Unreachable(error.to_string()).into()),
    }
    mirror.drop_all().await?;
    follow(settings, &deployment, mirror, status, Goal::ReachHead, &stop).await
}

fn rpc(settings: &Settings, deployment: &Deployment, status: &Arc<Status>) -> Rpc {
    let addresses = Contracts::of(deployment).addresses();
    Rpc::new(settings.rpc_url.clone(), addresses, settings.pace.rpc_timeout(), status.clone())
}

async fn follow(
    settings: &Settings,
    deployment: &Deployment,
    mirror: Mirror,
    status: Arc<Status>,
    goal: Goal,
    stop: &CancellationToken,
) -> Result<(), RunError> {
    let rpc = rpc(settings, deployment, &status);
    let bell = Arc::new(Notify::new());
    let hints = (goal == Goal::Follow).then(|| {
        let (setting, url, rpc, bell) = (settings.ws_url.clone(), settings.rpc_url.clone(), rpc.clone(), bell.clone());
        tokio::spawn(async move {
            loop {
                match subscription_url(setting.clone(), &url, &rpc).await {
                    Ok(Some(url)) => watch_heads(url, bell.clone()).await,
                    Ok(None) => return,
                    Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
                }
            }
        })
    });
    let (binding, contracts) = (Binding::of(deployment), Contracts::of(deployment));
    let follower = Follower::new(Arc::new(rpc), mirror, binding, contracts, settings.pace, status, bell);
    let result = follower.run(goal, stop).await;
    if let Some(hints) = hints {
        hints.abort();
    }
    Ok(result?)
}
