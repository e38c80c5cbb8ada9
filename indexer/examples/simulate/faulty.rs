//! Proxies between an indexer process and the real servers: a node with wrong answers, and a database whose connections
//! break. Toxiproxy and similar programs can break connections, but to change the content of a node's answers, the
//! proxy must understand JSON.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use alloy::transports::http::reqwest;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinHandle},
};

use crate::dice::Dice;

/// The frequency of faults of a node: one in this many requests; zero means never.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) stalls: u64,
    pub(crate) refusals: u64,
    pub(crate) halves: u64,
    pub(crate) stale_heads: u64,
    pub(crate) missing_blocks: u64,
    pub(crate) odd_logs: u64,
    pub(crate) empty_logs: u64,
    /// Whether logs of ranges are left out, too.
    pub(crate) empty_ranges: bool,
}

/// A proxy before a node.
#[derive(Clone)]
pub(crate) struct Node {
    upstream: String,
    http: reqwest::Client,
    dice: Arc<Mutex<Dice>>,
    faults: Arc<Mutex<Faults>>,
    pub(crate) address: SocketAddr,
    _serving: Arc<Serving>,
}

struct Serving(JoinHandle<()>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Node {
    pub(crate) async fn start(upstream: String, dice: Dice) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (http, dice, faults) = (reqwest::Client::new(), Arc::new(Mutex::new(dice)), Arc::default());
        let idle = Arc::new(Serving(tokio::spawn(async {})));
        let inner = Self { upstream, http, dice, faults, address, _serving: idle };
        let app = Router::new().route("/", post(answer)).with_state(inner.clone());
        let serving = tokio::spawn(async move { drop(axum::serve(listener, app).await) });
        Ok(Self { _serving: Arc::new(Serving(serving)), ..inner })
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        *self.faults.lock().expect("no panic") = faults;
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn falls(&self, once_in: impl Fn(&Faults) -> u64) -> bool {
        let times = once_in(&self.faults.lock().expect("no panic"));
        self.dice.lock().expect("no panic").once_in(times)
    }

    fn draw(&self, bound: u64) -> u64 {
        self.dice.lock().expect("no panic").below(bound)
    }

    async fn ask(&self, body: String) -> Result<String, reqwest::Error> {
        let request = self.http.post(&self.upstream).header("content-type", "application/json").body(body);
        request.send().await?.text().await
    }

    /// Changes a request to the one that a lagging node would see.
    fn aged(&self, request: &mut Value, head: u64) {
        if request["method"] == "eth_getBlockByNumber"
            && request["params"][0] == "latest"
            && self.falls(|faults| faults.stale_heads)
        {
            request["params"][0] = json!(format!("{:#x}", head.saturating_sub(self.draw(6))));
        }
    }

    fn spoiled(&self, request: &Value, answer: &mut Value) {
        match request["method"].as_str() {
            Some("eth_getBlockByNumber")
                if request["params"][0] != "0x0" && self.falls(|faults| faults.missing_blocks) =>
            {
                answer["result"] = Value::Null;
            }
            Some("eth_getLogs") => {
                let is_range = request["params"][0].get("blockHash").is_none();
                let may_empty = !is_range || self.faults.lock().expect("no panic").empty_ranges;
                let Some(logs) = answer["result"].as_array_mut().filter(|logs| !logs.is_empty()) else { return };
                if may_empty && self.falls(|faults| faults.empty_logs) {
                    logs.clear();
                } else if self.falls(|faults| faults.odd_logs) {
                    logs.push(logs[0].clone());
                    logs.reverse();
                }
            }
            _ => {}
        }
    }
}

async fn answer(State(node): State<Node>, body: Bytes) -> Response {
    if node.falls(|faults| faults.stalls) {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
    }
    if node.falls(|faults| faults.refusals) {
        let statuses = [StatusCode::TOO_MANY_REQUESTS, StatusCode::INTERNAL_SERVER_ERROR, StatusCode::BAD_GATEWAY];
        return statuses[usize::try_from(node.draw(3)).expect("small")].into_response();
    }
    match forward(&node, &body).await {
        Ok(text) if node.falls(|faults| faults.halves) => {
            let half = text[..text.len() / 2].to_owned();
            ([("content-type", "application/json")], Body::from(half)).into_response()
        }
        Ok(text) => ([("content-type", "application/json")], text).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

async fn forward(node: &Node, body: &[u8]) -> anyhow::Result<String> {
    let mut requests: Value = serde_json::from_slice(body)?;
    let head = node.ask(json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": [] }).to_string());
    let head: Value = serde_json::from_str(&head.await?)?;
    let head = head["result"].as_str().unwrap_or_default().trim_start_matches("0x");
    let head = u64::from_str_radix(head, 16)?;
    match &mut requests {
        Value::Array(requests) => requests.iter_mut().for_each(|request| node.aged(request, head)),
        request => node.aged(request, head),
    }
    let mut answers: Value = serde_json::from_str(&node.ask(requests.to_string()).await?)?;
    match (&requests, &mut answers) {
        (Value::Array(requests), Value::Array(answers)) => {
            for answer in answers {
                if let Some(request) = requests.iter().find(|request| request["id"] == answer["id"]) {
                    node.spoiled(request, answer);
                }
            }
        }
        (request, answer) => node.spoiled(request, answer),
    }
    Ok(answers.to_string())
}

/// A proxy before the database whose connections break.
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    connections: Arc<Mutex<Vec<AbortHandle>>>,
    is_cut: Arc<AtomicBool>,
    _serving: Serving,
}

impl Wire {
    pub(crate) async fn start(upstream: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (connections, is_cut) = (Arc::<Mutex<Vec<AbortHandle>>>::default(), Arc::new(AtomicBool::new(false)));
        let serving = tokio::spawn({
            let (connections, is_cut) = (connections.clone(), is_cut.clone());
            async move {
                while let Ok((mut near, _)) = listener.accept().await {
                    if is_cut.load(Ordering::Relaxed) {
                        continue;
                    }
                    let connection = tokio::spawn(async move {
                        if let Ok(mut far) = TcpStream::connect(upstream).await {
                            // Either end may close it.
                            drop(copy_bidirectional(&mut near, &mut far).await);
                        }
                    });
                    connections.lock().expect("no panic").push(connection.abort_handle());
                }
            }
        });
        Ok(Self { address, connections, is_cut, _serving: Serving(serving) })
    }

    /// Breaks every connection. With `stays`, new connections are refused as well.
    pub(crate) fn cut(&self, stays: bool) {
        self.is_cut.store(stays, Ordering::Relaxed);
        self.connections.lock().expect("no panic").drain(..).for_each(|connection| connection.abort());
    }

    pub(crate) fn mend(&self) {
        self.is_cut.store(false, Ordering::Relaxed);
    }
}
