//! The program `medlock-localnet`, which `scripts/up` and `scripts/down` run.

/// Prints a line. Unlike `println!`, it does not fail when nobody reads the output any more, because a closed pipe is
/// no reason to stop the servers.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

mod demo;
mod state;
mod up;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// Runs medlock on this machine: chain, block store, database, indexer and API.
#[derive(Debug, Parser)]
#[command(name = "medlock-localnet", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Starts everything; Ctrl-C stops it and loses nothing.
    Up {
        /// Starts without demo people and without the demo.
        #[arg(long)]
        empty: bool,
        /// Returns when everything is ready and leaves it running; `down` stops it.
        #[arg(long)]
        detach: bool,
        /// A setting for the API, as NAME=VALUE. It replaces a default. May be repeated.
        #[arg(long, value_parser = parse_setting)]
        api_setting: Vec<(String, String)>,
        /// The folder for state, logs and keys.
        #[arg(long, default_value = ".medlock", env = "MEDLOCK_STATE_DIR")]
        state_dir: PathBuf,
    },
    /// Stops the servers that `up --detach` left running, in order.
    Down {
        /// The folder for state, logs and keys.
        #[arg(long, default_value = ".medlock", env = "MEDLOCK_STATE_DIR")]
        state_dir: PathBuf,
    },
    /// Prints which servers run, and where.
    Status {
        /// The folder for state, logs and keys.
        #[arg(long, default_value = ".medlock", env = "MEDLOCK_STATE_DIR")]
        state_dir: PathBuf,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
    let result = match Arguments::parse().command {
        Command::Up { empty, detach: true, api_setting, state_dir } => {
            up::detached(&state_dir, empty, &api_setting).await
        }
        Command::Up { empty, detach: false, api_setting, state_dir } => {
            up::foreground(&state_dir, empty, api_setting).await
        }
        Command::Down { state_dir } => up::down(&state_dir).await,
        Command::Status { state_dir } => up::status(&state_dir).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
            eprintln!("error: {}", chain.join(": "));
            ExitCode::FAILURE
        }
    }
}

/// Parses `NAME=VALUE`.
fn parse_setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a setting is NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
