//! A server on a socket, and its answers on connections of HTTP/1.1.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use api::settings::Settings;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};

use crate::world::servers::Server;

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

    /// Stops the server and returns how long that took.
    pub(crate) async fn stop(self) -> Duration {
        let began = Instant::now();
        self.stop.send(()).expect("the server is running");
        self.server.await.expect("no panic").expect("a clean end");
        began.elapsed()
    }
}

/// Sends bytes on a new connection and returns everything that comes back until the server ends it.
pub(crate) async fn told(served: &Served, bytes: &[u8]) -> String {
    let mut connection = served.connect().await;
    connection.write_all(bytes).await.expect("written");
    read_to_the_end(&mut connection).await
}

/// Returns everything that comes until the server ends the connection, which it must do within 20 seconds.
pub(crate) async fn read_to_the_end(connection: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), connection.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the server does not hang up; it said {}", String::from_utf8_lossy(&answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// Makes sure that the last answer in `text` is a problem with this code and has the headers of every answer.
#[track_caller]
pub(crate) fn is_problem(text: &str, code: &str) {
    // A detail can contain `HTTP/1.1`, too.
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
