//! The session that this device keeps (`session.json`): the token, and the key that signs read requests.

use alloy::primitives::{Address, B256};
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    chain::unix_now,
    home::{DeviceError, Home},
};

const FILE: &str = "session.json";

/// A session. Token and key are wiped when it is dropped; the file in `MEDLOCK_HOME` has mode 0600.
pub struct Session {
    pub(crate) address: Address,
    pub(crate) expires_at: u64,
    pub(crate) login_message: String,
    pub(crate) token: SecretString,
    pub(crate) key: SigningKey,
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
    /// The address that is signed in.
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

    pub(crate) fn save(&self, home: &Home) -> Result<(), DeviceError> {
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
    pub(crate) fn load(home: &Home) -> Result<Option<Self>, DeviceError> {
        let Some(mut stored) = home.read_json::<Stored>(FILE)? else { return Ok(None) };
        if stored.expires_at <= unix_now() {
            return Ok(None);
        }
        let damaged = || DeviceError::DamagedSession;
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

/// Removes the session from this device.
pub(crate) fn remove(home: &Home) -> Result<(), DeviceError> {
    home.remove(FILE)
}

/// A random session key.
pub(crate) fn new_session_key() -> SigningKey {
    loop {
        let scalar = Zeroizing::new(rand::random::<[u8; 32]>());
        // All but a 2^-32 part of the scalars are in range.
        if let Ok(key) = SigningKey::from_slice(scalar.as_slice()) {
            return key;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
