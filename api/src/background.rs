//! What a server does beside answering: each collection's indexes at the start, then the work that runs until the end.

use crate::{
    auth, blobs, blocks, daily, directory, events, grants, idempotency, records, relay, requests, retire, sequencer,
    state::App,
};

/// Creates every index that the routes need. Those that stand already are left alone.
///
/// # Errors
/// When the database does not answer, or an index of the same name is another one.
pub async fn create_indexes(app: &App) -> mongodb::error::Result<()> {
    let database = &app.database;
    auth::create_indexes(database).await?;
    idempotency::create_indexes(database).await?;
    directory::create_indexes(database).await?;
    blobs::create_indexes(database).await?;
    records::create_indexes(database).await?;
    grants::create_indexes(database).await?;
    requests::create_indexes(database).await?;
    blocks::create_indexes(database).await?;
    daily::create_indexes(database).await?;
    events::create_indexes(database).await?;
    relay::create_indexes(database).await?;
    sequencer::create_indexes(&app.log_database).await?;
    retire::create_indexes(database).await?;
    Ok(())
}

/// Starts the background work; it ends when [`App::shutdown`] is cancelled.
pub fn start(app: &App) {
    app.relay.start(&app.shutdown);
    sequencer::start(app);
    events::start(app);
    tokio::spawn(retire::run(app.clone()));
    tokio::spawn(blobs::sweeper::run(app.clone()));
}
