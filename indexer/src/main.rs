//! The program `medlock-indexer`.

use std::{io::IsTerminal, process::ExitCode};

use clap::Parser;
use indexer::settings::{Cli, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    // Log messages of the RPC client may contain the endpoint, which may contain a key. The indexer itself logs the
    // important ones.
    let quiet = "info,alloy_pubsub=off,alloy_transport_ws=off,alloy_rpc_client=off";
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(quiet));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    let stop = stop_on_signals();
    let result = match cli.command {
        Command::Run(settings) => indexer::run(&settings, stop).await,
        Command::Reindex(reindex) => indexer::reindex(&reindex.settings, reindex.other_chain, stop).await,
        Command::Version => {
            #[expect(clippy::print_stdout, reason = "this is what the command is for")]
            {
                println!("medlock-indexer {}", env!("CARGO_PKG_VERSION"));
            }
            return ExitCode::SUCCESS;
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}\n  do: {}", error.remedy());
            ExitCode::from(error.exit_code())
        }
    }
}

/// Returns a token that is cancelled by SIGINT and SIGTERM.
fn stop_on_signals() -> CancellationToken {
    let stop = CancellationToken::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let stop = stop.clone();
        let mut signals = signal(kind).expect("the process may handle its signals");
        tokio::spawn(async move {
            signals.recv().await;
            stop.cancel();
        });
    }
    stop
}
