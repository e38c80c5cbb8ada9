//! [`Rpc`]: a node's JSON-RPC over HTTP.

use std::{error::Error, sync::Arc, time::Duration};

use alloy::{
    primitives::{Address, B256},
    rpc::types::Log,
    transports::http::reqwest::{self, Url},
};
use async_trait::async_trait;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};

use super::{Chain, ChainError, Header, logs_of_receipts};
use crate::health::Status;

/// The largest answer that is read when the request can be split into smaller ones, in bytes. This limits the memory of
/// a backfill.
const DIVISIBLE_BYTES: usize = 4 << 20;
/// The largest answer about one block that is read, in bytes.
const INDIVISIBLE_BYTES: usize = 256 << 20;

/// A node that is asked over HTTP.
#[derive(Clone)]
pub struct Rpc {
    client: reqwest::Client,
    url: Url,
    contracts: Vec<Address>,
    patience: Duration,
    status: Arc<Status>,
}

#[derive(Deserialize)]
struct Receipt {
    logs: Vec<Log>,
}

/// An answer in JSON-RPC.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(default)]
    id: Value,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
}

impl Rpc {
    /// Uses the node at `url` for logs of `contracts`. Each request may take at most `patience`.
    #[must_use]
    pub fn new(url: Url, contracts: Vec<Address>, patience: Duration, status: Arc<Status>) -> Self {
        Self { client: reqwest::Client::new(), url, contracts, patience, status }
    }

    /// Returns the name and version of the node, for example `anvil/v1.7.1`.
    ///
    /// # Errors
    /// [`ChainError`] when the node does not answer.
    pub async fn client_version(&self) -> Result<String, ChainError> {
        self.ask("web3_clientVersion", json!([]), INDIVISIBLE_BYTES).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
        limit: usize,
    ) -> Result<T, ChainError> {
        self.status.count_rpc_calls(method, 1);
        let body = self.post(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }), limit).await?;
        result(method, serde_json::from_slice(&body).map_err(malformed)?)
    }

    /// Sends several requests of one method in one HTTP request. Returns the answers in the order of `params`.
    async fn ask_all<T: DeserializeOwned>(
        &self,
        method: &'static str,
        mut params: Vec<Value>,
    ) -> Result<Vec<T>, ChainError> {
        if params.len() <= 1 {
            let Some(params) = params.pop() else { return Ok(Vec::new()) };
            return Ok(vec![self.ask(method, params, INDIVISIBLE_BYTES).await?]);
        }
        self.status.count_rpc_calls(method, params.len());
        let count = params.len();
        let requests: Vec<Value> = params
            .into_iter()
            .zip(1..)
            .map(|(params, id)| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
            .collect();
        let body = self.post(&Value::Array(requests), INDIVISIBLE_BYTES).await?;
        if body.trim_ascii_start().first() == Some(&b'{') {
            // The node refused the whole batch.
            return Err(match result::<Value>(method, serde_json::from_slice(&body).map_err(malformed)?) {
                Err(error) => error,
                Ok(_) => ChainError::Contradiction("the batch has one answer for several requests"),
            });
        }
        let mut answers: Vec<Answer<'_>> = serde_json::from_slice(&body).map_err(malformed)?;
        answers.sort_by_key(|answer| answer.id.as_u64());
        if answers.len() != count || answers.iter().zip(1_u64..).any(|(answer, id)| answer.id.as_u64() != Some(id)) {
            return Err(ChainError::Contradiction("the batch does not have exactly one answer for each request"));
        }
        answers.into_iter().map(|answer| result(method, answer)).collect()
    }

    async fn post(&self, body: &Value, limit: usize) -> Result<Vec<u8>, ChainError> {
        let whole = tokio::time::timeout(self.patience, self.post_and_read(body, limit)).await;
        whole.unwrap_or(Err(ChainError::TimedOut { seconds: self.patience.as_secs() }))
    }

    async fn post_and_read(&self, body: &Value, limit: usize) -> Result<Vec<u8>, ChainError> {
        let unreachable = |error: reqwest::Error| ChainError::Unreachable(root_cause(&error));
        let request = self.client.post(self.url.clone()).header("content-type", "application/json");
        let mut response = request.body(body.to_string()).send().await.map_err(unreachable)?;
        let status = response.status();
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if answer.len() + chunk.len() > limit {
                return Err(ChainError::TooLarge("the answer is longer than what is read at once".into()));
            }
            answer.extend_from_slice(&chunk);
        }
        match status.as_u16() {
            200..=299 => Ok(answer),
            429 => Err(ChainError::Limited),
            413 => Err(ChainError::TooLarge("HTTP 413".into())),
            status if is_about_size(&String::from_utf8_lossy(&answer)) => {
                Err(ChainError::TooLarge(format!("HTTP {status}")))
            }
            status => Err(ChainError::Unreachable(format!("HTTP {status}"))),
        }
    }
}

fn malformed(_: serde_json::Error) -> ChainError {
    ChainError::Contradiction("an answer does not have the form that the method requires")
}

/// Returns the result in an answer. An error never contains the address of the endpoint.
fn result<T: DeserializeOwned>(method: &'static str, answer: Answer<'_>) -> Result<T, ChainError> {
    match answer.error {
        Some(fault) if is_about_size(&fault.message) => Err(ChainError::TooLarge(fault.message)),
        Some(fault) if fault.code == 429 => Err(ChainError::Limited),
        Some(Fault { code, message }) => Err(ChainError::Refused { method, code, message }),
        None => serde_json::from_str(answer.result.map_or("null", RawValue::get)).map_err(malformed),
    }
}

#[async_trait]
impl Chain for Rpc {
    async fn chain_id(&self) -> Result<u64, ChainError> {
        let id: alloy::primitives::U64 = self.ask("eth_chainId", json!([]), INDIVISIBLE_BYTES).await?;
        Ok(id.to())
    }

    async fn head(&self) -> Result<Header, ChainError> {
        let head: Option<Header> =
            self.ask("eth_getBlockByNumber", json!(["latest", false]), INDIVISIBLE_BYTES).await?;
        head.ok_or_else(|| ChainError::Missing("latest".into()))
    }

    async fn headers(&self, numbers: &[u64]) -> Result<Vec<Header>, ChainError> {
        let params = numbers.iter().map(|number| json!([format!("{number:#x}"), false])).collect();
        let headers: Vec<Option<Header>> = self.ask_all("eth_getBlockByNumber", params).await?;
        let checked = headers.into_iter().zip(numbers).map(|(header, number)| match header {
            Some(header) if header.number == *number => Ok(header),
            Some(_) => Err(ChainError::Contradiction("a header does not have the requested number")),
            None => Err(ChainError::Missing(number.to_string())),
        });
        checked.collect()
    }

    async fn logs_in(&self, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
        let filter = json!([{
            "fromBlock": format!("{from:#x}"), "toBlock": format!("{to:#x}"), "address": self.contracts,
        }]);
        let limit = if from < to { DIVISIBLE_BYTES } else { INDIVISIBLE_BYTES };
        let logs: Vec<Log> = self.ask("eth_getLogs", filter, limit).await?;
        if logs.iter().any(|log| !log.block_number.is_some_and(|number| (from..=to).contains(&number))) {
            return Err(ChainError::Contradiction("a log is outside the requested range"));
        }
        Ok(logs)
    }

    async fn logs_of(&self, blocks: &[B256]) -> Result<Vec<Vec<Log>>, ChainError> {
        let filter = |block| json!([{ "blockHash": block, "address": self.contracts }]);
        self.ask_all("eth_getLogs", blocks.iter().map(filter).collect()).await
    }

    async fn receipt_logs(&self, block: &Header) -> Result<Vec<Log>, ChainError> {
        let receipts: Option<Vec<Receipt>> =
            self.ask("eth_getBlockReceipts", json!([block.hash]), INDIVISIBLE_BYTES).await?;
        let receipts = receipts.ok_or_else(|| ChainError::Missing(block.number.to_string()))?;
        logs_of_receipts(block, receipts.into_iter().flat_map(|receipt| receipt.logs).collect(), &self.contracts)
    }
}

/// Returns whether an error message is about the size of the request or answer. Nodes use different texts: "query
/// returned more than 10000 results", "block range too large", "response size exceeded", "limit exceeded".
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

/// Returns the text of the innermost cause. The outer errors of an HTTP client contain the URL.
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
