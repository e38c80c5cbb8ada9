//! Servers, each as one process would run it, without a socket.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use api::{app::App, background, routes, settings::Settings};
use axum::{Router, body::Body, http::Request, response::Response};
use mongodb::event::{EventHandler, command::CommandEvent};
use tower::ServiceExt;

use super::network::Network;

/// One server.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) app: App,
    router: Router,
    /// The address from which requests come, as the proxy in front says.
    from: Option<String>,
}

/// Settings with which a test waits less than with the defaults: a flag and its value, in turn.
const QUICK: [&str; 6] = ["--lease-seconds", "2", "--checkpoint-ms-max", "300", "--refusal-milliseconds", "0"];

impl Network {
    /// Starts a server.
    pub(crate) async fn server(&self) -> Server {
        self.server_with(&[]).await
    }

    /// Starts a server with these settings.
    pub(crate) async fn server_with(&self, settings: &[&str]) -> Server {
        let server = self.idle_server(settings).await;
        server.start();
        server
    }

    /// Starts a server with every limit as it is shipped.
    pub(crate) async fn server_as_shipped(&self) -> Server {
        let server = Server::open(self.settings(&[]), None).await;
        server.start();
        server
    }

    /// Opens a server with these settings that does no background work yet.
    pub(crate) async fn idle_server(&self, settings: &[&str]) -> Server {
        let is_given = |flag: &str| settings.iter().step_by(2).any(|other| *other == flag);
        let quick = QUICK.chunks(2).filter(|setting| !is_given(setting[0])).flatten().copied();
        let settings: Vec<&str> = quick.chain(settings.iter().copied()).collect();
        Server::open(self.settings(&settings), None).await
    }

    /// Opens a server whose commands to the database are watched; it does no background work yet.
    pub(crate) async fn observed_server(&self, observer: EventHandler<CommandEvent>) -> Server {
        let quick = ["--lease-seconds", "2", "--checkpoint-ms-max", "300", "--unregistered-seconds-max", "0"];
        Server::open(self.settings(&quick), Some(observer)).await
    }
}

/// How many commands went to the database.
#[derive(Clone, Default)]
pub(crate) struct Commands(Arc<AtomicU32>);

impl Commands {
    /// Returns how many went there since the last call.
    pub(crate) fn taken(&self) -> u32 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// Lifts the limits on how often somebody may call, for tests that send many requests.
pub(crate) fn without_rate_limits(settings: &mut Settings) {
    settings.limits.rate_per_second = 100_000;
    settings.limits.rate_burst = 100_000;
    settings.limits.logins_per_minute = 100_000;
}

impl Server {
    /// Opens a server with a database of its own on the shared network. It does no background work.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// Opens such a server with changed settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::on_shared_network(change, None).await
    }

    /// Opens such a server whose commands to the database are counted.
    pub(crate) async fn counted() -> (Self, Commands) {
        let commands = Commands::default();
        let counted = commands.clone();
        let observer = EventHandler::callback(move |event| {
            // A further batch of the same answer is not counted.
            if let CommandEvent::Started(started) = event
                && started.command_name != "getMore"
            {
                counted.0.fetch_add(1, Ordering::Relaxed);
            }
        });
        (Self::on_shared_network(|_| {}, Some(observer)).await, commands)
    }

    async fn on_shared_network(
        change: impl FnOnce(&mut Settings),
        observer: Option<EventHandler<CommandEvent>>,
    ) -> Self {
        static DATABASES: AtomicU32 = AtomicU32::new(0);
        let database = format!("routes_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let mut settings = Network::shared().settings(&["--mongodb-database", &database]);
        change(&mut settings);
        Self::open(settings, observer).await
    }

    async fn open(settings: Settings, observer: Option<EventHandler<CommandEvent>>) -> Self {
        let app = App::open_observed(settings, observer).await.expect("the server opens");
        background::expect_secrets(&app).await.expect("the secrets are those of the database");
        background::create_indexes(&app).await.expect("indexes are created");
        Self { router: routes::app(app.clone()), app, from: None }
    }

    /// Starts the background work.
    pub(crate) fn start(&self) {
        background::start(&self.app);
    }

    /// Ends the background work, as a shutdown does.
    pub(crate) async fn stop(&self) {
        self.app.shutdown.cancel();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }

    /// Returns the same server for requests from this address. The server must trust `x-forwarded-for`.
    pub(crate) fn from(&self, address: &str) -> Self {
        Self { from: Some(address.to_owned()), ..self.clone() }
    }

    /// Returns the answer to a request, while its body is still on its way.
    pub(crate) async fn respond(&self, mut request: Request<Body>) -> Response {
        if let Some(address) = &self.from {
            request.headers_mut().insert("x-forwarded-for", address.parse().expect("a header value"));
        }
        self.router.clone().oneshot(request).await.expect("the router cannot fail")
    }
}
