//! Signing in: the challenge, the one message we sign, the token, and the P-256 session key that signs read requests.

use alloy::primitives::{Address, B256};
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use protocol::{
    bodies::account::{Challenge, LoginBody},
    error_code::ErrorCode,
    session::LoginMessage,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    chain::unix_now,
    client::Client,
    error::{ClientError, Kind},
    home::Home,
    operator_key, unlock,
    wallet::{Wallet, Wish},
};

const FILE: &str = "session.json";
/// How far this device's clock may be from the server's.
const CLOCK_SKEW_SECONDS_MAX: u64 = 120;

/// A session. Token and key are wiped when it is dropped; the file in `MEDLOCK_HOME` has mode 0600.
pub struct Session {
    address: Address,
    expires_at: u64,
    login_message: String,
    token: SecretString,
    key: SigningKey,
}

/// `session.json`.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[zeroize(skip)]
    #[serde(with = "protocol::hex_text")]
    address: Address,
    expires_at: u64,
    login_message: String,
    token: String,
    /// The session key's scalar, hex.
    key: String,
}

impl Session {
    /// Who is signed in.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Unix seconds.
    #[must_use]
    pub const fn expires_at(&self) -> u64 {
        self.expires_at
    }

    /// SHA-256 of the login message, as read requests name it.
    #[must_use]
    pub fn login_hash(&self) -> B256 {
        B256::from_slice(&Sha256::digest(self.login_message.as_bytes()))
    }

    /// The login message that the wallet signed.
    #[must_use]
    pub fn login_message(&self) -> &str {
        &self.login_message
    }

    /// Signs with the session key: 64 bytes r ‖ s.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature: Signature = self.key.sign(message);
        signature.to_bytes().into()
    }

    pub(crate) fn token(&self) -> SecretString {
        self.token.clone()
    }

    fn save(&self, home: &Home) -> Result<(), ClientError> {
        use secrecy::ExposeSecret;
        let scalar = Zeroizing::new(<[u8; 32]>::from(self.key.to_bytes()));
        let stored = Stored {
            address: self.address,
            expires_at: self.expires_at,
            login_message: self.login_message.clone(),
            token: self.token.expose_secret().to_owned(),
            key: hex::encode(&scalar[..]),
        };
        home.write_json(FILE, &stored)
    }

    /// The session that this device keeps; `None` if there is none, or it has ended.
    pub(crate) fn load(home: &Home) -> Result<Option<Self>, ClientError> {
        let Some(mut stored) = home.read_json::<Stored>(FILE)? else { return Ok(None) };
        if stored.expires_at <= unix_now() {
            return Ok(None);
        }
        let damaged = || ClientError::new(Kind::NoSession, "The session on this device is damaged.");
        let mut scalar = Zeroizing::new([0; 32]);
        hex::decode_to_slice(&stored.key, scalar.as_mut_slice()).map_err(|_| damaged())?;
        let key = SigningKey::from_slice(scalar.as_slice()).map_err(|_| damaged())?;
        Ok(Some(Self {
            address: stored.address,
            expires_at: stored.expires_at,
            login_message: std::mem::take(&mut stored.login_message),
            token: std::mem::take(&mut stored.token).into(),
            key,
        }))
    }
}

/// Signs in and keeps the session; puts the keyring back if the server has none.
///
/// # Errors
/// [`Kind::SuspiciousChallenge`] if the server asks for another chain or site; what wallet and server refuse.
pub async fn login(client: &Client, wallet: &dyn Wallet) -> Result<Session, ClientError> {
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
        issued_at: &rfc3339(challenge.server_time)?,
        expiration_time: &rfc3339(expires)?,
        session_key: &point,
    }
    .to_string();
    let sentence =
        format!("Sign in to {}; this device may ask for records in my name until the session ends.", challenge.domain);
    let signature = wallet.sign_message(&message, Wish { sentence: &sentence }).await?;

    let answer = api.login(&LoginBody { message: message.clone(), signature }).await?;
    if answer.address != wallet.address() {
        return Err(ClientError::new(Kind::WrongAnswer, "The server signed in somebody else."));
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
        tracing::debug!(code = error.code(), "the keyring was not put back");
    }
    Ok(session)
}

/// The session of this device.
///
/// # Errors
/// [`Kind::NoSession`] if there is none or it has ended.
pub fn current(client: &Client) -> Result<Session, ClientError> {
    let session = Session::load(client.home())?;
    session
        .filter(|session| session.address() == client.address())
        .ok_or_else(|| ClientError::new(Kind::NoSession, "You are not signed in, or the session has ended."))
}

/// Ends the session, here and at the server. Says whether the server was told.
///
/// # Errors
/// [`Kind::LocalFile`].
pub async fn logout(client: &Client) -> Result<bool, ClientError> {
    let told = match client.api() {
        Ok(api) => {
            let told = api.logout().await.is_ok();
            api.set_token(None);
            told
        }
        Err(_) => false,
    };
    client.home().remove(FILE)?;
    Ok(told)
}

/// Refuses a challenge that would sign this person in somewhere else than where they wanted.
fn check_challenge(client: &Client, challenge: &Challenge) -> Result<(), ClientError> {
    let suspicious = |what: &str| Err(ClientError::new(Kind::SuspiciousChallenge, what));
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
        return Err(ClientError::new(
            Kind::Server(ErrorCode::ClockSkew),
            "This device's clock and the server's are more than two minutes apart.",
        ));
    }
    if challenge.session_seconds_max == 0 || challenge.session_seconds_max > 31 * 24 * 3600 {
        return suspicious("The server asks for a session of more than a month.");
    }
    Ok(())
}

/// Whether `domain` (host, maybe with port) is the server at `host`, or the site whose part it is. All names of this
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

fn new_session_key() -> SigningKey {
    loop {
        let scalar = Zeroizing::new(rand::random::<[u8; 32]>());
        // All but a 2^-32 part of the scalars are in range.
        if let Ok(key) = SigningKey::from_slice(scalar.as_slice()) {
            return key;
        }
    }
}

/// RFC 3339 in UTC, to the second.
pub(crate) fn rfc3339(unix_seconds: u64) -> Result<String, ClientError> {
    i64::try_from(unix_seconds)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map(|time| time.to_string())
        .ok_or_else(|| ClientError::new(Kind::InvalidAnswer, "The server's time is no time."))
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

    #[test]
    fn a_session_is_loaded_as_it_was_saved_and_not_after_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path()).unwrap();
        let mut session = Session {
            address: Address::repeat_byte(1),
            expires_at: unix_now() + 60,
            login_message: "message".into(),
            token: "token".into(),
            key: new_session_key(),
        };
        session.save(&home).unwrap();
        let again = Session::load(&home).unwrap().unwrap();
        assert_eq!(again.sign(b"x"), session.sign(b"x"));
        assert_eq!(again.login_hash(), session.login_hash());
        session.expires_at = unix_now();
        session.save(&home).unwrap();
        assert!(Session::load(&home).unwrap().is_none());
    }
}
