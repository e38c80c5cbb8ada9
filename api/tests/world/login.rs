//! Signing in.

use alloy::{
    primitives::{Address, Bytes},
    signers::SignerSync,
};
use p256::ecdsa::SigningKey;
use protocol::{bodies::account::Challenge, session::LoginMessage};
use serde_json::json;

use super::{answers::Answer, people::User, seeds};

/// The parts of a login message, which a test can change.
pub(crate) struct Login {
    pub(crate) challenge: Challenge,
    pub(crate) address: Address,
    pub(crate) issued_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) session_key: SigningKey,
}

impl Login {
    /// Asks for a challenge and answers it for an hour.
    pub(crate) async fn new(user: &User) -> Self {
        let challenge: Challenge = user.get("/v1/auth/challenge").await.ok();
        let now = i64::try_from(challenge.server_time).expect("a time of our age");
        Self {
            challenge,
            address: user.address(),
            issued_at: now,
            expires_at: now + 3_600,
            session_key: seeds::session_key(),
        }
    }

    pub(crate) fn text(&self) -> String {
        let time = |seconds| jiff::Timestamp::from_second(seconds).expect("a time of our age").to_string();
        let point = self.session_key.verifying_key().to_sec1_point(false);
        LoginMessage {
            domain: &self.challenge.domain,
            address: self.address,
            uri: &self.challenge.uri,
            chain_id: self.challenge.chain_id,
            nonce: &self.challenge.nonce,
            issued_at: &time(self.issued_at),
            expiration_time: &time(self.expires_at),
            session_key: point.as_bytes().try_into().expect("an uncompressed point has 65 bytes"),
        }
        .to_string()
    }

    pub(crate) async fn send(&self, user: &User) -> Answer {
        send_login(user, &self.text()).await
    }
}

/// Signs a text with the user's wallet and tries to sign in with it.
pub(crate) async fn send_login(user: &User, text: &str) -> Answer {
    let signature = user.signer.sign_message_sync(text.as_bytes()).expect("a local key signs");
    send_signed_login(user, text, Bytes::copy_from_slice(&signature.as_bytes())).await
}

/// Tries to sign in with a text and this signature.
pub(crate) async fn send_signed_login(user: &User, text: &str, signature: Bytes) -> Answer {
    user.post("/v1/auth/login", json!({ "message": text, "signature": signature })).await
}
