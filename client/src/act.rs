//! How an action gets to the chain: relayed, or sent by the wallet itself.

mod error;
mod send;

pub use error::ActError;
pub use send::Settled;

use std::time::{Duration, Instant};

use alloy::primitives::U256;
use protocol::{
    bodies::relay::{ActionState, ActionView, Waiting},
    ends::{DEADLINE_SECONDS, REVOCATION_SECONDS, TooFarAhead},
    messages::{Action, SignedAction},
};

use crate::{
    api::ServerError,
    chain::{ChainError, unix_now},
    client::Client,
    wallet::Wallet,
};

/// How an action gets to the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// The person signs, the server's relayer submits and pays.
    #[default]
    Relayed,
    /// The wallet sends the transaction and pays.
    Direct,
}

/// The longest wait for a relayed action that the server has accepted.
const WAIT_MAX: Duration = Duration::from_secs(90);

/// A fresh unordered nonce.
#[must_use]
pub fn new_nonce() -> U256 {
    U256::from_be_bytes(rand::random::<[u8; 32]>())
}

/// The deadline of a message that is signed now: the later of this device's clock and the chain's, and an hour.
///
/// # Errors
/// [`ChainError::Rpc`].
pub async fn new_deadline(client: &Client) -> Result<U256, ChainError> {
    Ok(U256::from(client.chain().now().await?.max(unix_now()) + DEADLINE_SECONDS))
}

/// The same for what takes away ([`Action::takes_away`]): it counts for 30 days, so that it lands even if the chain is full,
/// and the server keeps the door shut until then.
///
/// # Errors
/// [`ChainError::Rpc`].
pub async fn new_revocation_deadline(client: &Client) -> Result<U256, ChainError> {
    Ok(U256::from(client.chain().now().await?.max(unix_now()) + REVOCATION_SECONDS))
}

/// Carries out an action that needs nothing beside its signature: signs and relays it, or sends it.
///
/// Waits until it is mined, and sees it on the chain itself.
///
/// # Errors
/// [`ActError`]; one whose name begins with `Pending` if the server has accepted the action and it takes long.
pub async fn carry_out(client: &Client, wallet: &dyn Wallet, action: Action, way: Way) -> Result<Settled, ActError> {
    match way {
        Way::Direct => send(client, wallet, &action).await,
        Way::Relayed => {
            let signed = sign(client, wallet, action).await?;
            let view = client.api()?.submit(&signed).await?;
            settle(client, &signed.action, view).await
        }
    }
}

/// The action goes on by itself; the server says why it takes long, where it knows.
const fn still_pending(waiting: Option<Waiting>) -> ActError {
    match waiting {
        None => ActError::Pending,
        Some(Waiting::Room) => ActError::PendingForRoom,
        Some(Waiting::Fees) => ActError::PendingForFees,
        Some(Waiting::Funds) => ActError::PendingForFunds,
    }
}

/// Signs an action, after checking that this device and its deployment file are on the same chain.
pub(crate) async fn sign(client: &Client, wallet: &dyn Wallet, action: Action) -> Result<SignedAction, ActError> {
    expect_ends(&action)?;
    client.chain().verify_deployment().await?;
    Ok(wallet.sign_action(action, client.deployment()).await?)
}

/// Sends an action with the wallet's own transaction.
pub(crate) async fn send(client: &Client, wallet: &dyn Wallet, action: &Action) -> Result<Settled, ActError> {
    expect_ends(action)?;
    send::send(client.chain(), wallet, action).await
}

/// Refuses to sign what ends later than a server would take.
fn expect_ends(action: &Action) -> Result<(), TooFarAhead> {
    let now = unix_now();
    debug_assert!(
        !action.takes_away() || action.deadline() > U256::from(now + REVOCATION_SECONDS / 2),
        "what takes away counts for 30 days: new_revocation_deadline"
    );
    action.check_ends(now)
}

/// Waits until a relayed action is mined, and sees it on the chain itself.
pub(crate) async fn settle(client: &Client, action: &Action, view: Option<ActionView>) -> Result<Settled, ActError> {
    let id = action.id(client.deployment());
    let begun = Instant::now();
    let mut view = view;
    loop {
        match &view {
            Some(view) if view.id != id => {
                return Err(ServerError::WrongAnswer("The server answered about another action.").into());
            }
            Some(ActionView { state: ActionState::Failed, problem, .. }) => {
                let reason = problem.clone().map(ServerError::from);
                return Err(reason.map_or(ActError::FailedWithoutReason, ActError::from));
            }
            Some(ActionView { state: ActionState::Mined, tx_hash, block_number, .. }) => {
                send::confirm_relayed(client.chain(), action).await?;
                return Ok(Settled { tx_hash: *tx_hash, block_number: *block_number });
            }
            Some(_) | None => {}
        }
        if begun.elapsed() > WAIT_MAX {
            return Err(still_pending(view.as_ref().and_then(|view| view.waiting)));
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
        view = Some(client.api()?.action(id).await?);
    }
}
