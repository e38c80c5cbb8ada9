//! Connections of HTTP/1.1: heads, bodies and silence, and the end of the server.

use std::time::Duration;

use api::store::collection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::served::{Served, is_problem, told};
use crate::world::{envelopes::envelope, seeds, servers::Server};

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let server = Server::with(|settings| settings.limits.header_seconds_max = 1).await;
    let served = Served::new(&server).await;
    let mut slow = served.connect().await;
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.expect("written");
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), slow.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the server hangs up by itself");
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    served.stop().await;
}

#[tokio::test]
async fn bytes_that_are_no_request_are_answered_with_a_problem() {
    let server = Server::new().await;
    let served = Served::new(&server).await;
    let long = "a".repeat(9_000);
    let cases: Vec<(String, &str)> = vec![
        ("GET /healthz HTTP/1.1\r\n\r\n".into(), "invalid_request"),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".into(), "invalid_request"),
        ("GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n".into(), "invalid_request"),
        ("GET /healthz HTTP/1.1\nHost: a\n\n".into(), "invalid_request"),
        ("nonsense\r\n\r\n".into(), "invalid_request"),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nX\u{0}: y\r\n\r\n".into(), "invalid_request"),
        (format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), "uri_too_long"),
        (format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{}\r\n", format!("X: {long}\r\n").repeat(5)), "head_too_large"),
        (format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(101)), "head_too_large"),
        (
            "POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n".into(),
            "unsupported_transfer_coding",
        ),
        (
            "POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n".into(),
            "invalid_request",
        ),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n".into(), "method_not_allowed"),
        (format!("POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", u64::MAX), "invalid_request"),
        (format!("POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", u64::MAX - 1), "invalid_request"),
    ];
    for (request, code) in &cases {
        is_problem(&told(&served, request.as_bytes()).await, code);
    }
    // Behind a good request on the same connection, whose answer comes first and whole.
    let good = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let both = told(&served, format!("{good}{}", cases[0].0).as_bytes()).await;
    assert!(both.starts_with("HTTP/1.1 200"), "{both}");
    is_problem(&both, "invalid_request");
    served.stop().await;
}

#[tokio::test]
async fn bodies_end_where_they_say_and_the_next_request_is_answered() {
    let server = Server::new().await;
    let served = Served::new(&server).await;
    let post = |framing: &str| {
        format!("POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{framing}")
    };
    let last = "GET /version HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    for framing in [
        "Content-Length: 2\r\n\r\n{}",
        "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\nTrailer: z\r\n\r\n",
        "\r\n",
    ] {
        let text = told(&served, format!("{}{last}", post(framing)).as_bytes()).await;
        assert_eq!(text.matches("HTTP/1.1 ").count(), 2, "{framing:?}: {text}");
        assert!(text.contains("\"invalid_request\"") && text.contains("{\"version\":"), "{framing:?}: {text}");
    }
    // Bytes behind a malformed chunk are not read as a request.
    let hidden = format!("Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}x\r\n0\r\n\r\n{last}");
    let text = told(&served, format!("{}{hidden}", post("")).as_bytes()).await;
    assert!(!text.contains("{\"version\":"), "{text}");
    served.stop().await;
}

#[tokio::test]
async fn every_kind_of_silence_has_an_end() {
    let server = Server::with(|settings| {
        settings.limits.header_seconds_max = 1;
        settings.limits.idle_seconds_max = 2;
    })
    .await;
    let served = Served::new(&server).await;
    // No byte; half a preface of HTTP/2; all of it and then nothing; a connection that was used and is kept.
    assert_eq!(told(&served, b"").await, "");
    assert_eq!(told(&served, b"PRI * HTTP/2.0\r\n\r\nS").await, "");
    told(&served, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    assert!(told(&served, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await.starts_with("HTTP/1.1 200"));
    // A head that stops is answered with a problem.
    is_problem(&told(&served, b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ").await, "request_timeout");
    served.stop().await;
}

#[tokio::test]
async fn a_body_that_stands_still_is_the_clients_fault() {
    let server = Server::with(|settings| settings.limits.idle_seconds_max = 1).await;
    let user = server.newcomer().await;
    let served = Served::new(&server).await;
    let token = user.token();
    let record = seeds::record();
    for head in [
        "POST /v1/auth/login HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n".to_owned(),
        "PUT /v1/keyring HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\nIdempotency-Key: k\r\n"
            .to_owned(),
        format!(
            "POST /v1/blobs?record={record}&version=1 HTTP/1.1\r\nContent-Type: application/octet-stream\r\n\
             Content-Length: 5000\r\n"
        ),
    ] {
        let request = format!("{head}Host: a\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n{{\"");
        is_problem(&told(&served, request.as_bytes()).await, "request_timeout");
    }
    assert_eq!(server.count(collection::PINS).await, 0);
    served.stop().await;
}

#[tokio::test]
async fn a_download_that_nobody_reads_is_ended() {
    let server = Server::with(|settings| settings.limits.idle_seconds_max = 1).await;
    let user = server.newcomer().await;
    let record = seeds::record();
    // More than the kernel's buffers on both sides hold.
    let uploaded = user.upload(record, 1, envelope(record, 1, 64 << 20)).await;
    let cid = uploaded.json::<serde_json::Value>()["cid"].as_str().expect("a CID").to_owned();
    let served = Served::new(&server).await;
    let mut reader = served.connect().await;
    let head = format!("GET /v1/blobs/{cid} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", user.token());
    reader.write_all(head.as_bytes()).await.expect("written");
    let mut first = [0; 12];
    reader.read_exact(&mut first).await.expect("an answer");
    assert_eq!(&first, b"HTTP/1.1 200");
    // The server resets the connection, which shows without reading on.
    let error = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            if let Ok(Some(error)) = reader.take_error() {
                return error;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("the server ends it");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    served.stop().await;
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    let served = Served::new(&server).await;
    let record = seeds::record();
    let bytes = envelope(record, 1, 3 << 20);
    let mut upload = served.connect().await;
    let head = format!(
        "POST /v1/blobs?record={record}&version=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
        user.token(),
        bytes.len()
    );
    upload.write_all(head.as_bytes()).await.expect("written");
    upload.write_all(&bytes[..2 << 20]).await.expect("written");
    for _ in 0..100 {
        if server.count(collection::PINS).await == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.count(collection::PINS).await, 1, "the upload is reserved before its bytes are stored");
    drop(upload);
    for _ in 0..200 {
        if server.count(collection::PINS).await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.count(collection::PINS).await, 0);
    served.stop().await;
}

#[tokio::test]
async fn the_server_stops_within_its_time_also_when_a_feed_is_open() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    let served = Served::new(&server).await;
    let mut feed = served.connect().await;
    let head = format!(
        "GET /v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer {}\r\n\r\n",
        user.token()
    );
    feed.write_all(head.as_bytes()).await.expect("written");
    let mut first = [0; 12];
    feed.read_exact(&mut first).await.expect("an answer");
    assert_eq!(&first, b"HTTP/1.1 200");
    let took = served.stop().await;
    assert!(took < Duration::from_secs(6), "{took:?}");
}
