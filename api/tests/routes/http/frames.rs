//! Raw frames of HTTP/2 (RFC 9113), for clients that break its rules.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::served::Served;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const HEADERS: u8 = 1;

pub(crate) const RST_STREAM: u8 = 3;

const SETTINGS: u8 = 4;

pub(crate) const PING: u8 = 6;

const GOAWAY: u8 = 7;

pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;

pub(crate) const END_HEADERS: u8 = 4;

const ACK: u8 = 1;

/// The error code of RFC 9113, section 7.
pub(crate) const ENHANCE_YOUR_CALM: u8 = 11;

/// Returns a frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short payload").to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Returns the header block of `GET path`, with the names of the static table and literal values (RFC 7541).
pub(crate) fn get(path: &str) -> Vec<u8> {
    let literal = |name: u8, value: &str| {
        let mut literal = vec![name, u8::try_from(value.len()).expect("a short value")];
        literal.extend(value.as_bytes());
        literal
    };
    [vec![0x82, 0x86], literal(0x44, path), literal(0x41, "a")].concat()
}

/// Opens a connection and sends the preface with these settings.
pub(crate) async fn greeted(served: &Served, settings: &[u8]) -> TcpStream {
    let mut connection = served.connect().await;
    let greeting = [PREFACE, &frame(SETTINGS, 0, 0, settings), &frame(SETTINGS, ACK, 0, &[])].concat();
    connection.write_all(&greeting).await.expect("written");
    connection
}

/// Returns the server's next frame (kind, flags, stream and payload), or `None` when the connection has ended.
async fn next(connection: &mut TcpStream) -> Option<(u8, u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    connection.read_exact(&mut head).await.ok()?;
    let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
    let mut payload = vec![0; length];
    connection.read_exact(&mut payload).await.ok()?;
    Some((head[3], head[4], u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]), payload))
}

/// Reads until the server ends the connection, and returns the reason of its GOAWAY, if it sent one.
pub(crate) async fn farewell(connection: &mut TcpStream) -> Option<u8> {
    let said = async {
        let mut reason = None;
        while let Some((kind, _, _, payload)) = next(connection).await {
            if kind == GOAWAY {
                reason = payload.get(7).copied();
            }
        }
        reason
    };
    tokio::time::timeout(Duration::from_secs(20), said).await.expect("the server ends the connection")
}
