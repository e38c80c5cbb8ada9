//! How an action gets to the chain: relayed, or sent by the wallet itself.

use std::time::{Duration, Instant};

use alloy::primitives::{B256, U256};
use protocol::{
    bodies::relay::{ActionState, ActionView, Waiting},
    ends::{DEADLINE_SECONDS, REVOCATION_SECONDS, TooFarAhead},
    messages::{Action, SignedAction},
};
use serde::Serialize;

use crate::{
    chain::unix_now,
    client::Client,
    error::{ClientError, Kind},
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

/// A carried-out action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Settled {
    /// The transaction, once it was sent.
    #[serde(with = "protocol::hex_text::option")]
    pub tx_hash: Option<B256>,
    /// The block it is in; `None` while it waits (relayed, answered 202).
    pub block_number: Option<u64>,
}

/// How long to wait for a relayed action that the server has accepted.
const WAIT_MAX: Duration = Duration::from_secs(90);

/// A fresh unordered nonce.
#[must_use]
pub fn new_nonce() -> U256 {
    U256::from_be_bytes(rand::random::<[u8; 32]>())
}

/// The deadline of a message that is signed now: the later of this device's clock and the chain's, and an hour.
///
/// # Errors
/// [`Kind::Rpc`].
pub async fn new_deadline(client: &Client) -> Result<U256, ClientError> {
    Ok(U256::from(client.chain().now().await?.max(unix_now()) + DEADLINE_SECONDS))
}

/// The same for what takes away ([`Action::takes_away`]): it counts for 30 days, so that it lands even if the chain is full,
/// and the server keeps the door shut until then.
///
/// # Errors
/// [`Kind::Rpc`].
pub async fn new_revocation_deadline(client: &Client) -> Result<U256, ClientError> {
    Ok(U256::from(client.chain().now().await?.max(unix_now()) + REVOCATION_SECONDS))
}

/// Carries out an action that needs nothing beside its signature: signs and relays it, or sends it.
///
/// Waits until it is mined, and sees it on the chain itself.
///
/// # Errors
/// What the wallet, the server or the chain refuses; [`Kind::StillPending`] if the server has accepted it and it takes long.
pub async fn carry_out(client: &Client, wallet: &dyn Wallet, action: Action, way: Way) -> Result<Settled, ClientError> {
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
fn still_pending(waiting: Option<Waiting>) -> ClientError {
    let what = "The server has accepted the action, but it is not mined yet";
    match waiting {
        None => ClientError::new(Kind::StillPending, format!("{what}.")),
        Some(Waiting::Room) => ClientError::new(Kind::StillPending, format!("{what}: others go first.")),
        Some(Waiting::Fees) => {
            ClientError::new(Kind::StillPending, format!("{what}: the chain costs more now than the server pays."))
                .remedy("It goes on by itself once the fees fall. To pay yourself and not wait: --direct.")
        }
        Some(Waiting::Funds) => {
            ClientError::new(Kind::StillPending, format!("{what}: the server has too little ether for it.")).remedy(
                "Tell the operator of the server; it goes on by itself then. To pay yourself and not wait: --direct.",
            )
        }
    }
}

/// Signs an action, after checking that this device and its deployment file are on the same chain.
pub(crate) async fn sign(client: &Client, wallet: &dyn Wallet, action: Action) -> Result<SignedAction, ClientError> {
    expect_ends(&action)?;
    client.chain().verify_deployment().await?;
    wallet.sign_action(action, client.deployment()).await
}

/// Sends an action with the wallet's own transaction.
pub(crate) async fn send(client: &Client, wallet: &dyn Wallet, action: &Action) -> Result<Settled, ClientError> {
    expect_ends(action)?;
    client.chain().send(wallet, action).await
}

/// Nothing is signed that ends later than a server would take.
fn expect_ends(action: &Action) -> Result<(), ClientError> {
    let now = unix_now();
    debug_assert!(
        !action.takes_away() || action.deadline() > U256::from(now + REVOCATION_SECONDS / 2),
        "what takes away counts for 30 days: new_revocation_deadline"
    );
    Ok(action.check_ends(now)?)
}

impl From<TooFarAhead> for ClientError {
    fn from(end: TooFarAhead) -> Self {
        let mut sentence = end.to_string();
        sentence[..1].make_ascii_uppercase();
        Self::new(Kind::Usage, sentence + ".")
    }
}

/// Waits until a relayed action is mined, and sees it on the chain itself.
pub(crate) async fn settle(client: &Client, action: &Action, view: Option<ActionView>) -> Result<Settled, ClientError> {
    let id = action.id(client.deployment());
    let begun = Instant::now();
    let mut view = view;
    loop {
        match &view {
            Some(view) if view.id != id => {
                return Err(ClientError::new(Kind::WrongAnswer, "The server answered about another action."));
            }
            Some(ActionView { state: ActionState::Failed, problem, .. }) => {
                return Err(problem.clone().map_or_else(
                    || ClientError::new(Kind::Reverted, "The relayed action failed without a reason."),
                    ClientError::from,
                ));
            }
            Some(ActionView { state: ActionState::Mined, tx_hash, block_number, .. }) => {
                client.chain().confirm_relayed(action).await?;
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
