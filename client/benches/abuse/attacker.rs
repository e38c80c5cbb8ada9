//! An attacker: a network address, accounts that cost nothing, and requests without the care of the SDK.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use alloy::{
    primitives::Address,
    signers::{SignerSync, local::PrivateKeySigner},
};
use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use p256::ecdsa::SigningKey;
use protocol::{
    bodies::account::{Challenge, LoginBody, SessionToken},
    deployment::Deployment,
    error_code::Problem,
    messages::{Action, SignedAction},
    session::LoginMessage,
};
use reqwest::{Method, header};

use crate::tally::Tally;

/// The time limit of one request. Then the attacker sends another one.
const PATIENCE: Duration = Duration::from_secs(90);
/// The number of bytes of a refusal that are read.
const REFUSAL_BYTES_MAX: usize = 64 << 10;
/// The number of accounts that sign in from one network address. The next accounts use another address.
const SIGN_INS_PER_ADDRESS: usize = 10;

/// A signed-in account of an attacker.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) signer: PrivateKeySigner,
    token: String,
}

impl Account {
    pub(crate) const fn address(&self) -> Address {
        self.signer.address()
    }

    /// The header with the session of the account.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// Signs an action.
    pub(crate) fn sign(&self, action: Action, deployment: &Deployment) -> SignedAction {
        let signature = self.signer.sign_hash_sync(&action.signing_hash(deployment)).expect("a key in memory signs");
        SignedAction { action, signature: signature.as_bytes().to_vec().into() }
    }
}

/// Signs in new accounts, slowly and from many network addresses (127.1.0.0/16), as a real attacker would prepare them.
///
/// # Errors
/// Returns an error when the server refuses an account.
pub(crate) async fn new_accounts(base: &str, number: usize) -> anyhow::Result<Vec<Account>> {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT_ADDRESS: AtomicU16 = AtomicU16::new(1);

    let mut groups = Vec::new();
    for begin in (0..number).step_by(SIGN_INS_PER_ADDRESS) {
        let [high, low] = NEXT_ADDRESS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        groups.push((Ipv4Addr::new(127, 1, high, low), SIGN_INS_PER_ADDRESS.min(number - begin)));
    }
    let groups = stream::iter(groups).map(async |(from, number)| {
        let http = http_from(from)?;
        let mut accounts = Vec::with_capacity(number);
        for _ in 0..number {
            accounts.push(sign_in(&http, base).await?);
        }
        anyhow::Ok(accounts)
    });
    let groups: Vec<Vec<Account>> = groups.buffered(8).try_collect().await?;
    Ok(groups.into_iter().flatten().collect())
}

async fn sign_in(http: &reqwest::Client, base: &str) -> anyhow::Result<Account> {
    let signer = PrivateKeySigner::random();
    let challenge: Challenge =
        http.get(format!("{base}/v1/auth/challenge")).send().await?.error_for_status()?.json().await?;
    let key = SigningKey::from_slice(&rand::random::<[u8; 32]>()).context("nearly every scalar is a key")?;
    let point: [u8; 65] = key.verifying_key().to_sec1_point(false).as_bytes().try_into()?;
    let time = |seconds: u64| -> anyhow::Result<String> {
        Ok(jiff::Timestamp::from_second(i64::try_from(seconds)?)?.to_string())
    };
    let message = LoginMessage {
        domain: &challenge.domain,
        address: signer.address(),
        uri: &challenge.uri,
        chain_id: challenge.chain_id,
        nonce: &challenge.nonce,
        issued_at: &time(challenge.server_time)?,
        expiration_time: &time(challenge.server_time + challenge.session_seconds_max)?,
        session_key: &point,
    }
    .to_string();
    let signature = signer.sign_message_sync(message.as_bytes())?.as_bytes().to_vec().into();
    let answer = http.post(format!("{base}/v1/auth/login")).json(&LoginBody { message, signature }).send().await?;
    ensure!(answer.status().is_success(), "an attacker's sign-in was refused: {}", answer.text().await?);
    let session: SessionToken = answer.json().await?;
    Ok(Account { signer, token: session.token })
}

/// Returns a client whose connections come from this address. Linux allows every address of 127.0.0.0/8.
fn http_from(address: Ipv4Addr) -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder()
        .local_address(IpAddr::V4(address))
        .no_proxy()
        .tcp_nodelay(true)
        .timeout(PATIENCE)
        .build()?)
}

/// Sends requests from one network address and counts the answers.
pub(crate) struct Attacker<'a> {
    http: reqwest::Client,
    base: &'a str,
    tally: &'a Tally,
}

impl<'a> Attacker<'a> {
    /// Creates an attacker at `address`.
    ///
    /// # Errors
    /// Returns an error when the system does not allow another client.
    pub(crate) fn new(address: Ipv4Addr, base: &'a str, tally: &'a Tally) -> anyhow::Result<Self> {
        Ok(Self { http: http_from(address)?, base, tally })
    }

    /// Sends one request. Returns the status of its answer and the problem code, if it has one.
    pub(crate) async fn send(&self, account: &Account, method: Method, path: &str, body: Vec<u8>) -> Answer {
        let begun = Instant::now();
        let answer = self.answer(account, method, path, body).await;
        self.tally.answered(answer.to_string(), answer.bytes, begun.elapsed());
        answer
    }

    async fn answer(&self, account: &Account, method: Method, path: &str, body: Vec<u8>) -> Answer {
        let request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, account.bearer())
            .header(header::CONTENT_TYPE, "application/json")
            .body(body);
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Answer::none(&error),
        };
        let status = response.status();
        let (mut bytes, mut beginning) = (0, Vec::new());
        loop {
            match response.chunk().await {
                Ok(Some(piece)) => {
                    bytes += piece.len() as u64;
                    if !status.is_success() && beginning.len() < REFUSAL_BYTES_MAX {
                        beginning.extend_from_slice(&piece);
                    }
                }
                Ok(None) => break,
                Err(error) => return Answer { bytes, ..Answer::none(&error) },
            }
        }
        let code = serde_json::from_slice::<Problem>(&beginning).ok().map(|problem| problem.code);
        Answer { status: Some(status.as_u16()), code, bytes }
    }
}

/// The answer to a request.
pub(crate) struct Answer {
    status: Option<u16>,
    /// The code of the problem, or the way in which the connection failed.
    code: Option<String>,
    bytes: u64,
}

impl Answer {
    fn none(error: &reqwest::Error) -> Self {
        let how = if error.is_timeout() {
            "timeout"
        } else if error.is_connect() {
            "no connection"
        } else {
            "connection broke"
        };
        Self { status: None, code: Some(how.to_owned()), bytes: 0 }
    }

    /// Returns whether the server did what the request asked for.
    pub(crate) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.status, &self.code) {
            (Some(status), Some(code)) => write!(f, "{status} {code}"),
            (Some(status), None) => write!(f, "{status}"),
            (None, code) => f.write_str(code.as_deref().unwrap_or("no answer")),
        }
    }
}
