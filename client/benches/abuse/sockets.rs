//! The connections of a server, from the table of the system. A client that does not read cannot see whether its
//! connection is still open.

use std::{
    collections::HashSet,
    net::{Ipv4Addr, SocketAddrV4},
};

/// `TCP_ESTABLISHED` in the table.
const ESTABLISHED: &str = "01";

/// Returns the addresses with which a server on this port of loopback has a connection now.
///
/// # Errors
/// Returns an error when the system has no such table.
pub(crate) fn peers_of(port: u16) -> std::io::Result<HashSet<SocketAddrV4>> {
    Ok(read_table(&std::fs::read_to_string("/proc/net/tcp")?, port))
}

/// Parses the table. It has one line for each end of a connection; the ends of the server have its port on the left.
fn read_table(table: &str, port: u16) -> HashSet<SocketAddrV4> {
    let peer = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, remote, state) = (fields.next()?, fields.next()?, fields.next()?);
        let is_held = state == ESTABLISHED && read_address(local)?.port() == port;
        is_held.then(|| read_address(remote)).flatten()
    };
    table.lines().skip(1).filter_map(peer).collect()
}

/// Parses an end: `0100007F:1F90` is 127.0.0.1:8080. The address is in the byte order of the machine, the port is not.
fn read_address(text: &str) -> Option<SocketAddrV4> {
    let (address, port) = text.split_once(':')?;
    let address = Ipv4Addr::from(u32::from_str_radix(address, 16).ok()?.to_ne_bytes());
    Some(SocketAddrV4::new(address, u16::from_str_radix(port, 16).ok()?))
}

/// Checks with our own connection that the table is parsed correctly. Otherwise every silent connection would look
/// closed.
///
/// # Errors
/// Returns an error when it is not.
pub(crate) async fn self_check() -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::new(127, 0, 0, 2), 0).into())?;
    let (client, accepted) = tokio::join!(socket.connect(listener.local_addr()?), listener.accept());
    let (client, server) = (client?, accepted?.0);
    let std::net::SocketAddr::V4(ours) = client.local_addr()? else { anyhow::bail!("IPv4 was asked for") };
    anyhow::ensure!(peers_of(port)?.contains(&ours), "/proc/net/tcp does not show an open connection");
    drop(server);
    anyhow::ensure!(!peers_of(port)?.contains(&ours), "/proc/net/tcp shows a connection that was closed");
    Ok(())
}
