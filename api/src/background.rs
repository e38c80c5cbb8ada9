//! The background work of a server: it creates the indexes at the start, and then runs tasks until the end.

use crate::{
    app::App,
    at_rest::{self, SecretsError},
    auth, blobs, daily, directory, events, idempotency, relay, retire, sequencer,
    store::{blocks, bundles, collection, feed, leaves, received, requests, shares},
};

/// Creates every index that the routes need. Existing indexes stay unchanged.
///
/// # Errors
/// Returns an error when the database does not answer, or when a different index has the same name.
pub async fn create_indexes(app: &App) -> mongodb::error::Result<()> {
    let database = &app.database;
    auth::create_indexes(database).await?;
    idempotency::create_indexes(database).await?;
    directory::create_indexes(database).await?;
    blobs::create_indexes(database).await?;
    shares::create_indexes(database).await?;
    received::create_indexes(database).await?;
    bundles::create_indexes(database).await?;
    requests::create_indexes(database).await?;
    blocks::create_indexes(database).await?;
    daily::create_indexes(database).await?;
    feed::create_indexes(database).await?;
    relay::create_indexes(database).await?;
    leaves::create_indexes(&app.log_database).await?;
    retire::create_indexes(database).await?;
    Ok(())
}

/// Checks that both databases were sealed under the operator's secrets. Nothing may be sealed before this check.
///
/// # Errors
/// See [`SecretsError`].
pub async fn expect_secrets(app: &App) -> Result<(), SecretsError> {
    at_rest::expect_secrets(&app.at_rest, &app.database, collection::SECRETS).await?;
    at_rest::expect_secrets(&app.at_rest, &app.log_database, collection::LOG_SECRETS).await
}

/// Starts the background work. It ends when [`App::shutdown`] is cancelled.
pub fn start(app: &App) {
    app.relay.start(&app.shutdown);
    sequencer::start(app);
    events::start(app);
    tokio::spawn(retire::run(app.clone()));
    tokio::spawn(blobs::sweeper::run(app.clone()));
}
