//! What only shows on a real connection: slow heads, broken uploads, stopping.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use api::{settings::Settings, store::collection};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};

use crate::world::{envelopes::envelope, people::User, seeds, servers::Server};

pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<anyhow::Result<()>>,
}

impl Served {
    pub(crate) async fn new(server: &Server) -> Self {
        let mut settings = Settings::clone(&server.app.settings);
        settings.listen.set_port(localnet::ports::free());
        let address = settings.listen;
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(api::serve::run(settings, async {
            let _ = stopped.await;
        }));
        for _ in 0..200 {
            if TcpStream::connect(address).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Self { address, stop, server }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("the server listens")
    }

    /// Stops the server; gives how long that took.
    pub(crate) async fn stop(self) -> Duration {
        let began = Instant::now();
        self.stop.send(()).expect("the server is running");
        self.server.await.expect("no panic").expect("a clean end");
        began.elapsed()
    }
}

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

/// Sends bytes on a connection of its own; gives all that comes back until the server hangs up.
async fn told(served: &Served, bytes: &[u8]) -> String {
    let mut connection = served.connect().await;
    connection.write_all(bytes).await.expect("written");
    read_to_the_end(&mut connection).await
}

/// What comes until the server hangs up, which it must within a while.
async fn read_to_the_end(connection: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), connection.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the server does not hang up; it said {}", String::from_utf8_lossy(&answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// The last answer in `text` is a problem with this code and has the headers of every other.
#[track_caller]
fn is_problem(text: &str, code: &str) {
    // Details name the version, too.
    let begin = text.rfind("HTTP/1.1 4").or_else(|| text.rfind("HTTP/1.1 5"));
    let answer = &text[begin.unwrap_or_else(|| panic!("no refusal: {text}"))..];
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text}"));
    let problem: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("no problem: {text}"));
    assert_eq!(problem["code"], code, "{text}");
    assert!(head.starts_with(&format!("HTTP/1.1 {}", problem["status"])), "{text}");
    for header in
        ["content-type: application/problem+json", "x-content-type-options: nosniff", "cache-control: no-store"]
    {
        assert!(head.to_lowercase().contains(header), "{header} is missing: {text}");
    }
    let id = problem["request_id"].as_str().expect("text");
    assert!(head.to_lowercase().contains(&format!("x-request-id: {id}")), "{text}");
}

#[tokio::test]
async fn what_never_becomes_a_request_is_a_problem_too() {
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
    // What is hidden behind a malformed chunk is nobody's request.
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
    // A head that stops is told so.
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
async fn one_network_has_so_many_connections_and_others_have_theirs() {
    let server = Server::with(|settings| settings.limits.connections_per_network_max = 3).await;
    let served = Served::new(&server).await;
    let from = |last: u8| async move {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).expect("loopback is a whole network");
        socket.connect(served.address).await.expect("the server listens")
    };
    let _held = [from(2).await, from(2).await, from(2).await];
    let ask = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut fourth = from(2).await;
    let mut said = Vec::new();
    let _ =
        tokio::time::timeout(Duration::from_secs(5), fourth.read_to_end(&mut said)).await.expect("it is turned away");
    is_problem(&String::from_utf8_lossy(&said), "rate_limited");
    let mut other = from(3).await;
    other.write_all(ask).await.expect("written");
    assert!(read_to_the_end(&mut other).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn behind_a_proxy_the_requests_of_each_network_are_counted() {
    let server = Server::with(|settings| {
        settings.limits.forwarded_header = Some("x-forwarded-for".to_owned());
        settings.limits.connections_per_network_max = 1;
        settings.limits.requests_per_network_max = 2;
    })
    .await;
    let user = server.newcomer().await;
    let served = Served::new(&server).await;
    let ask = async |path: &str, from: &str| {
        let mut connection = served.connect().await;
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {from}\r\nAuthorization: Bearer {}\r\n\r\n",
            user.token()
        );
        connection.write_all(head.as_bytes()).await.expect("written");
        let mut first = [0; 12];
        connection.read_exact(&mut first).await.expect("an answer");
        (connection, String::from_utf8_lossy(&first).into_owned())
    };
    // Feeds are requests that do not end.
    let (one, first) = ask("/v1/events", "192.0.2.1").await;
    let (_two, second) = ask("/v1/events", "192.0.2.1").await;
    assert_eq!((first.as_str(), second.as_str()), ("HTTP/1.1 200", "HTTP/1.1 200"));
    assert_eq!(ask("/healthz", "192.0.2.1").await.1, "HTTP/1.1 429");
    assert_eq!(ask("/healthz", "192.0.2.2").await.1, "HTTP/1.1 200");
    drop(one);
    for _ in 0..100 {
        if ask("/healthz", "192.0.2.1").await.1 == "HTTP/1.1 200" {
            served.stop().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the place of a feed that was closed is never free again");
}

#[tokio::test]
async fn whoever_has_sent_much_waits_and_others_do_not() {
    let server = Server::with(|settings| {
        settings.limits.bytes_per_second = 1 << 10;
        settings.limits.bytes_burst = 64 << 10;
        settings.limits.refusal_milliseconds = 0;
    })
    .await;
    let (much, other) = (server.newcomer().await, server.newcomer().await);
    let served = Served::new(&server).await;
    let call = async |user: &User, line: &str, body: &str| {
        let token = user.token();
        let kind = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        let head =
            format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{kind}");
        told(&served, format!("{head}\r\n{body}").as_bytes()).await[..12].to_owned()
    };
    // What is short costs nothing.
    for _ in 0..100 {
        assert_eq!(call(&much, "GET /v1/me", "").await, "HTTP/1.1 200");
    }
    let long = format!("\"{}\"", "a".repeat(200 << 10));
    assert_eq!(call(&much, "POST /v1/grants", &long).await, "HTTP/1.1 400");
    assert_eq!(call(&much, "GET /v1/me", "").await, "HTTP/1.1 429");
    assert_eq!(call(&other, "GET /v1/me", "").await, "HTTP/1.1 200");
    served.stop().await;
}

#[tokio::test]
async fn the_forwarded_header_counts_only_from_a_proxy_and_only_when_it_names_an_address() {
    let server = Server::with(|settings| {
        settings.limits.forwarded_header = Some("x-forwarded-for".to_owned());
        settings.limits.proxy = vec!["127.0.0.2".parse().expect("an address")];
        settings.limits.requests_per_network_max = 1;
    })
    .await;
    let user = server.newcomer().await;
    let served = Served::new(&server).await;
    let ask = async |from: [u8; 4], path: &str, header: &str| {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from((from, 0))).expect("loopback is a whole network");
        let mut connection = socket.connect(served.address).await.expect("the server listens");
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{header}Authorization: Bearer {}\r\n\r\n", user.token());
        connection.write_all(head.as_bytes()).await.expect("written");
        let mut first = vec![0; 64 << 10];
        let length = connection.read(&mut first).await.expect("an answer");
        (connection, String::from_utf8_lossy(&first[..length]).into_owned())
    };
    let (proxy, other) = ([127, 0, 0, 2], [127, 0, 0, 3]);
    let said = async |from, header: &str| ask(from, "/healthz", header).await.1[..12].to_owned();
    // Feeds are requests that do not end: one for each of these networks.
    let mut held = Vec::new();
    for (from, header) in [
        (proxy, "X-Forwarded-For: 192.0.2.1:5678\r\n"),
        (proxy, "X-Forwarded-For: 192.0.2.1, [2001:db8::1]:80\r\n"),
        // These two count by the addresses from which they come.
        (proxy, "X-Forwarded-For: unknown\r\n"),
        (other, "X-Forwarded-For: 192.0.2.2\r\n"),
    ] {
        let (connection, answer) = ask(from, "/v1/events", header).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{header}: {answer}");
        held.push(connection);
    }
    for (from, header) in [
        (proxy, "X-Forwarded-For: 192.0.2.1\r\n"),
        (proxy, "X-Forwarded-For: 2001:db8::7\r\n"),
        (proxy, ""),
        (other, "X-Forwarded-For: 192.0.2.3\r\n"),
        (other, ""),
    ] {
        assert_eq!(said(from, header).await, "HTTP/1.1 429", "{header}");
    }
    assert_eq!(said(proxy, "X-Forwarded-For: 192.0.2.2\r\n").await, "HTTP/1.1 200");
    let last = "X-Forwarded-For: 192.0.2.2\r\nConnection: close\r\n";
    let (mut connection, mut metrics) = ask(proxy, "/metrics", last).await;
    metrics += &read_to_the_end(&mut connection).await;
    assert!(metrics.contains("medlock_api_forwarded_ignored_total 4\n"), "{metrics}");
    served.stop().await;
}

#[tokio::test]
async fn addresses_of_one_range_have_so_many_connections_together() {
    let server = Server::with(|settings| settings.limits.connections_per_wide_network_max = 2).await;
    let served = Served::new(&server).await;
    let from = |address: [u8; 4]| async move {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from((address, 0))).expect("loopback is a whole network");
        socket.connect(served.address).await.expect("the server listens")
    };
    let _held = [from([127, 0, 1, 1]).await, from([127, 0, 1, 2]).await];
    let mut third = from([127, 0, 1, 3]).await;
    is_problem(&read_to_the_end(&mut third).await, "rate_limited");
    let mut other = from([127, 0, 2, 1]).await;
    other.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.expect("written");
    assert!(read_to_the_end(&mut other).await.starts_with("HTTP/1.1 200"));
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
