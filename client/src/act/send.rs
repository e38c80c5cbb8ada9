//! Transactions that the wallet sends itself (`--direct`), and waiting for those of the relayer.

use std::time::Duration;

use alloy::{
    network::TransactionBuilder,
    primitives::B256,
    providers::{Provider, ProviderBuilder},
    rpc::types::{TransactionReceipt, TransactionRequest},
    transports::TransportError,
};
use contracts::{direct_call_of, refusal_of};
use protocol::messages::Action;
use serde::Serialize;

use super::error::ActError;
use crate::{
    api::Refusal,
    chain::{Chain, rpc},
    wallet::{Wallet, Wish},
};

/// The longest wait for a transaction.
const MINED_WITHIN: Duration = Duration::from_secs(180);
/// The time by which this device's node may be behind the server's.
const SEEN_WITHIN: Duration = Duration::from_secs(30);

/// A carried-out action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Settled {
    /// The transaction, once it was sent.
    #[serde(with = "protocol::hex_text::option")]
    pub tx_hash: Option<B256>,
    /// The block it is in; `None` while it waits (relayed, answered 202).
    pub block_number: Option<u64>,
}

/// Sends an action as the wallet's own transaction and waits until it is mined.
///
/// # Errors
/// [`ActError::Refused`] with the reason of the contract, [`ActError::NoFunds`], [`ActError::CannotSend`].
pub(super) async fn send(chain: &Chain, wallet: &dyn Wallet, action: &Action) -> Result<Settled, ActError> {
    chain.verify_deployment().await?;
    let sender = wallet.sender().ok_or(ActError::CannotSend)?;
    let (to, data) = direct_call_of(action, chain.deployment()).ok_or(ActError::OnlyRelayed)?;
    wallet.confirm(Wish { sentence: &action.sentence() })?;
    let call = TransactionRequest::default().with_from(wallet.address()).with_to(to).with_input(data);
    let gas = chain.provider().estimate_gas(call.clone()).await.map_err(refused)?;
    // A little more than estimated: storage that others touch meanwhile may cost more.
    let call = call.with_gas_limit(gas + gas / 5);
    let provider = ProviderBuilder::new().wallet(sender).connect_provider(chain.provider().clone());
    let pending = provider.send_transaction(call).await.map_err(refused)?;
    let tx_hash = *pending.tx_hash();
    let receipt = pending.with_timeout(Some(MINED_WITHIN)).get_receipt().await;
    let receipt = receipt.map_err(|error| ActError::NotMined { tx_hash, source: error.into() })?;
    settled(&receipt)
}

/// Waits until this device's own node shows that a relayed action has happened.
///
/// # Errors
/// [`ActError::NotSeen`] if the server says it is mined and the chain does not show it.
pub(super) async fn confirm_relayed(chain: &Chain, action: &Action) -> Result<(), ActError> {
    let mut pause = Duration::from_millis(50);
    let begun = std::time::Instant::now();
    while !chain.is_nonce_used(action).await? {
        if begun.elapsed() > SEEN_WITHIN {
            return Err(ActError::NotSeen);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
    Ok(())
}

fn settled(receipt: &TransactionReceipt) -> Result<Settled, ActError> {
    if receipt.status() {
        Ok(Settled { tx_hash: Some(receipt.transaction_hash), block_number: receipt.block_number })
    } else {
        Err(ActError::Failed(receipt.transaction_hash))
    }
}

/// Says why a node does not take a transaction: the contract refuses it, funds are missing, or the node itself fails.
fn refused(error: TransportError) -> ActError {
    let Some(answer) = error.as_error_resp() else { return rpc(error).into() };
    if let Some(refusal) = answer.as_revert_data().and_then(|data| refusal_of(&data)) {
        return ActError::Refused(Refusal::new(refusal.code, refusal.detail));
    }
    if answer.message.to_ascii_lowercase().contains("insufficient funds") {
        return ActError::NoFunds(error.into());
    }
    if answer.as_revert_data().is_some() {
        return ActError::Reverts(error.into());
    }
    rpc(error).into()
}
