//! An attacker's own ether, to send actions that the relayer refuses to the chain directly.

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, Bytes},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
};
use anyhow::{Context, ensure};
use futures::future::try_join_all;
use protocol::{deployment::Deployment, messages::SignedAction};
use tokio::sync::Mutex;

/// An account with ether.
pub(crate) struct Purse {
    address: Address,
    provider: DynProvider,
    deployment: Deployment,
    /// Only one task sends at a time, so that each transaction gets the next nonce.
    sending: Mutex<()>,
}

impl Purse {
    pub(crate) fn new(signer: PrivateKeySigner, rpc: &str, deployment: Deployment) -> anyhow::Result<Self> {
        let address = signer.address();
        let provider = ProviderBuilder::new().wallet(signer).connect_http(rpc.parse()?).erased();
        Ok(Self { address, provider, deployment, sending: Mutex::default() })
    }

    pub(crate) const fn address(&self) -> Address {
        self.address
    }

    /// Sends signed actions, each in a separate transaction, and waits until they are mined.
    ///
    /// # Errors
    /// Returns an error when one fails.
    pub(crate) async fn carry_out(&self, actions: &[SignedAction], gas_limit: u64) -> anyhow::Result<()> {
        let call = |signed| contracts::call_of(signed, &self.deployment).context("anybody may send it");
        let calls: Vec<(Address, Bytes)> = actions.iter().map(call).collect::<Result<_, _>>()?;
        self.send(calls, gas_limit).await
    }

    /// Sends calls and waits until they are mined.
    ///
    /// # Errors
    /// Returns an error when one fails.
    pub(crate) async fn send(&self, calls: Vec<(Address, Bytes)>, gas_limit: u64) -> anyhow::Result<()> {
        let mut pending = Vec::with_capacity(calls.len());
        {
            let _sending = self.sending.lock().await;
            for (to, data) in calls {
                let call = TransactionRequest::default().with_to(to).with_input(data).with_gas_limit(gas_limit);
                pending.push(self.provider.send_transaction(call).await?);
            }
        }
        let receipts = try_join_all(pending.into_iter().map(|pending| pending.get_receipt())).await?;
        ensure!(receipts.iter().all(|receipt| receipt.status()), "a transaction of an attacker failed");
        Ok(())
    }
}
