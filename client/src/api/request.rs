//! One request and its answer: session, retries, problems.

use std::time::Duration;

use protocol::error_code::Problem;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header};
use secrecy::ExposeSecret;
use serde::{Serialize, de::DeserializeOwned};

use super::{ANSWER_TIME_MAX, Api, ServerError};
use crate::error::printable;

/// Tries of a request that may be tried again.
const TRIES: u32 = 4;
/// The longest answer in memory: pages of 500 grants with their bundles fit.
const ANSWER_BYTES_MAX: usize = 16 << 20;
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The state of a private blob that a write replaces: an entity tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision(pub(super) String);

impl Api {
    /// The URL of a path like `v1/records`.
    pub(super) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        url
    }

    /// The same with the set fields of `query` as its query string.
    pub(super) fn url_with<Q: Serialize>(&self, path: &str, query: &Q) -> Url {
        let mut url = self.url(path);
        if let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(query) {
            let mut pairs = url.query_pairs_mut();
            for (name, value) in &fields {
                match value {
                    serde_json::Value::Null => {}
                    serde_json::Value::String(text) => {
                        pairs.append_pair(name, text);
                    }
                    other => {
                        pairs.append_pair(name, &other.to_string());
                    }
                }
            }
        }
        url
    }

    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.http.request(method, url).header(header::ACCEPT, "application/json");
        match self.token() {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, ServerError> {
        let response = self.send_again(|| self.request(Method::GET, url.clone())).await?;
        read_json(response).await
    }

    /// A write whose repetition the server recognises by its idempotency key.
    pub(super) async fn write<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &B,
    ) -> Result<T, ServerError> {
        read_json(self.write_raw(method, path, body).await?).await
    }

    pub(super) async fn write_raw<B: Serialize>(
        &self,
        method: Method,
        path: &str,
        body: &B,
    ) -> Result<Response, ServerError> {
        let key = hex::encode(rand::random::<[u8; 16]>());
        let url = self.url(path);
        self.send_again(|| self.request(method.clone(), url.clone()).header(IDEMPOTENCY_KEY, &key).json(body)).await
    }

    /// Sends a request that may arrive twice; tries again while the server does not answer or says that it cannot now.
    pub(super) async fn send_again(&self, request: impl Fn() -> RequestBuilder) -> Result<Response, ServerError> {
        let mut pause = Duration::from_millis(200);
        for _ in 1..TRIES {
            match request().timeout(ANSWER_TIME_MAX).send().await {
                Ok(response) if is_temporary(&response) => {
                    let wished = retry_after(&response);
                    // The person decides about a wait that is long enough to notice.
                    if wished.is_some_and(|wished| wished > Duration::from_secs(5)) {
                        return accept(response).await;
                    }
                    tokio::time::sleep(wished.unwrap_or(pause).max(pause)).await;
                }
                Ok(response) => return accept(response).await,
                Err(error) if error.is_connect() || error.is_request() => tokio::time::sleep(pause).await,
                Err(error) => return Err(unreachable(error)),
            }
            pause *= 2;
        }
        self.send_once(request()).await
    }

    /// Sends a request that must not arrive twice.
    pub(super) async fn send_once(&self, request: RequestBuilder) -> Result<Response, ServerError> {
        accept(request.timeout(ANSWER_TIME_MAX).send().await.map_err(unreachable)?).await
    }
}

/// The failure to get any answer.
pub(super) fn unreachable(error: reqwest::Error) -> ServerError {
    // The rest of the URL may name a record or hold a password.
    let server = error.url().map(|url| url.origin().ascii_serialization());
    let server = server.map_or_else(|| "The server".to_owned(), |origin| format!("The server at {origin}"));
    let what = if error.is_timeout() {
        format!("{server} does not answer in time.")
    } else if error.is_connect() {
        format!("{server} cannot be reached.")
    } else {
        format!("{server} has broken the connection.")
    };
    ServerError::Unreachable { what, source: Some(error.without_url().into()) }
}

/// Turns a refusal into its error.
pub(super) async fn accept(response: Response) -> Result<Response, ServerError> {
    let status = response.status();
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    let body = read_body(response).await.unwrap_or_default();
    match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) => Err(problem.into()),
        Err(_) => {
            let what = format!("The server answered {} without a reason.", printable(status.as_str()));
            Err(if status.is_server_error() {
                ServerError::unreachable(what)
            } else {
                ServerError::invalid_answer(what)
            })
        }
    }
}

pub(super) async fn read_json<T: DeserializeOwned>(response: Response) -> Result<T, ServerError> {
    let body = read_body(response).await?;
    serde_json::from_slice(&body).map_err(|error| {
        // Position and kind only: the text may hold data that must not be in a log.
        let place = format!("{:?} at line {} column {}", error.classify(), error.line(), error.column());
        ServerError::InvalidAnswer { what: "The server's answer cannot be read.".into(), source: Some(place.into()) }
    })
}

async fn read_body(mut response: Response) -> Result<Vec<u8>, ServerError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(ServerError::invalid_answer("The server's answer is too long."));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn is_temporary(response: &Response) -> bool {
    match response.status() {
        StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::REQUEST_TIMEOUT => true,
        // The same request is still being carried out.
        StatusCode::CONFLICT => retry_after(response).is_some(),
        _ => false,
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_cannot_be_reached_is_named_without_anything_secret() {
        let api = Api::new("http://user:secret@127.0.0.1:1/base").unwrap();
        let refused = api.send_once(api.request(Method::GET, api.url("v1/records/0x12"))).await.unwrap_err();
        assert_eq!(refused.to_string(), "The server at http://127.0.0.1:1 cannot be reached.");
    }
}
