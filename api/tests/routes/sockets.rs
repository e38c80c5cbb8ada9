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

use crate::world::{World, record};

struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<anyhow::Result<()>>,
}

impl Served {
    async fn new(world: &World) -> Self {
        let mut settings = Settings::clone(&world.app.settings);
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

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("the server listens")
    }

    /// Stops the server; gives how long that took.
    async fn stop(self) -> Duration {
        let began = Instant::now();
        self.stop.send(()).expect("the server is running");
        self.server.await.expect("no panic").expect("a clean end");
        began.elapsed()
    }
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let world = World::with(|settings| settings.limits.header_seconds_max = 1).await;
    let served = Served::new(&world).await;
    let mut slow = served.connect().await;
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.expect("written");
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), slow.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the server hangs up by itself");
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    served.stop().await;
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let world = World::new().await;
    let user = world.somebody().await;
    let served = Served::new(&world).await;
    let record = record();
    let bytes = crate::blobs::envelope(record, 1, 3 << 20);
    let mut upload = served.connect().await;
    let head = format!(
        "POST /v1/blobs?record={record}&version=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
        user.token.as_deref().expect("signed in"),
        bytes.len()
    );
    upload.write_all(head.as_bytes()).await.expect("written");
    upload.write_all(&bytes[..2 << 20]).await.expect("written");
    for _ in 0..100 {
        if world.count(collection::PINS).await == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(world.count(collection::PINS).await, 1, "the upload is reserved before its bytes are stored");
    drop(upload);
    for _ in 0..200 {
        if world.count(collection::PINS).await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(world.count(collection::PINS).await, 0);
    served.stop().await;
}

#[tokio::test]
async fn the_server_stops_within_its_time_also_when_a_feed_is_open() {
    let world = World::new().await;
    let user = world.somebody().await;
    let served = Served::new(&world).await;
    let mut feed = served.connect().await;
    let head = format!(
        "GET /v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer {}\r\n\r\n",
        user.token.as_deref().expect("signed in")
    );
    feed.write_all(head.as_bytes()).await.expect("written");
    let mut first = [0; 12];
    feed.read_exact(&mut first).await.expect("an answer");
    assert_eq!(&first, b"HTTP/1.1 200");
    let took = served.stop().await;
    assert!(took < Duration::from_secs(6), "{took:?}");
}
