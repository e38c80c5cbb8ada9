//! The connection to a chain node over http. Its errors are logged, so they do not contain the node's URL, which often
//! contains a key.

use std::task::{Context, Poll};

use alloy::{
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::client::ClientBuilder,
    transports::{
        RpcError, TransportError, TransportErrorKind, TransportFut,
        http::reqwest::{self, Url},
    },
};
use tower::{Layer, Service};

/// Returns a provider for the node at `url`.
pub(crate) fn connect(client: reqwest::Client, url: Url) -> DynProvider {
    let client = ClientBuilder::default().layer(WithoutUrl).http_with_client(client, url);
    ProviderBuilder::new().connect_client(client).erased()
}

/// Removes the URL from errors.
#[derive(Clone, Copy)]
struct WithoutUrl;

impl<S> Layer<S> for WithoutUrl {
    type Service = UrlLess<S>;

    fn layer(&self, inner: S) -> UrlLess<S> {
        UrlLess(inner)
    }
}

/// A transport whose errors contain no URL.
#[derive(Clone)]
struct UrlLess<S>(S);

impl<S, Request> Service<Request> for UrlLess<S>
where
    S: Service<Request, Error = TransportError>,
    S::Response: 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = TransportError;
    type Future = TransportFut<'static, S::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let answer = self.0.call(request);
        Box::pin(async move { answer.await.map_err(without_url) })
    }
}

fn without_url(error: TransportError) -> TransportError {
    match error {
        RpcError::Transport(TransportErrorKind::Custom(cause)) => match cause.downcast::<reqwest::Error>() {
            Ok(cause) => TransportErrorKind::custom(cause.without_url()),
            Err(cause) => RpcError::Transport(TransportErrorKind::Custom(cause)),
        },
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_error_does_not_show_the_key_in_the_url() {
        // Port 1 of this machine, where nothing listens.
        let url: Url = "http://127.0.0.1:1/v3/very-secret".parse().expect("a URL");
        let plain = ProviderBuilder::new().connect_reqwest(reqwest::Client::new(), url.clone());
        let error = plain.get_block_number().await.expect_err("nobody answers");
        assert!(format!("{error:?}").contains("very-secret"), "without the wrapper, the error contains it");
        let error = connect(reqwest::Client::new(), url).get_block_number().await.expect_err("nobody answers");
        assert!(!format!("{error} {error:?}").contains("very-secret"));
    }
}
