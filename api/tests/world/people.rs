//! The people who use a server: nobody in particular, newcomers, and those of the local network.

use alloy::{
    primitives::{Address, B256, Bytes, keccak256},
    signers::{SignerSync, local::PrivateKeySigner},
};
use axum::http::StatusCode;
use localnet::Role;
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use protocol::{
    bodies::{
        account::SessionToken,
        reads::{ReadAnswer, ReadBody},
    },
    codes::Purpose,
    identity::IdentityKey,
    ids::{RecordId, Salt},
    messages::{Action, SignedAction},
    reads::ReadRequest,
};
use sha2::{Digest, Sha256};

use super::{
    actions::{accredit, register_key},
    login::Login,
    network::Network,
    seeds,
    servers::Server,
};

/// A person with a wallet, at one server.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) server: Server,
    pub(crate) signer: PrivateKeySigner,
    pub(crate) session: Option<Session>,
}

/// The session of somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) token: String,
    key: SigningKey,
    login_message: String,
}

impl Server {
    /// Returns somebody new who is not signed in.
    pub(crate) fn anon(&self) -> User {
        self.holder_of(seeds::signer())
    }

    /// Returns the owner of a key, who is not signed in.
    pub(crate) fn holder_of(&self, signer: PrivateKeySigner) -> User {
        User { server: self.clone(), signer, session: None }
    }

    /// Signs in somebody new.
    pub(crate) async fn newcomer(&self) -> User {
        self.sign_in(seeds::signer()).await
    }

    /// Signs in the owner of a key.
    pub(crate) async fn sign_in(&self, signer: PrivateKeySigner) -> User {
        let mut user = self.holder_of(signer);
        let login = Login::new(&user).await;
        let answer = login.send(&user).await;
        answer.has(StatusCode::OK);
        let token = answer.json::<SessionToken>().token;
        user.session = Some(Session { token, login_message: login.text(), key: login.session_key });
        user
    }
}

impl User {
    /// Returns the same person with the same session at another server.
    pub(crate) fn at(&self, server: &Server) -> Self {
        Self { server: server.clone(), ..self.clone() }
    }

    pub(crate) fn address(&self) -> Address {
        self.signer.address()
    }

    /// Returns the address in lower case with its prefix.
    pub(crate) fn hex(&self) -> String {
        format!("{:#x}", self.address())
    }

    /// Returns the token of the session.
    pub(crate) fn token(&self) -> &str {
        &self.session.as_ref().expect("signed in").token
    }

    /// Returns the text that opened the session.
    pub(crate) fn login_message(&self) -> &str {
        &self.session.as_ref().expect("signed in").login_message
    }

    /// Returns the person's encryption key, which is derived from that of the account.
    pub(crate) fn key(&self) -> IdentityKey {
        IdentityKey::derive(&keccak256(self.signer.to_bytes()).0)
    }

    /// Signs an EIP-712 hash.
    pub(crate) fn sign_hash(&self, hash: &B256) -> Bytes {
        Bytes::copy_from_slice(&self.signer.sign_hash_sync(hash).expect("a local key signs").as_bytes())
    }

    /// Signs an action.
    pub(crate) fn sign(&self, action: Action) -> SignedAction {
        let signature = self.sign_hash(&action.signing_hash(&self.server.app.deployment));
        SignedAction { action, signature }
    }

    /// Returns a signed request to read version 1, valid for `seconds` from the server's now.
    pub(crate) fn read_request(&self, record: RecordId, salt: Salt, purpose: Purpose, seconds: i64) -> ReadBody {
        self.sign_read(ReadRequest {
            login_hash: B256::from_slice(&Sha256::digest(self.login_message().as_bytes())),
            record,
            version: 1,
            purpose,
            grantee: self.address(),
            salt,
            nonce: seeds::bytes(),
            deadline: self.server.app.clock.now().saturating_add_signed(seconds),
        })
    }

    /// Signs a read request with the key of the session.
    pub(crate) fn sign_read(&self, request: ReadRequest) -> ReadBody {
        let key = &self.session.as_ref().expect("signed in").key;
        let signature: Signature = key.sign(&request.signed_bytes(&self.server.app.deployment));
        ReadBody { request, signature: Bytes::copy_from_slice(&signature.to_bytes()) }
    }

    /// Reads version 1 for treatment; the error is the code of the refusal.
    pub(crate) async fn read(&self, record: RecordId, salt: Salt) -> Result<ReadAnswer, String> {
        let body = self.read_request(record, salt, Purpose::Treatment, 30);
        let answer = self.post("/v1/reads", &body).await;
        if answer.status.is_success() { Ok(answer.ok()) } else { Err(answer.code()) }
    }
}

/// The people whom a shared record needs: a patient and a doctor with keys, the doctor accredited.
pub(crate) struct Cast {
    pub(crate) patient: User,
    pub(crate) doctor: User,
}

impl Cast {
    /// Returns the same people at another server.
    pub(crate) fn at(&self, server: &Server) -> Self {
        Self { patient: self.patient.at(server), doctor: self.doctor.at(server) }
    }

    pub(crate) async fn on(network: &Network, server: &Server) -> Self {
        let cast = Self {
            patient: server.sign_in(network.signer(Role::Patient)).await,
            doctor: server.sign_in(network.signer(Role::Doctor)).await,
        };
        accredit(network, server, cast.doctor.address(), 1).await;
        for user in [&cast.patient, &cast.doctor] {
            user.post("/v1/actions", &register_key(user, 0)).await.has(StatusCode::OK);
        }
        cast
    }
}
