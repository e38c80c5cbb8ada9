//! Kubo's RPC.
//!
//! Small calls use `ipfs-api-backend-hyper`. The two streams do not use it. That crate opens a connection for each
//! call, passes uploads through a multipart encoder in 8 KiB pieces, and reports an interrupted download as complete,
//! because it ignores trailers. Here the pieces are passed on as they arrive from the network, and every wait has a
//! time limit.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, anyhow};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, future::BoxFuture, stream};
use ipfs_api_backend_hyper::{Error as CallError, IpfsApi, IpfsClient, TryFromUri};
use serde::Deserialize;
use tokio::time::{Instant, timeout};

use super::{ByteStream, ContentError, ContentStore};
use crate::settings::Limits;

/// UnixFS profile `unixfs-v1-2025`. It is sent explicitly, so that a node with other defaults returns the same CIDs.
const ADD_QUERY: &str = "pin=true&quieter=true&progress=false&cid-version=1&hash=sha2-256&raw-leaves=true\
    &chunker=size-1048576&max-file-links=1024&wrap-with-directory=false";

/// A Kubo node.
#[derive(Clone)]
pub struct Kubo {
    streams: reqwest::Client,
    calls: IpfsClient,
    url: String,
    call_wait: Duration,
    idle_wait: Duration,
}

impl Kubo {
    /// Creates a client for the node at `url`.
    ///
    /// # Errors
    /// Returns an error when the URL cannot be used.
    pub fn new(url: &str, limits: &Limits) -> anyhow::Result<Self> {
        let url = url.trim_end_matches('/').to_owned();
        let call_wait = Duration::from_secs(limits.kubo_seconds_max);
        Ok(Self {
            streams: reqwest::Client::builder()
                .connect_timeout(call_wait)
                .tcp_nodelay(true)
                .no_proxy()
                .build()
                .context("cannot make an HTTP client")?,
            calls: IpfsClient::build_with_base_uri(
                format!("{url}/api/v0").parse().context("MEDLOCK_KUBO_URL is not a URL")?,
            ),
            url,
            call_wait,
            idle_wait: Duration::from_secs(limits.idle_seconds_max),
        })
    }

    /// Runs a small call with a timeout, because the crate has none.
    async fn call<T>(&self, call: BoxFuture<'_, Result<T, CallError>>) -> Result<T, ContentError> {
        match timeout(self.call_wait, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(CallError::Api(error))) => Err(refused(&error.message)),
            Ok(Err(error)) => Err(ContentError::Unreachable(error.into())),
            Err(_) => Err(ContentError::Unreachable(anyhow!("no answer within {:?}", self.call_wait))),
        }
    }
}

/// One line of the answer to `add`. An error after the answer's head has this form too.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AddLine {
    #[serde(default)]
    hash: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FileStat {
    size: u64,
}

#[async_trait]
impl ContentStore for Kubo {
    async fn put(&self, bytes: ByteStream) -> Result<String, ContentError> {
        let boundary = format!("medlock-{}", uuid::Uuid::new_v4().simple());
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"envelope\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        let progress = Arc::new(Progress::new());
        let seen = Arc::clone(&progress);
        let body = stream::once(async { Ok(Bytes::from(head)) })
            .chain(bytes)
            .chain(stream::once(async { Ok(Bytes::from(tail)) }))
            .inspect(move |piece| seen.note(piece));
        let request = self
            .streams
            .post(format!("{}/api/v0/add?{ADD_QUERY}", self.url))
            .header("content-type", format!("multipart/form-data; boundary={boundary}"))
            .body(reqwest::Body::wrap_stream(body));
        let sent = async {
            let answer = request.send().await?;
            let status = answer.status();
            answer.text().await.map(|text| (status, text))
        };
        let (status, text) = tokio::select! {
            answer = sent => match answer {
                Ok(answer) => answer,
                Err(error) if progress.broke.load(Ordering::Relaxed) => {
                    return Err(ContentError::Interrupted(io::Error::other(error.without_url())));
                }
                Err(error) => return Err(unreachable(error)),
            },
            () = progress.standstill(self.idle_wait + self.call_wait) => {
                return Err(ContentError::Unreachable(anyhow!("an upload stood still")));
            }
        };
        // Kubo may have answered although the stream broke off. Without the end of the form it pins nothing.
        if progress.broke.load(Ordering::Relaxed) {
            return Err(ContentError::Interrupted(io::ErrorKind::UnexpectedEof.into()));
        }
        if !status.is_success() {
            return Err(refused(&text));
        }
        let line = text.lines().last().unwrap_or_default();
        let line: AddLine = serde_json::from_str(line).map_err(|error| ContentError::Refused(error.to_string()))?;
        if line.hash.is_empty() { Err(refused(&line.message)) } else { Ok(line.hash) }
    }

    async fn get(&self, cid: &str, offset: u64, length: u64) -> Result<ByteStream, ContentError> {
        let url = format!("{}/api/v0/cat?arg={cid}&offset={offset}&length={length}&progress=false", self.url);
        let answer = match timeout(self.call_wait, self.streams.post(url).send()).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(unreachable(error)),
            Err(_) => return Err(ContentError::Unreachable(anyhow!("no answer within {:?}", self.call_wait))),
        };
        if !answer.status().is_success() {
            let text = timeout(self.call_wait, answer.text()).await.ok().and_then(Result::ok).unwrap_or_default();
            return Err(refused(&text));
        }
        let pieces = answer.bytes_stream().map_err(|error| io::Error::other(error.without_url()));
        let pieces = tokio_stream::StreamExt::timeout(pieces, self.idle_wait).map(|piece| match piece {
            Ok(piece) => piece,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        });
        Ok(Box::pin(pieces))
    }

    async fn size(&self, cid: &str) -> Result<Option<u64>, ContentError> {
        // `files/stat` returns the length of the file itself. Other calls also count the links of the tree.
        let url = format!("{}/api/v0/files/stat?arg=/ipfs/{cid}", self.url);
        let asked = async {
            let answer = self.streams.post(url).send().await?;
            if answer.status().is_success() { answer.json::<FileStat>().await.map(Some) } else { Ok(None) }
        };
        match timeout(self.call_wait, asked).await {
            Ok(Ok(stat)) => Ok(stat.map(|stat| stat.size)),
            Ok(Err(error)) => Err(unreachable(error)),
            Err(_) => Ok(None),
        }
    }

    async fn pin(&self, cid: &str) -> Result<(), ContentError> {
        self.call(Box::pin(self.calls.pin_add(cid, true))).await.map(drop)
    }

    async fn unpin(&self, cid: &str) -> Result<(), ContentError> {
        match self.call(Box::pin(self.calls.pin_rm(cid, true))).await {
            // Kubo reports this case only by its text.
            Err(ContentError::Refused(message)) if message.contains("not pinned") => Ok(()),
            other => other.map(drop),
        }
    }

    async fn probe(&self) -> Result<(), ContentError> {
        self.call(Box::pin(self.calls.version())).await.map(drop)
    }
}

/// Returns the error without the URL, because the URL contains the CID, which must not be logged.
fn unreachable(error: reqwest::Error) -> ContentError {
    ContentError::Unreachable(error.without_url().into())
}

/// Returns the error without CIDs, which Kubo's messages may contain.
fn refused(message: &str) -> ContentError {
    /// The shortest CIDs, of version 0, have 46 characters.
    const CID_CHARACTERS_MIN: usize = 46;
    let words = message.split_inclusive(|character: char| !character.is_ascii_alphanumeric());
    let without: String = words
        .map(|word| {
            let rest = word.trim_start_matches(|character: char| character.is_ascii_alphanumeric());
            if word.len() - rest.len() < CID_CHARACTERS_MIN { word.to_owned() } else { format!("CID{rest}") }
        })
        .collect();
    ContentError::Refused(without)
}

/// The progress of an upload.
struct Progress {
    began: Instant,
    /// Milliseconds from the start to the last piece.
    last_ms: AtomicU64,
    /// Whether the stream ended with an error.
    broke: AtomicBool,
}

impl Progress {
    fn new() -> Self {
        Self { began: Instant::now(), last_ms: AtomicU64::new(0), broke: AtomicBool::new(false) }
    }

    fn note(&self, piece: &io::Result<Bytes>) {
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(elapsed, Ordering::Relaxed);
        if piece.is_err() {
            self.broke.store(true, Ordering::Relaxed);
        }
    }

    /// Returns when no piece has moved for this time.
    async fn standstill(&self, wait: Duration) {
        loop {
            let deadline = self.began + Duration::from_millis(self.last_ms.load(Ordering::Relaxed)) + wait;
            if Instant::now() >= deadline {
                return;
            }
            tokio::time::sleep_until(deadline).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_contains_no_cid() {
        let cid = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
        let message = format!("block was not found locally (offline): ipld: could not find {cid}: /ipfs/{cid}");
        assert_eq!(
            refused(&message).to_string(),
            "the content store refused: block was not found locally (offline): ipld: could not find CID: /ipfs/CID"
        );
        assert_eq!(
            refused("not pinned or pinned indirectly").to_string(),
            "the content store refused: not pinned or pinned indirectly"
        );
    }

    #[tokio::test]
    async fn the_error_of_an_unreachable_node_does_not_contain_the_url() {
        let cid = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
        // Port 1 of this machine, where nothing listens.
        let error = reqwest::Client::new().post(format!("http://127.0.0.1:1/{cid}")).send().await.expect_err("refused");
        assert!(format!("{error}").contains(cid), "without the wrapper, the error contains it");
        let ContentError::Unreachable(cause) = unreachable(error) else { panic!("another error") };
        assert!(!format!("{cause:#}").contains(cid) && !format!("{cause:?}").contains(cid));
    }
}
