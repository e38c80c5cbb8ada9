//! New heads by subscription. A notification only means that it is useful to ask the chain now. Polling continues in
//! any case, so a subscription that ends, is slow or gives wrong data delays the indexer but causes no errors.

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

/// Returns the URL for subscriptions: the one in the setting, or the RPC endpoint itself when that is Anvil, which
/// serves both on one port.
///
/// # Errors
/// [`ChainError`] when the node does not return its name and version.
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

/// Subscribes to new heads and notifies `bell` for each. Never returns; connects again whenever the subscription ends.
pub async fn watch_heads(url: Url, bell: Arc<Notify>) {
    loop {
        // The error may contain the URL, which may contain a key, so it is not printed.
        if ring_until_it_ends(&url, &bell).await.is_err() {
            tracing::debug!("no subscription to new heads; polling continues");
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
