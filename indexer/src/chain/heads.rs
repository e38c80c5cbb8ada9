//! New heads by subscription: a hint that it is worth asking now. Polling stays the truth, so a subscription that dies,
//! lags or lies costs time, never correctness.

use std::{sync::Arc, time::Duration};

use alloy::{
    network::Ethereum,
    providers::{Provider, ProviderBuilder, RootProvider, WsConnect},
    transports::http::reqwest::Url,
};
use futures::StreamExt;
use tokio::sync::Notify;

use super::{ChainError, Rpc};

const PAUSE: Duration = Duration::from_secs(1);

/// Where to subscribe: as the setting says, or on the port of the RPC endpoint when that is Anvil, which serves both.
///
/// # Errors
/// [`ChainError`] when the node does not say what it is.
pub async fn subscription_url(setting: Option<Url>, rpc_url: &Url, rpc: &Rpc) -> Result<Option<Url>, ChainError> {
    if setting.is_some() {
        return Ok(setting);
    }
    if rpc_url.scheme() != "http" || !rpc.client_version().await?.starts_with("anvil/") {
        return Ok(None);
    }
    let mut url = rpc_url.clone();
    Ok(url.set_scheme("ws").is_ok().then_some(url))
}

/// Subscribes to new heads and rings `bell` for each, for ever; connects again whenever the subscription ends.
pub async fn watch_heads(url: Url, bell: Arc<Notify>) {
    loop {
        // The error may name the URL, which may hold a key: it is not printed.
        if ring_until_it_ends(&url, &bell).await.is_err() {
            tracing::debug!("no subscription to new heads; polling goes on");
        }
        bell.notify_one();
        tokio::time::sleep(PAUSE).await;
    }
}

async fn ring_until_it_ends(url: &Url, bell: &Notify) -> Result<(), alloy::transports::TransportError> {
    let connect = WsConnect::new(url.as_str()).with_max_retries(0);
    let provider: RootProvider<Ethereum> = ProviderBuilder::default().connect_ws(connect).await?;
    let mut heads = provider.subscribe_blocks().await?.into_stream();
    while heads.next().await.is_some() {
        bell.notify_one();
    }
    Ok(())
}
