//! 40 downloads of a large envelope whose bytes the client does not read. A download that ends is started again.

use std::{
    collections::HashSet,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    time::Duration,
};

use anyhow::Context;
use async_trait::async_trait;
use client::wallet::Wallet;
use futures::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
};
use tokio_util::sync::CancellationToken;

use super::{Attack, silent::connect};
use crate::{
    people::Person,
    sockets,
    tally::Tally,
    world::{self, World},
};

pub(super) const NAME: &str = "downloads";
const DOWNLOADS: usize = 40;
/// The size of the envelope: far more than the buffers of the system on both sides of a connection.
const DOCUMENT_BYTES: usize = 32 << 20;
/// The receive buffer of the client, which it never empties.
const RECEIVE_BUFFER: u32 = 4_096;
/// The pause between two checks of the open connections.
const LOOK: Duration = Duration::from_millis(500);
/// The pause before a download that ended is started again.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Downloads {
    server: SocketAddr,
    request: String,
}

/// The attacker downloads one of its own documents.
pub(super) async fn prepare(world: &World) -> anyhow::Result<Downloads> {
    let home = world.path("downloader");
    let person = Person::new(&world.stack, &home).await?;
    let document = world.path("large");
    let content: Vec<u8> = rand::random_iter().take(DOCUMENT_BYTES).collect();
    tokio::fs::write(&document, content).await?;
    let record = world::upload(&person, document).await?;
    let versions = person.client.chain().versions_of(person.wallet.address()).await?;
    let cid = versions.iter().find(|version| version.record == record).context("it was uploaded")?.cid;
    let session: serde_json::Value = serde_json::from_slice(&tokio::fs::read(home.join("session.json")).await?)?;
    let token = session["token"].as_str().context("the attacker is signed in")?;
    let server = world.api_socket()?;
    let request = format!("GET /v1/blobs/{cid} HTTP/1.1\r\nHost: {server}\r\nAuthorization: Bearer {token}\r\n\r\n");
    Ok(Downloads { server, request })
}

#[async_trait]
impl Attack for Downloads {
    fn is_endless(&self) -> bool {
        true
    }

    async fn run(&self, address: Ipv4Addr, until: &CancellationToken, tally: &Tally) -> anyhow::Result<()> {
        let (seen, open) = watch::channel(HashSet::new());
        let port = self.server.port();
        let look = async {
            while !until.is_cancelled() {
                // A check that fails is repeated.
                if let Ok(peers) = sockets::peers_of(port) {
                    seen.send_replace(peers);
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let hold = |_| {
            let open = open.clone();
            async move { until.run_until_cancelled(self.hold(address, open, tally)).await }
        };
        tokio::join!(look, join_all((0..DOWNLOADS).map(hold)));
        let held = open.borrow().iter().filter(|peer| *peer.ip() == address).count();
        tally.note(format!("{held} of {DOWNLOADS} open at the end"));
        Ok(())
    }
}

impl Downloads {
    /// Starts one download after the other, without end.
    async fn hold(&self, address: Ipv4Addr, open: watch::Receiver<HashSet<SocketAddrV4>>, tally: &Tally) {
        loop {
            match self.begin(address, tally).await {
                Ok(connection) => {
                    until_ended(&connection, open.clone()).await;
                    tally.happened("ended by the server");
                }
                Err(_) => tally.happened("no connection"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Requests the envelope and reads only the status of the answer.
    async fn begin(&self, address: Ipv4Addr, tally: &Tally) -> std::io::Result<TcpStream> {
        let mut connection = connect(address, self.server, Some(RECEIVE_BUFFER)).await?;
        connection.write_all(self.request.as_bytes()).await?;
        let mut status = [0; "HTTP/1.1 200".len()];
        connection.read_exact(&mut status).await?;
        tally.happened(String::from_utf8_lossy(&status[9..]).into_owned());
        Ok(connection)
    }
}

/// Waits until the server has closed the connection. A read would show this too, but this attack must not read.
async fn until_ended(connection: &TcpStream, mut open: watch::Receiver<HashSet<SocketAddrV4>>) {
    let Ok(SocketAddr::V4(ours)) = connection.local_addr() else { return };
    // The first check may be earlier than the connection.
    for _ in 0..2 {
        let _ = open.changed().await;
    }
    let _ = open.wait_for(|peers| !peers.contains(&ours)).await;
}
