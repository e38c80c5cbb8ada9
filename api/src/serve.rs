//! Listens for connections, and stops within a few seconds.
//!
//! hyper implements HTTP. The modules here add what it does not do: connections are counted, heads are checked before
//! hyper sees them, and every kind of silence has a time limit ([`socket`], [`answering`], [`pace`], [`streams`]).

mod answer;
mod answering;
mod framing;
mod head;
mod pace;
mod refused;
mod socket;
mod streams;

use std::{convert::Infallible, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    http::{Version, header},
    response::{IntoResponse, Response},
};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use protocol::error_code::ErrorCode;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use self::{
    answer::AnswerBody,
    answering::Answering,
    pace::Pacing,
    socket::{Socket, Waits},
    streams::Streams,
};
use crate::{
    app::App,
    background,
    error::ApiError,
    network,
    places::{Bounds, Full, Place, Places},
    routes,
    settings::{Limits, Settings},
};

/// Maximum number of streams at a time on one HTTP/2 connection.
const STREAMS_MAX: u32 = 50;
/// The longest list of headers on HTTP/2, in bytes.
const HEADER_LIST_BYTES_MAX: u32 = 32 << 10;
/// Most bytes of one answer that HTTP/2 buffers before the socket has taken them. One more piece may be in transit.
const SEND_BUFFER_BYTES_MAX: usize = 256 << 10;
/// Number of streams that a client may open and reset at once before the connection is closed (rapid reset).
const RESET_STREAMS_MAX: usize = 50;
/// Time for a connection to end after it was asked to.
const END_WAIT: Duration = Duration::from_secs(5);
/// Files that the server needs in addition to its connections.
const OTHER_FILES: u64 = 256;

/// Opens everything, listens, and serves until `stop` resolves.
///
/// # Errors
/// Returns an error when something cannot be opened, or the port is taken.
pub async fn run(settings: Settings, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    let listen = settings.listen;
    let app = App::open(settings).await?;
    background::expect_secrets(&app).await.context("the operator's secrets do not belong to the database")?;
    background::create_indexes(&app).await.context("cannot create the indexes")?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    tracing::info!(listen = %listener.local_addr()?, version = env!("CARGO_PKG_VERSION"), "serving");
    background::start(&app);
    serve(&app, listener, stop).await;
    // Background tasks were told to end. They release their leases, so that another replica need not wait.
    tokio::time::sleep(Duration::from_millis(200)).await;
    tracing::info!("stopped");
    Ok(())
}

/// Accepts connections until `stop` resolves, then lets requests finish for a while.
async fn serve(app: &App, listener: TcpListener, stop: impl Future<Output = ()>) {
    let limits = &app.settings.limits;
    let places = connection_places(limits);
    let server = Server { builder: builder(limits), router: routes::app(app.clone()), app: app.clone() };
    let server = Arc::new(server);
    let connections = TaskTracker::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Most likely there are no free file descriptors. Some will become free when other connections end.
                    tracing::warn!(cause = %error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        // Behind a proxy only the requests show their network.
        let is_proxy = limits.is_proxy(peer.ip());
        match if is_proxy { places.take_for_many() } else { places.take(network::of(peer.ip())) } {
            Ok(place) => {
                connections.spawn(Arc::clone(&server).connection(stream, peer, place));
            }
            Err(full) => turn_away(&stream, full),
        }
    }
    drop(listener);
    app.shutdown.cancel();
    connections.close();
    app.tasks.close();
    let wait = Duration::from_secs(limits.shutdown_seconds_max);
    let all = async { tokio::join!(connections.wait(), app.tasks.wait()) };
    if tokio::time::timeout(wait, all).await.is_err() {
        tracing::warn!("some requests were cut short");
    }
}

/// Returns the places for connections: as many as the settings allow, or fewer if the system allows fewer open files.
fn connection_places(limits: &Limits) -> Places {
    let files = open_files_max();
    let all = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX).max(1);
    if all < limits.connections_max {
        tracing::warn!(
            connections = all,
            "the system allows this process only few open files; raise the limit (ulimit -n)"
        );
    }
    let bounds = limits.connections();
    Places::new(Bounds { all: all.min(bounds.all), ..bounds })
}

/// Raises the limit of open files as far as the system allows. Returns the new limit.
fn open_files_max() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let now = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    now.unwrap_or(u64::MAX)
}

/// Sends the reason why there is no place for a connection, in one write if the socket has room.
fn turn_away(stream: &TcpStream, full: Full) {
    let error = match full {
        Full::ForThis => ApiError::new(ErrorCode::RateLimited, "too many connections from this network"),
        Full::ForAll => ApiError::new(ErrorCode::Unavailable, "the server has no room for another connection"),
    };
    let _ = stream.try_write(&refused::answer(&error));
}

/// Returns the required reading speed of clients.
fn pacing(limits: &Limits) -> Pacing {
    Pacing {
        idle: Duration::from_secs(limits.idle_seconds_max),
        bytes_per_second_min: limits.answer_bytes_per_second_min,
        total: Duration::from_secs(limits.download_seconds_max),
    }
}

fn builder(limits: &Limits) -> Builder<Streams> {
    let mut builder = Builder::new(Streams(pacing(limits)));
    // The socket limits the time for heads.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(limits.header_seconds_max))
        .keep_alive_timeout(Duration::from_secs(limits.header_seconds_max))
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_LIST_BYTES_MAX)
        .max_send_buf_size(SEND_BUFFER_BYTES_MAX)
        .max_pending_accept_reset_streams(RESET_STREAMS_MAX)
        .max_local_error_reset_streams(RESET_STREAMS_MAX);
    builder
}

/// The shared state of all connections.
struct Server {
    builder: Builder<Streams>,
    router: Router,
    app: App,
}

impl Server {
    /// Serves one connection to its end.
    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, place: Place) {
        let limits = &self.app.settings.limits;
        let waits = Waits { head: Duration::from_secs(limits.header_seconds_max), answers: pacing(limits) };
        let _ = stream.set_nodelay(true);
        // Data that the kernel holds for a client that does not read is dropped after the same time.
        let idle_ms = u32::try_from(waits.answers.idle.as_millis()).unwrap_or(u32::MAX);
        let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, idle_ms);
        let answering = Answering::new();
        let socket = Socket::new(stream, waits, Arc::clone(&answering));
        let service = service_fn(|request| self.answer(request, peer, &answering));
        let mut connection = std::pin::pin!(self.builder.serve_connection(TokioIo::new(socket), service));
        let outcome = tokio::select! {
            outcome = connection.as_mut() => Some(outcome),
            () = answering.quiet(waits.head + waits.answers.idle) => None,
            () = self.app.shutdown.cancelled() => None,
        };
        let outcome = match outcome {
            Some(outcome) => Ok(outcome),
            None => {
                connection.as_mut().graceful_shutdown();
                let wait =
                    if self.app.shutdown.is_cancelled() { limits.shutdown_seconds_max } else { END_WAIT.as_secs() };
                tokio::time::timeout(Duration::from_secs(wait), connection).await
            }
        };
        if let Ok(Err(error)) = outcome {
            tracing::debug!(cause = %error, "a connection ended early");
        }
        drop(place);
    }

    /// Answers one request.
    fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        answering: &Arc<Answering>,
    ) -> impl Future<Output = Result<Response<AnswerBody>, Infallible>> + Send + use<> {
        let (router, answering) = (self.router.clone(), Arc::clone(answering));
        let at_work = answering.request();
        async move {
            let mut response = if names_no_host(&request) {
                ApiError::invalid("the request names no host, or more than one").into_response()
            } else {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(ConnectInfo(peer));
                router.oneshot(request).await.into_response()
            };
            let place = response.extensions_mut().remove::<Place>();
            Ok(response.map(|body| match streams::current() {
                Some(pace) => AnswerBody::new(body, pace, at_work, place).on_stream(),
                None => AnswerBody::new(body, answering.new_pace(), at_work, place),
            }))
        }
    }
}

/// Returns whether a request on HTTP/2 has neither `:authority` nor exactly one `Host`, has a malformed one, or has two
/// that differ (RFC 9113, section 8.3.1). On HTTP/1 the head was checked.
fn names_no_host(request: &Request<Incoming>) -> bool {
    if request.version() != Version::HTTP_2 {
        return false;
    }
    let mut hosts = request.headers().get_all(header::HOST).iter().map(|host| host.as_bytes());
    let authority = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    match (authority, hosts.next(), hosts.next()) {
        (Some(authority), None, None) => !head::is_host(authority),
        (None, Some(host), None) => !head::is_host(host),
        (Some(authority), Some(host), None) => !head::is_host(authority) || !authority.eq_ignore_ascii_case(host),
        _ => true,
    }
}
