//! TCP ports on loopback.

use std::{
    collections::HashSet,
    net::{Ipv4Addr, TcpListener},
    sync::{LazyLock, Mutex},
};

use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Below the range from which systems give outgoing connections their ports: a server that is stopped and started
/// again finds its port still free.
const FREE: std::ops::Range<u16> = 20_000..30_000;

/// Handed out by this process and not to be handed out again.
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
    /// Ports that are free now.
    #[must_use]
    pub fn free() -> Self {
        Self { anvil: free(), kubo: free(), gateway: free(), mongodb: free(), indexer: free(), api: free() }
    }

    /// What `up` would like, given the chain's port of `anvil.toml`.
    #[must_use]
    pub const fn preferred(anvil: u16) -> Self {
        Self { anvil, kubo: 8401, gateway: 8402, mongodb: 8403, indexer: 8404, api: 8400 }
    }

    /// The same ports, with a free one in place of each that somebody else listens on.
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

    /// Each port with the name of its server.
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

/// A port that nobody listens on, and that this process gets only once.
///
/// # Panics
/// When ten thousand ports are taken.
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

/// Whether nobody listens on a port of the loopback interface.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
