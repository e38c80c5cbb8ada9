//! The handles of a running server, which are passed to every handler.

use std::{sync::Arc, time::Duration};

use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use anyhow::Context;
use mongodb::{
    Database,
    event::{EventHandler, command::CommandEvent},
};
use protocol::deployment::Deployment;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    at_rest::AtRest,
    chain::{self, ChainView},
    content::{ContentStore, Kubo},
    feed::Feed,
    log_queue::{Promises, Wake},
    metrics::Metrics,
    operator::Operator,
    places::Places,
    rates::RateLimits,
    relay::{Relay, RelayLimits, RelayerKeys},
    request_turns::Turns,
    settings::Settings,
    store,
    time::Clock,
    web::WebApp,
};

/// The handles of a running server.
#[derive(Clone)]
pub struct App {
    /// The configuration.
    pub settings: Arc<Settings>,
    /// The deployed contracts.
    pub deployment: Arc<Deployment>,
    /// MongoDB: the mirror (read only) and the API's own collections.
    pub database: Database,
    /// The log's evidence, in a separate database with its own backup, because it cannot be rebuilt.
    pub log_database: Database,
    /// The provider of the chain node.
    pub chain: DynProvider,
    /// Queries of the deployment's contracts through that node.
    pub chain_view: ChainView,
    /// Signs receipts and checkpoints, and opens release shares.
    pub operator: Arc<Operator>,
    /// Encrypts personal data in the database.
    pub at_rest: Arc<AtRest>,
    /// The keys that send transactions. They have no authority.
    pub relayers: RelayerKeys,
    /// The store of envelopes.
    pub content: Arc<dyn ContentStore>,
    /// Accepts signed actions.
    pub relay: Relay,
    /// Wakes the sequencer.
    pub log_wake: Wake,
    /// Estimates when a new leaf will be anchored.
    pub promises: Promises,
    /// Wakes open connections to the event feed.
    pub feed: Feed,
    /// Limits how often one caller may call.
    pub rates: Arc<RateLimits>,
    /// Requests in progress, by network address.
    pub requests: Places,
    /// Decides which request is processed next.
    pub turns: Turns,
    /// Writes that run to their end, even if the client has disconnected.
    pub tasks: TaskTracker,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// The web app, if one is served.
    pub web: Option<Arc<WebApp>>,
    /// The clock.
    pub clock: Clock,
    /// Cancelled when the server begins to shut down. Streams and background work then end.
    pub shutdown: CancellationToken,
}

impl App {
    /// Creates the handles of everything that the settings name.
    ///
    /// # Errors
    /// Returns an error when a file cannot be read or a URL cannot be parsed. Services may still be down: `/readyz`
    /// says so.
    pub async fn open(settings: Settings) -> anyhow::Result<Self> {
        Self::open_observed(settings, None).await
    }

    /// Does the same as [`Self::open`]. `observer` receives every command that is sent to the database.
    ///
    /// # Errors
    /// Returns the errors of [`Self::open`].
    pub async fn open_observed(
        settings: Settings,
        observer: Option<EventHandler<CommandEvent>>,
    ) -> anyhow::Result<Self> {
        let deployment = store::read_deployment(&settings.deployment)?;
        let settings = settings.for_chain(deployment.chain_id);
        let chain = connect_chain(&settings).await?;
        let mongodb_wait = settings.limits.mongodb_seconds_max;
        let database = store::connect(&settings.mongodb_uri, &settings.mongodb_database, mongodb_wait, observer)
            .await
            .context("cannot use the MongoDB URI")?;
        // From the same connection, so with the same concerns.
        let log_database = database.client().database(&settings.log_database());
        let operator = Operator::open(&settings.operator_key_file, &settings.operator_secret_file, &deployment)?;
        let relayer = |file| anyhow::Ok(Arc::new(crate::operator::read_signer(file)?));
        let relayers = RelayerKeys {
            ordinary: relayer(&settings.relayer_key_file)?,
            urgent: relayer(&settings.urgent_relayer_key_file)?,
            checkpoint: relayer(&settings.checkpoint_relayer_key_file)?,
        };
        let (deployment, clock) = (Arc::new(deployment), Clock::default());
        let web = settings.web_dir.as_deref().map(|folder| WebApp::read(folder, &settings.web_rpc)).transpose()?;
        let limits = RelayLimits::from(&settings.limits);
        let at_rest = operator.at_rest().clone();
        let (keys, relay_clock) = (relayers.clone(), clock.clone());
        let chain_view = ChainView::new(chain.clone(), deployment.clone(), clock.clone());
        let relay_parts = (chain.clone(), chain_view.clone(), deployment.clone());
        let relay = Relay::new(&database, relay_parts, keys, at_rest.clone(), relay_clock, limits)?;
        Ok(Self {
            database,
            log_database,
            chain_view,
            chain,
            at_rest,
            deployment,
            operator: Arc::new(operator),
            relayers,
            content: Arc::new(Kubo::new(&settings.kubo_url, &settings.limits)?),
            rates: Arc::new(RateLimits::new(&settings.limits)),
            requests: Places::new(settings.limits.requests()),
            turns: Turns::new(settings.limits.turns, Duration::from_millis(settings.limits.turn_milliseconds)),
            tasks: TaskTracker::new(),
            metrics: Metrics::new(),
            relay,
            log_wake: Wake::default(),
            promises: Promises::default(),
            feed: Feed::default(),
            web: web.map(Arc::new),
            clock,
            shutdown: CancellationToken::new(),
            settings: Arc::new(settings),
        })
    }
}

async fn connect_chain(settings: &Settings) -> anyhow::Result<DynProvider> {
    let url: alloy::transports::http::reqwest::Url =
        settings.rpc_url.parse().context("MEDLOCK_RPC_URL is not a URL")?;
    if matches!(url.scheme(), "http" | "https") {
        let client = alloy::transports::http::reqwest::Client::builder()
            .timeout(Duration::from_secs(settings.limits.rpc_seconds_max))
            .build()
            .context("cannot make an HTTP client")?;
        return Ok(chain::connect(client, url));
    }
    let provider = ProviderBuilder::new().connect(url.as_str()).await.context("cannot connect to the chain")?;
    Ok(provider.erased())
}
