//! Answers that are taken slowly or not at all: they keep their places, end in time, and arrive where a client goes on.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
};

use super::{
    h2_client::{ask_for_body, connect},
    served::Served,
};
use crate::world::servers::Server;

/// Opens a server with a web app that has one large file.
async fn with_file(length: usize, change: impl FnOnce(&mut api::settings::Settings)) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("index.html"), "<!doctype html>").expect("a file");
    std::fs::write(folder.path().join("large.bin"), vec![7; length]).expect("a file");
    let server = Server::with(|settings| {
        settings.web_dir = Some(folder.path().to_owned());
        change(settings);
    })
    .await;
    (server, folder)
}

#[tokio::test]
async fn answers_that_nobody_takes_keep_their_places_until_their_streams_are_reset() {
    let server = Server::with(|settings| {
        settings.limits.idle_seconds_max = 3;
        settings.limits.requests_per_network_max = 40;
    })
    .await;
    let served = Served::new(&server).await;
    // Short and long ones. Of each the client takes one byte.
    let (client, _driver) = connect(&served, 1).await;
    let mut bodies = Vec::new();
    for path in ["/openapi.json", "/version"].into_iter().cycle().take(40) {
        let mut body = ask_for_body(&client, path, None).await;
        let first = body.data().await.expect("a byte").expect("a byte");
        assert_eq!(first.len(), 1);
        bodies.push(body);
    }
    // All places are taken, on this connection and on others.
    let ask_apart = async || {
        let mut connection = served.connect().await;
        let head = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        connection.write_all(head.as_bytes()).await.expect("written");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.expect("an answer");
        answer
    };
    let refused = ask_apart().await;
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    for mut body in bodies {
        let end = tokio::time::timeout(Duration::from_secs(20), body.data()).await.expect("the server ends the stream");
        assert!(end.expect("no clean end").expect_err("no more bytes").is_reset());
    }
    assert!(ask_apart().await.starts_with("HTTP/1.1 200"));
    // The connection is not at fault.
    assert_eq!(ask_for_body(&client, "/version", None).await.data().await.expect("a byte").expect("a byte").len(), 1);
    served.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_taken_too_slowly_is_ended() {
    // Never idle for long; and 10 KiB a second is too little.
    let change = |settings: &mut api::settings::Settings| {
        settings.limits.idle_seconds_max = 2;
        settings.limits.answer_bytes_per_second_min = 1 << 20;
    };
    let (server, _folder) = with_file(16 << 20, change).await;
    let served = Served::new(&server).await;
    let (client, _driver) = connect(&served, 32 << 10).await;
    let mut body = ask_for_body(&client, "/large.bin", None).await;
    let mut taken = 0;
    let end = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            match body.data().await {
                Some(Ok(piece)) => {
                    taken += piece.len();
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    body.flow_control().release_capacity(piece.len()).expect("released");
                }
                end => return end,
            }
        }
    });
    assert!(end.await.expect("the server ends it").expect("no clean end").expect_err("an end").is_reset());
    assert!(taken < 16 << 20);

    // On HTTP/1 the connection is ended. The client's buffer is small, so that the server sees how slow it is.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(16 << 10).expect("a small buffer");
    let mut slow = socket.connect(served.address).await.expect("the server listens");
    slow.write_all(b"GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("written");
    let mut some = vec![0; 16 << 10];
    let end = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            match slow.read(&mut some).await {
                Ok(0) => panic!("a clean end"),
                Ok(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(error) => return error.kind(),
            }
        }
    });
    assert_eq!(end.await.expect("the server ends it"), std::io::ErrorKind::ConnectionReset);
    served.stop().await;
}

#[tokio::test]
async fn an_answer_from_memory_arrives_whole_however_long_its_client_takes() {
    let change = |settings: &mut api::settings::Settings| {
        settings.limits.header_seconds_max = 1;
        settings.limits.idle_seconds_max = 2;
    };
    let length = 20 << 20;
    let (server, _folder) = with_file(length, change).await;
    let served = Served::new(&server).await;
    // Both take longer than a connection may be without a request.
    let over_http2 = async {
        let (client, _driver) = connect(&served, 256 << 10).await;
        let mut body = ask_for_body(&client, "/large.bin", None).await;
        let mut taken = 0;
        while let Some(piece) = body.data().await {
            let piece = piece.expect("it goes on");
            taken += piece.len();
            body.flow_control().release_capacity(piece.len()).expect("released");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        taken
    };
    let over_http1 = async {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(64 << 10).expect("a small buffer");
        let mut slow = socket.connect(served.address).await.expect("the server listens");
        let head = "GET /large.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        slow.write_all(head.as_bytes()).await.expect("written");
        let (mut some, mut taken) = (vec![0; 64 << 10], 0);
        loop {
            match slow.read(&mut some).await.expect("it goes on") {
                0 => return taken,
                length => taken += length,
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let (over_http2, over_http1) = tokio::join!(over_http2, over_http1);
    assert_eq!(over_http2, length);
    assert!(over_http1 > length, "{over_http1} bytes with the head");
    served.stop().await;
}
