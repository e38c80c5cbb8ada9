//! Health, readiness and version of the server.

use std::{future::Future, time::Duration};

use alloy::providers::Provider;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use mongodb::bson::doc;
use protocol::mirror::{CURSOR_ID, CursorDoc, MIRROR_VERSION, collection as mirror};
use serde::Serialize;

use crate::{app::App, at_rest, extract::Json, relay::LineStatus, store::collection};

/// Longest time for one service to answer a readiness check.
const PART_WAIT: Duration = Duration::from_secs(3);

/// Whether each service that the server needs answers.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Readiness {
    /// Whether everything below is in order.
    ready: bool,
    /// The database answers.
    mongodb: bool,
    /// The chain node answers, and its chain is the deployment's.
    chain: bool,
    /// Both databases are sealed under this server's operator secrets. If not, another database has replaced one of
    /// them: stop the server, and connect the databases that belong to its secret file.
    secrets: bool,
    /// The storage node (Kubo) answers.
    kubo: bool,
    /// The mirror belongs to this chain and is close to its head.
    mirror: bool,
    /// Blocks between the mirror and the head, if both are known.
    mirror_lag_blocks: Option<u64>,
    /// Every relayer has enough funds, and the chain's fees are below its limit.
    relayers: bool,
    /// The state of each relayer, if the chain node answers.
    lines: Vec<LineStatus>,
}

/// The version that is running.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Version {
    /// The version of the server.
    version: &'static str,
}

/// Answers 200 when the process is running.
///
/// **Who may call:** anyone.
#[utoipa::path(get, path = "/healthz", tag = "server", responses((status = 200)), security())]
pub(crate) async fn healthz() -> StatusCode {
    StatusCode::OK
}

/// Answers 200 when the server can work, or 503 with the parts that fail.
///
/// **Who may call:** anyone.
#[utoipa::path(get, path = "/readyz", tag = "server", responses((status = 200, body = Readiness), (status = 503, body = Readiness)), security())]
pub(crate) async fn readyz(State(app): State<App>) -> Response {
    let cursors = app.database.collection::<CursorDoc>(mirror::CURSOR);
    let secrets = at_rest::are_known(&app.at_rest, &app.database, collection::SECRETS);
    let log_secrets = at_rest::are_known(&app.at_rest, &app.log_database, collection::LOG_SECRETS);
    let (ping, secrets, log_secrets, cursor, head, chain_id, kubo, lines) = tokio::join!(
        answers(app.database.run_command(doc! { "ping": 1 }).into_future()),
        answers(secrets),
        answers(log_secrets),
        answers(cursors.find_one(doc! { "_id": CURSOR_ID }).into_future()),
        answers(app.chain.get_block_number()),
        answers(app.chain.get_chain_id()),
        answers(app.content.probe()),
        answers(app.relay.lines()),
    );
    let cursor = cursor.flatten().filter(|cursor| {
        cursor.mirror_version == MIRROR_VERSION
            && cursor.chain_id == app.deployment.chain_id
            && cursor.genesis_hash == app.deployment.genesis_hash
    });
    let mirror_lag_blocks = head.zip(cursor).map(|(head, cursor)| head.saturating_sub(cursor.block_number));
    let mut readiness = Readiness {
        ready: false,
        mongodb: ping.is_some(),
        chain: head.is_some() && chain_id == Some(app.deployment.chain_id),
        secrets: [secrets, log_secrets] == [Some(true); 2],
        kubo: kubo.is_some(),
        mirror: mirror_lag_blocks.is_some_and(|lag| lag <= app.settings.limits.mirror_lag_blocks_max),
        mirror_lag_blocks,
        relayers: lines.as_ref().is_some_and(|lines| lines.iter().all(LineStatus::is_good)),
        lines: lines.unwrap_or_default(),
    };
    let services = readiness.mongodb && readiness.secrets && readiness.chain && readiness.kubo;
    readiness.ready = services && readiness.mirror && readiness.relayers;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

/// Returns the version that is running.
///
/// **Who may call:** anyone.
#[utoipa::path(get, path = "/version", tag = "server", responses((status = 200, body = Version)), security())]
pub(crate) async fn version() -> Json<Version> {
    Json(Version { version: env!("CARGO_PKG_VERSION") })
}

/// Returns the answer of a service, if it comes in time.
async fn answers<T, E: std::fmt::Display>(asked: impl Future<Output = Result<T, E>>) -> Option<T> {
    match tokio::time::timeout(PART_WAIT, asked).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            tracing::debug!(cause = %error, "a service is not ready");
            None
        }
        Err(_) => None,
    }
}
