//! `medlock-api`: the blind server.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// The blind server of medlock: it stores data that it cannot read, relays messages that it did not sign, and keeps the
/// log.
#[derive(Parser)]
#[command(name = "medlock-api", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves until it is told to stop.
    Serve(Box<api::settings::Settings>),
    /// Writes every release share, still encrypted, to a new file.
    BackupShares(Box<api::shares_backup::BackupSettings>),
    /// Restores the release shares of a backup that are missing in the database.
    RestoreShares(Box<api::shares_backup::BackupSettings>),
    /// Adds the operator's next encryption key to the deployment file: the first one, or a rotation.
    AddOperatorKey(Box<api::new_operator_key::NewKeySettings>),
    /// Prints the OpenAPI document.
    Openapi,
    /// Prints the version.
    Version,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The only place where an error is shown to the person who runs the server.
            eprintln!("medlock-api: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(settings) => {
            start_tracing();
            api::serve::run(*settings, asked_to_stop()).await
        }
        Command::BackupShares(settings) => {
            let shares = api::shares_backup::backup(&settings).await?;
            print(&format!("{shares} release shares are in {}\n", settings.file.display()))
        }
        Command::RestoreShares(settings) => {
            let shares = api::shares_backup::restore(&settings).await?;
            print(&format!("{shares} missing release shares were restored\n"))
        }
        Command::AddOperatorKey(settings) => {
            let epoch = api::new_operator_key::add(&settings)?;
            print(&format!("{} now has the operator's encryption key {epoch}\n", settings.deployment.display()))
        }
        Command::Openapi => print(&api::routes::openapi_text()?),
        Command::Version => print(concat!(env!("CARGO_PKG_VERSION"), "\n")),
    }
}

/// Starts logging as JSON lines. `RUST_LOG` sets the levels.
fn start_tracing() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
}

fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

/// Resolves on SIGTERM or Ctrl-C.
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
