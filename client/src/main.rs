//! The `medlock` command.

mod cli;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    cli::run(std::env::args_os()).await
}
