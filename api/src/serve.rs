//! Listening, and stopping within a few seconds.

use std::{future::Future, net::SocketAddr, time::Duration};

use anyhow::Context;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower::{Service, ServiceExt};

use crate::{background, routes, settings::Settings, state::App};

/// Opens everything, listens, and serves until `stop` resolves.
///
/// # Errors
/// When something cannot be opened, or the port is taken.
pub async fn run(settings: Settings, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    let listen = settings.listen;
    let app = App::open(settings).await?;
    background::create_indexes(&app).await.context("cannot create the indexes")?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    tracing::info!(listen = %listener.local_addr()?, version = env!("CARGO_PKG_VERSION"), "serving");
    background::start(&app);
    serve(&app, listener, stop).await;
    // Background work has been told to end; it gives its leases back, so that another replica need not wait.
    tokio::time::sleep(Duration::from_millis(200)).await;
    tracing::info!("stopped");
    Ok(())
}

/// Accepts connections until `stop` resolves, then lets requests finish for a while. hyper's own server is used because
/// it can be given a timer: without one, a client that sends its head byte by byte holds a connection for ever.
async fn serve(app: &App, listener: TcpListener, stop: impl Future<Output = ()>) {
    let limits = &app.settings.limits;
    let header_wait = Duration::from_secs(limits.header_seconds_max);
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(header_wait).keep_alive(true);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(header_wait).keep_alive_timeout(header_wait);
    let graceful = GracefulShutdown::new();
    let mut service = routes::app(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: others will end.
                    tracing::warn!(cause = %error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        let _ = stream.set_nodelay(true);
        let Ok(router) = service.call(peer).await;
        let router = router.map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            request.map(axum::body::Body::new)
        });
        let connection =
            builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(router)).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(cause = %error, "a connection ended early");
            }
        });
    }
    drop(listener);
    app.shutdown.cancel();
    let wait = Duration::from_secs(limits.shutdown_seconds_max);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(wait) => tracing::warn!("some requests were cut short"),
    }
}
