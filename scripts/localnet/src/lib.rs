//! The local network: Anvil, Kubo and MongoDB as child processes, and medlock's own servers that use them.
//!
//! `./scripts/up` and every end-to-end test use it, so the tests run the same system that newcomers see. Every process
//! that is started here ends with its owner: on drop, on a panic, and also when the owner is killed.
//!
//! ```no_run
//! # async fn example() -> Result<(), localnet::StartError> {
//! let stack = localnet::Stack::start(localnet::StackConfig::for_tests()?).await?;
//! println!("the API answers at {}", stack.api_url(0));
//! stack.stop().await;
//! # Ok(()) }
//! ```
//!
//! Reading order: [`settings`] (anvil.toml), [`programs`] (finds the programs), [`process`] (starts and ends them),
//! [`network`] (Anvil, Kubo and MongoDB), [`deployment`] (the contracts), [`stack`] (our own servers).

mod anvil;
pub mod deployment;
pub mod error;
mod kubo;
mod mongo;
pub mod network;
pub mod ports;
pub mod process;
pub mod programs;
pub mod settings;
pub mod stack;

pub use error::StartError;
pub use network::{Localnet, LocalnetConfig, Part};
pub use ports::Ports;
pub use settings::{Person, Role, Settings};
pub use stack::{Stack, StackConfig};
