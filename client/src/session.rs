//! Signing in: the challenge, the one message we sign, the token, and the P-256 session key that signs read requests.

use protocol::{
    bodies::account::{Challenge, LoginBody},
    error_code::ErrorCode,
    session::LoginMessage,
};

pub use crate::kept_session::Session;
use crate::{
    api::ServerError,
    chain::{ChainError, rfc3339, unix_now},
    client::Client,
    error::{Failure, codes, failure, lift},
    home::DeviceError,
    kept_session::{self, new_session_key},
    operator_key::{self, OperatorKeyError},
    unlock,
    wallet::{Wallet, WalletError, Wish},
};

/// Why a sign-in failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The server's challenge would sign the person in somewhere else than where they wanted.
    #[error("{0}")]
    SuspiciousChallenge(&'static str),
    /// The clocks differ too much.
    #[error("This device's clock and the server's are more than two minutes apart.")]
    ClockSkew,
    /// The server's deployment file cannot be trusted.
    #[error(transparent)]
    OperatorKey(OperatorKeyError),
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The wallet does not sign.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { LoginError {
    SuspiciousChallenge => codes::SUSPICIOUS_CHALLENGE;
    ClockSkew => ErrorCode::ClockSkew;
    ..OperatorKey;
    ..Server;
    ..Chain;
    ..Wallet;
    ..Device;
} }

lift! { OperatorKeyError => LoginError { Server, Device, ..OperatorKey } }

/// How far this device's clock may be from the server's.
const CLOCK_SKEW_SECONDS_MAX: u64 = 120;

/// Signs in and keeps the session; puts the keyring back if the server has none.
///
/// # Errors
/// [`LoginError::SuspiciousChallenge`] if the server asks for another chain or site; refusals of wallet and server.
pub async fn login(client: &Client, wallet: &dyn Wallet) -> Result<Session, LoginError> {
    let api = client.api()?;
    client.chain().verify_deployment().await?;
    operator_key::newest(client).await?;
    let challenge = api.challenge().await?;
    check_challenge(client, &challenge)?;

    let key = new_session_key();
    let point: [u8; 65] = key
        .verifying_key()
        .to_sec1_point(false)
        .as_bytes()
        .try_into()
        .expect("an uncompressed point of P-256 has 65 bytes");
    let expires = challenge.server_time.saturating_add(challenge.session_seconds_max);
    let message = LoginMessage {
        domain: &challenge.domain,
        address: wallet.address(),
        uri: &challenge.uri,
        chain_id: client.deployment().chain_id,
        nonce: &challenge.nonce,
        issued_at: &moment(challenge.server_time)?,
        expiration_time: &moment(expires)?,
        session_key: &point,
    }
    .to_string();
    let sentence =
        format!("Sign in to {}; this device may ask for records in my name until the session ends.", challenge.domain);
    let signature = wallet.sign_message(&message, Wish { sentence: &sentence }).await?;

    let answer = api.login(&LoginBody { message: message.clone(), signature }).await?;
    if answer.address != wallet.address() {
        return Err(ServerError::WrongAnswer("The server signed in somebody else.").into());
    }
    let session = Session {
        address: answer.address,
        expires_at: answer.expires_at.min(expires),
        login_message: message,
        token: answer.token.into(),
        key,
    };
    session.save(client.home())?;
    api.set_token(Some(session.token()));
    // A convenience that must not fail the sign-in; `doctor` says when the server has none.
    if let Err(error) = unlock::put_back(client).await {
        tracing::debug!(code = %error.code(), "the keyring was not put back");
    }
    Ok(session)
}

/// The session of this device.
///
/// # Errors
/// [`DeviceError::NoSession`] if there is none or it has ended.
pub fn current(client: &Client) -> Result<Session, DeviceError> {
    let session = Session::load(client.home())?;
    session.filter(|session| session.address() == client.address()).ok_or(DeviceError::NoSession)
}

/// Ends the session, here and at the server. Returns whether the server was told.
///
/// # Errors
/// [`DeviceError::File`].
pub async fn logout(client: &Client) -> Result<bool, DeviceError> {
    let told = match client.api() {
        Ok(api) => {
            let told = api.logout().await.is_ok();
            api.set_token(None);
            told
        }
        Err(_) => false,
    };
    kept_session::remove(client.home())?;
    Ok(told)
}

/// Refuses a challenge that would sign this person in somewhere else than where they wanted.
fn check_challenge(client: &Client, challenge: &Challenge) -> Result<(), LoginError> {
    let suspicious = |what| Err(LoginError::SuspiciousChallenge(what));
    if challenge.chain_id != client.deployment().chain_id {
        return suspicious("The server asks for a sign-in on another chain.");
    }
    let one_line =
        |text: &str| !text.is_empty() && text.len() <= 256 && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !one_line(&challenge.domain)
        || !one_line(&challenge.uri)
        || !challenge.nonce.bytes().all(|b| b.is_ascii_alphanumeric())
    {
        return suspicious("The server's challenge has parts that do not belong into a sign-in message.");
    }
    let base = client.api()?.base();
    let (host, port) = (base.host_str().unwrap_or_default(), base.port());
    if !is_same_site(&challenge.domain, host, port) {
        return suspicious("The server asks for a sign-in to another site than itself.");
    }
    let uri_host = reqwest::Url::parse(&challenge.uri).ok().and_then(|uri| uri.host_str().map(str::to_owned));
    if !uri_host
        .is_some_and(|uri_host| is_same_site(&uri_host, host, None) || is_same_site(&challenge.domain, &uri_host, None))
    {
        return suspicious("The server's challenge names another site than itself.");
    }
    if challenge.server_time.abs_diff(unix_now()) > CLOCK_SKEW_SECONDS_MAX {
        return Err(LoginError::ClockSkew);
    }
    if challenge.session_seconds_max == 0 || challenge.session_seconds_max > 31 * 24 * 3600 {
        return suspicious("The server asks for a session of more than a month.");
    }
    Ok(())
}

fn moment(unix_seconds: u64) -> Result<String, ServerError> {
    rfc3339(unix_seconds).ok_or_else(|| ServerError::invalid_answer("The server's time is no time."))
}

/// Returns whether `domain` (host, maybe with port) is the server at `host`, or the site whose part it is. All names of this
/// machine are the same.
fn is_same_site(domain: &str, host: &str, port: Option<u16>) -> bool {
    let (name, domain_port) = match domain.rsplit_once(':') {
        Some((name, digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            (name, digits.parse().ok())
        }
        _ => (domain, None),
    };
    let is_loopback = |name: &str| matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    if is_loopback(name) && is_loopback(host) {
        return true;
    }
    let ports_agree = domain_port.is_none() || port.is_none() || domain_port == port;
    let is_part = host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')) && name.contains('.');
    ports_agree && (name.eq_ignore_ascii_case(host) || is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_site_is_not_the_same() {
        assert!(is_same_site("medlock.example", "medlock.example", None));
        assert!(is_same_site("medlock.example", "api.medlock.example", None));
        assert!(is_same_site("localhost:3000", "127.0.0.1", Some(8080)));
        assert!(!is_same_site("medlock.example", "evilmedlock.example", None));
        assert!(!is_same_site("example", "medlock.example", None), "not a whole top-level domain");
        assert!(!is_same_site("medlock.example:1", "medlock.example", Some(2)));
        assert!(!is_same_site("api.medlock.example", "medlock.example", None));
    }
}
