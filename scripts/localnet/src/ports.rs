//! TCP ports on loopback.

use std::{
    collections::HashSet,
    net::{Ipv4Addr, TcpListener},
    sync::{LazyLock, Mutex},
};

use rand::RngExt;
use serde::{Deserialize, Serialize};

/// A range below the one from which systems take ports for outgoing connections. So the port of a stopped server is
/// still free when the server is started again.
const FREE: std::ops::Range<u16> = 20_000..30_000;

/// The ports that this process has already returned and does not return again.
static TAKEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);

/// One port for each server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ports {
    /// Anvil: JSON-RPC over HTTP and WebSocket.
    pub anvil: u16,
    /// Kubo's RPC (an admin port).
    pub kubo: u16,
    /// Kubo's gateway.
    pub gateway: u16,
    /// MongoDB.
    pub mongodb: u16,
    /// The indexer's health and metrics.
    pub indexer: u16,
    /// The API.
    pub api: u16,
}

impl Ports {
    /// Returns ports that are free now.
    #[must_use]
    pub fn free() -> Self {
        Self { anvil: free(), kubo: free(), gateway: free(), mongodb: free(), indexer: free(), api: free() }
    }

    /// Returns the default ports of `up`, given the chain's port in `anvil.toml`.
    #[must_use]
    pub const fn preferred(anvil: u16) -> Self {
        Self { anvil, kubo: 8401, gateway: 8402, mongodb: 8403, indexer: 8404, api: 8400 }
    }

    /// Returns the same ports, but a free port in place of each one that is in use.
    #[must_use]
    pub fn moved_to_free(self) -> Self {
        let keep = |port| if is_free(port) { port } else { free() };
        Self {
            anvil: keep(self.anvil),
            kubo: keep(self.kubo),
            gateway: keep(self.gateway),
            mongodb: keep(self.mongodb),
            indexer: keep(self.indexer),
            api: keep(self.api),
        }
    }

    /// Returns each port with the name of its server.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, u16); 6] {
        [
            ("anvil", self.anvil),
            ("kubo", self.kubo),
            ("gateway", self.gateway),
            ("mongodb", self.mongodb),
            ("indexer", self.indexer),
            ("api", self.api),
        ]
    }
}

/// Returns a free port. This process gets each port only once.
///
/// # Panics
/// When ten thousand ports are in use.
#[must_use]
pub fn free() -> u16 {
    let mut rng = rand::rng();
    for _ in 0..10_000 {
        let port = rng.random_range(FREE);
        let is_new = TAKEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(port);
        if is_new && is_free(port) {
            return port;
        }
    }
    panic!("no free port between {} and {}", FREE.start, FREE.end)
}

/// Returns whether a port of the loopback interface is free.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
