//! [`Rpc`]: a node's JSON-RPC over HTTP.

use std::{error::Error, future::Future, sync::Arc, time::Duration};

use alloy::{
    primitives::{Address, B256},
    rpc::{
        client::{ClientBuilder, RpcClient, Waiter},
        types::Log,
    },
    transports::{RpcError, TransportError, TransportErrorKind},
};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Chain, ChainError, Header};
use crate::health::Status;

/// A node, asked over HTTP.
#[derive(Clone)]
pub struct Rpc {
    client: RpcClient,
    contracts: Vec<Address>,
    patience: Duration,
    status: Arc<Status>,
}

#[derive(Deserialize)]
struct Receipt {
    logs: Vec<Log>,
}

impl Rpc {
    /// Asks the node at `url` for logs of `contracts`; each request may take as long as `patience`.
    #[must_use]
    pub fn new(
        url: alloy::transports::http::reqwest::Url,
        contracts: Vec<Address>,
        patience: Duration,
        status: Arc<Status>,
    ) -> Self {
        Self { client: ClientBuilder::default().http(url), contracts, patience, status }
    }

    /// What the node calls itself, for example `anvil/v1.7.1`.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn client_version(&self) -> Result<String, ChainError> {
        self.ask("web3_clientVersion", json!([])).await
    }

    async fn ask<T: Answer>(&self, method: &'static str, params: Value) -> Result<T, ChainError> {
        self.status.count_rpc_calls(method, 1);
        self.in_time(method, self.client.request::<_, T>(method, params)).await
    }

    /// Several requests of one method in one HTTP request; answers in the order of `params`.
    async fn ask_all<T: Answer>(&self, method: &'static str, params: Vec<Value>) -> Result<Vec<T>, ChainError> {
        if let [params] = &params[..] {
            return Ok(vec![self.ask(method, params.clone()).await?]);
        }
        self.status.count_rpc_calls(method, params.len());
        let mut batch = self.client.new_batch();
        let answers: Vec<Waiter<T>> = params
            .iter()
            .map(|params| batch.add_call(method, params))
            .collect::<Result<_, TransportError>>()
            .map_err(|error| classify(method, error))?;
        self.in_time(method, async {
            batch.send().await?;
            futures::future::try_join_all(answers).await
        })
        .await
    }

    async fn in_time<T>(
        &self,
        method: &'static str,
        request: impl Future<Output = Result<T, TransportError>> + Send,
    ) -> Result<T, ChainError> {
        match tokio::time::timeout(self.patience, request).await {
            Ok(answer) => answer.map_err(|error| classify(method, error)),
            Err(_) => Err(ChainError::TimedOut { seconds: self.patience.as_secs() }),
        }
    }
}

/// What an answer must be to travel through the client.
trait Answer: serde::de::DeserializeOwned + std::fmt::Debug + Send + Sync + Unpin + 'static {}
impl<T: serde::de::DeserializeOwned + std::fmt::Debug + Send + Sync + Unpin + 'static> Answer for T {}

impl std::fmt::Debug for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receipt").field("logs", &self.logs.len()).finish()
    }
}

#[async_trait]
impl Chain for Rpc {
    async fn chain_id(&self) -> Result<u64, ChainError> {
        let id: alloy::primitives::U64 = self.ask("eth_chainId", json!([])).await?;
        Ok(id.to())
    }

    async fn head(&self) -> Result<Header, ChainError> {
        let head: Option<Header> = self.ask("eth_getBlockByNumber", json!(["latest", false])).await?;
        head.ok_or_else(|| ChainError::Missing("latest".into()))
    }

    async fn headers(&self, numbers: &[u64]) -> Result<Vec<Header>, ChainError> {
        let params = numbers.iter().map(|number| json!([format!("{number:#x}"), false])).collect();
        let headers: Vec<Option<Header>> = self.ask_all("eth_getBlockByNumber", params).await?;
        let checked = headers.into_iter().zip(numbers).map(|(header, number)| match header {
            Some(header) if header.number == *number => Ok(header),
            Some(_) => Err(ChainError::Contradiction("a header has another number than was asked for")),
            None => Err(ChainError::Missing(number.to_string())),
        });
        checked.collect()
    }

    async fn logs_in(&self, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
        let filter = json!([{
            "fromBlock": format!("{from:#x}"), "toBlock": format!("{to:#x}"), "address": self.contracts,
        }]);
        let logs: Vec<Log> = self.ask("eth_getLogs", filter).await?;
        if logs.iter().any(|log| !log.block_number.is_some_and(|number| (from..=to).contains(&number))) {
            return Err(ChainError::Contradiction("a log lies outside the range that was asked for"));
        }
        Ok(logs)
    }

    async fn logs_of(&self, blocks: &[B256]) -> Result<Vec<Vec<Log>>, ChainError> {
        let filter = |block| json!([{ "blockHash": block, "address": self.contracts }]);
        self.ask_all("eth_getLogs", blocks.iter().map(filter).collect()).await
    }

    async fn receipt_logs(&self, block: B256) -> Result<Vec<Log>, ChainError> {
        let receipts: Option<Vec<Receipt>> = self.ask("eth_getBlockReceipts", json!([block])).await?;
        let receipts = receipts.ok_or_else(|| ChainError::Missing(block.to_string()))?;
        let logs = receipts.into_iter().flat_map(|receipt| receipt.logs);
        Ok(logs.filter(|log| self.contracts.contains(&log.inner.address)).collect())
    }
}

/// Sorts a client error into ours. Nothing of the endpoint's address survives.
fn classify(method: &'static str, error: TransportError) -> ChainError {
    match error {
        RpcError::ErrorResp(payload) if is_about_size(&payload.message) => {
            ChainError::TooLarge(payload.message.into_owned())
        }
        RpcError::ErrorResp(payload) if payload.code == 429 => ChainError::Limited,
        RpcError::ErrorResp(payload) => {
            ChainError::Refused { method, code: payload.code, message: payload.message.into_owned() }
        }
        RpcError::Transport(
            TransportErrorKind::HttpError(error) | TransportErrorKind::HttpErrorWithRetryAfter { error, .. },
        ) => match error.status {
            429 => ChainError::Limited,
            413 => ChainError::TooLarge("HTTP 413".into()),
            _ if is_about_size(&error.body) => ChainError::TooLarge(format!("HTTP {}", error.status)),
            status => ChainError::Unreachable(format!("HTTP {status}")),
        },
        RpcError::Transport(kind) => ChainError::Unreachable(root_cause(&kind)),
        RpcError::DeserError { .. } | RpcError::NullResp => {
            ChainError::Contradiction("an answer is not of the form that the method promises")
        }
        _ => ChainError::Contradiction("a request could not be made"),
    }
}

/// Nodes say it in many words: "query returned more than 10000 results", "block range too large", "response size
/// exceeded", "limit exceeded".
fn is_about_size(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    let said = |word: &str| message.contains(word);
    said("more than") && said("results")
        || said("too many") && (said("result") || said("block") || said("log"))
        || said("range") && (said("large") || said("limit") || said("exceed") || said("wide") || said("up to"))
        || said("response size")
        || said("too large")
        || said("too big")
}

/// The innermost cause: the outer ones of an HTTP client name the URL.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    if text.contains("://") { "the connection failed".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_several_nodes_mean_too_large() {
        for message in [
            "query returned more than 10000 results",
            "Log response size exceeded.",
            "block range is too wide",
            "exceed maximum block range: 5000",
            "eth_getLogs is limited to a 10,000 range",
            "too many logs in the answer",
        ] {
            assert!(is_about_size(message), "{message}");
        }
        for message in ["unknown block", "method not found", "execution reverted", "header not found"] {
            assert!(!is_about_size(message), "{message}");
        }
    }

    #[tokio::test]
    async fn an_endpoint_that_is_not_there_is_named_without_its_address() {
        let url = "http://127.0.0.1:9/secret-key".parse().unwrap();
        let rpc = Rpc::new(url, Vec::new(), Duration::from_secs(5), Arc::default());
        let error = rpc.head().await.unwrap_err();
        assert!(matches!(error, ChainError::Unreachable(_)), "{error}");
        assert!(!error.to_string().contains("secret-key"), "{error}");
    }
}
