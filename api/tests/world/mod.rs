//! The world of the tests: local networks, servers on them, and people who use the servers.
//!
//! There are two ways to start. [`servers::Server::new`] opens a server with a database of its own on one network that all
//! tests share; the tests write the documents of the mirror. [`network::Network::start`] starts a network for one test,
//! which can change the chain.
//!
//! This is a `mod.rs`, because Cargo would build `tests/world.rs` as a test program.

pub(crate) mod actions;
pub(crate) mod answers;
pub(crate) mod calls;
pub(crate) mod envelopes;
pub(crate) mod grants;
pub(crate) mod login;
pub(crate) mod mirror;
pub(crate) mod mirrored_chain;
pub(crate) mod network;
pub(crate) mod opened;
pub(crate) mod people;
pub(crate) mod records;
pub(crate) mod seeds;
pub(crate) mod servers;
pub(crate) mod statements;
pub(crate) mod waiting;
