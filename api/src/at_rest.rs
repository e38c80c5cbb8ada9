//! Encryption of the database's personal data, and blind indexes to find it.
//!
//! Somebody who gets the database, or a backup of it, learns only what the chain shows. Everything that opens a tag, or
//! shows which people are connected, is encrypted under the operator's secret, which is in a file elsewhere. Values
//! that queries look up are stored beside it as a *blind index*: an HMAC that only the holder of the secret can
//! compute. `protocol/THREATS.md` lists the data that stays in clear, and the reasons.
//!
//! ```text
//! context   = chain id u64 ‖ RecordRegistry 20
//! place     = label of the use ‖ 0x00 ‖ context ‖ id of the document
//! key       = HKDF-Expand(PRK, "medlock/v1/at-rest/seal\0" ‖ place)                 RFC 5869, PRK from the secret
//! sealed    = version u8 ‖ nonce 12 ‖ AES-256-GCM(key, nonce, aad = version ‖ place, plaintext)
//! blind     = first 16 bytes of HMAC-SHA-256(HKDF-Expand(PRK, "medlock/v1/at-rest/find\0" ‖ label ‖ 0x00 ‖ context), value)
//! ```
//!
//! Each field of each document has its own key. Two random nonces can therefore collide only when the same field is
//! written again: after 2^32 rewrites of one field, with a probability of 2^-33. The place is authenticated, so a
//! sealed value cannot be moved to another document, field, collection or deployment.
//!
//! **Owners.** The owner of a value and its period of validity are sealed with it and compared after opening. The
//! fields beside it, in clear or blind, only serve look-ups. Somebody who can write to the database therefore cannot
//! give a value to another person.
//!
//! **No link to the chain.** A document that contains a person's pseudonym contains nothing that is also on chain, and
//! no time that could be matched with the chain. Otherwise one known grant would identify the person in all others.
//!
//! **Rotation.** The secret file may contain several secrets, one a line, newest last. The version byte is the line
//! number. Values that were sealed under older secrets still open, and new values are sealed under the newest one.
//! Filters use the blind indexes of all secrets ([`AtRest::find`]). A value that must be unique is looked up under the
//! older secrets before it is written ([`AtRest::older`]). The version is only a number, so both databases keep a check
//! value for each line. A server whose file has other secrets, or another order, does not start ([`expect_secrets`]).
//!
//! ```text
//! check     = first 16 bytes of HKDF-Expand(PRK, "medlock/v1/at-rest/check\0" ‖ context)
//! ```

mod checks;

use std::path::Path;

use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead, Payload},
};
use anyhow::{Context, bail, ensure};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use mongodb::bson::{Binary, Bson, doc, spec::BinarySubtype};
use protocol::deployment::{ContractName, Deployment};
use rand::Rng;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use sha2::Sha256;
use zeroize::Zeroizing;

pub(crate) use checks::are_known;
pub use checks::{SecretsError, expect_secrets};

const SEAL_LABEL: &[u8] = b"medlock/v1/at-rest/seal\0";
const FIND_LABEL: &[u8] = b"medlock/v1/at-rest/find\0";
const CHECK_LABEL: &[u8] = b"medlock/v1/at-rest/check\0";
const NONCE_LEN: usize = 12;
const BLIND_LEN: usize = 16;
/// The maximum number of secrets in a file. More lines are a mistake.
const SECRETS_MAX: usize = 16;

/// The kinds of sealed values, by collection and field. Each kind has its own keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The release share (B) of a record version.
    ReleaseShare,
    /// The address of a session, with the login message and its signature.
    Session,
    /// The evidence of one read: request, login message, signatures, receipt.
    Leaf,
    /// A keyring or an address book, which its owner has already encrypted.
    PrivateBlob,
    /// The stored answer to a write.
    Answer,
    /// A grant: patient, grantee, scope, and the salt of its tag.
    Received,
    /// The capsules of a grant.
    Bundle,
    /// The grant that a bundle belongs to, and the request that it answers.
    BundleAbout,
    /// An access request: message and note.
    Request,
    /// The time and kind of the answer to a request.
    RequestAnswer,
    /// The person whom somebody has blocked.
    Block,
    /// The content of an entry in the feed.
    Feed,
    /// The account whose session submitted an action.
    Submitter,
}

impl Use {
    /// All uses. A test checks that no two share a label.
    #[cfg(test)]
    const ALL: [Self; 13] = [
        Self::ReleaseShare,
        Self::Session,
        Self::Leaf,
        Self::PrivateBlob,
        Self::Answer,
        Self::Received,
        Self::Bundle,
        Self::BundleAbout,
        Self::Request,
        Self::RequestAnswer,
        Self::Block,
        Self::Feed,
        Self::Submitter,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::ReleaseShare => "api_release_shares/sealed",
            Self::Session => "api_sessions/sealed",
            Self::Leaf => "log_leaves/sealed",
            Self::PrivateBlob => "api_private_blobs/content",
            Self::Answer => "api_answers/answer",
            Self::Received => "api_received/sealed",
            Self::Bundle => "api_bundles/sealed",
            Self::BundleAbout => "api_bundles/about",
            Self::Request => "api_requests/sealed",
            Self::RequestAnswer => "api_requests/answered",
            Self::Block => "api_blocks/sealed",
            Self::Feed => "api_feed/sealed",
            Self::Submitter => "api_actions/submitter",
        }
    }
}

/// The kinds of blind look-ups. Each kind has its own keys, so the same address gives a different value in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The address of a session.
    SessionAddress,
    /// A read request: session and nonce.
    LeafRequest,
    /// Kind and owner of a private blob.
    PrivateBlob,
    /// An account, in the relay's budgets.
    RelayAccount,
    /// A network address, in the relay's budgets.
    RelayNetwork,
    /// The account or network that takes turns in the relay's queue. It is stored beside a signer, so it differs from
    /// those of the budgets.
    RelayTurn,
    /// An account that was invited.
    Invitation,
    /// The address that received the answer to a write.
    AnswerAddress,
    /// A grant that was received.
    Received,
    /// A grantee with the right to read.
    Reader,
    /// A grantee with the right to write. A writer opens the tag on chain, so this must differ from [`Lookup::Reader`].
    Writer,
    /// Right, grantee and patient of a grant, together.
    ReceivedPair,
    /// Right, grantee, patient and scope of a grant, together.
    ReceivedScope,
    /// A bundle: grant and grant epoch.
    Bundle,
    /// The grant of a bundle. It differs from [`Lookup::Received`], so that a bundle cannot be linked to its row.
    BundleGrant,
    /// The requester of an access request.
    Requester,
    /// The patient of an access request.
    Requested,
    /// Two people of whom the first knows the second.
    Relation,
    /// A person who has blocked somebody.
    Blocker,
    /// A person and somebody whom that person has blocked.
    Block,
    /// A person whose actions are counted by day.
    Daily,
    /// The recipient of an entry in the feed.
    Feed,
    /// The cause of an entry in the feed, together with its recipient.
    FeedCause,
}

impl Lookup {
    /// All look-ups, for tests that go through them.
    pub const ALL: [Self; 23] = [
        Self::SessionAddress,
        Self::LeafRequest,
        Self::PrivateBlob,
        Self::RelayAccount,
        Self::RelayNetwork,
        Self::RelayTurn,
        Self::Invitation,
        Self::AnswerAddress,
        Self::Received,
        Self::Reader,
        Self::Writer,
        Self::ReceivedPair,
        Self::ReceivedScope,
        Self::Bundle,
        Self::BundleGrant,
        Self::Requester,
        Self::Requested,
        Self::Relation,
        Self::Blocker,
        Self::Block,
        Self::Daily,
        Self::Feed,
        Self::FeedCause,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::SessionAddress => "api_sessions/address",
            Self::LeafRequest => "log_leaves/request",
            Self::PrivateBlob => "api_private_blobs/owner",
            Self::RelayAccount => "api_budgets/account",
            Self::RelayNetwork => "api_budgets/network",
            Self::RelayTurn => "api_actions/turn",
            Self::Invitation => "api_invitations/account",
            Self::AnswerAddress => "api_answers/account",
            Self::Received => "api_received",
            Self::Reader => "api_received/reader",
            Self::Writer => "api_received/writer",
            Self::ReceivedPair => "api_received/pair",
            Self::ReceivedScope => "api_received/scope",
            Self::Bundle => "api_bundles",
            Self::BundleGrant => "api_bundles/grant",
            Self::Requester => "api_requests/requester",
            Self::Requested => "api_requests/patient",
            Self::Relation => "api_relations",
            Self::Blocker => "api_blocks/owner",
            Self::Block => "api_blocks",
            Self::Daily => "api_daily",
            Self::Feed => "api_feed/to",
            Self::FeedCause => "api_feed",
        }
    }
}

/// The secrets of the operator, oldest first. Wiped when dropped; has no `Debug`.
pub struct Secrets(Vec<Zeroizing<[u8; 32]>>);

impl Secrets {
    /// Reads a file of 1 to 16 secrets, 32 bytes in hex each, one a line, newest last.
    ///
    /// # Errors
    /// Returns an error when the file cannot be read or contains anything else.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = Zeroizing::new(
            std::fs::read_to_string(path).with_context(|| format!("cannot read the key file {}", path.display()))?,
        );
        let mut secrets: Vec<Zeroizing<[u8; 32]>> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let digits = line.strip_prefix("0x").unwrap_or(line);
            let mut secret = Zeroizing::new([0; 32]);
            if hex::decode_to_slice(digits, secret.as_mut_slice()).is_err() {
                bail!("the key file {} does not hold 32 bytes in hex", path.display());
            }
            ensure!(!secrets.contains(&secret), "the key file {} holds a secret twice", path.display());
            secrets.push(secret);
        }
        ensure!(!secrets.is_empty(), "the key file {} does not hold 32 bytes in hex", path.display());
        ensure!(secrets.len() <= SECRETS_MAX, "the key file {} holds more than {SECRETS_MAX} secrets", path.display());
        Ok(Self(secrets))
    }

    /// Returns each secret, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.0.iter().rev().map(|secret| &**secret)
    }
}

/// A sealed value. It reveals nothing, so it may be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Wraps stored bytes.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    fn binary(&self) -> Binary {
        Binary { subtype: BinarySubtype::Generic, bytes: self.0.clone() }
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

impl From<Sealed> for Bson {
    fn from(sealed: Sealed) -> Self {
        Self::Binary(sealed.binary())
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.binary().serialize(to)
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(Binary::deserialize(from)?.bytes))
    }
}

/// A stored value does not open, or belongs to somebody else. Either the operator's secret is a different one, or
/// somebody has tampered with the database.
#[derive(Debug, thiserror::Error)]
#[error("a stored value cannot be opened with this operator's secret")]
pub struct AtRestError;

/// Seals, opens and finds values. It has no `Debug`, and its keys are wiped when it is dropped.
pub struct AtRest {
    /// HKDF-Extract of each secret, oldest first.
    roots: Vec<Zeroizing<[u8; 32]>>,
    context: [u8; 28],
}

impl AtRest {
    /// Creates the keys for the database of one deployment.
    #[must_use]
    pub fn new(secrets: &Secrets, deployment: &Deployment) -> Self {
        let mut context = [0; 28];
        context[..8].copy_from_slice(&deployment.chain_id.to_be_bytes());
        context[8..].copy_from_slice(deployment.address_of(ContractName::RecordRegistry).as_slice());
        let roots = secrets.0.iter().map(|secret| {
            let (root, _) = Hkdf::<Sha256>::extract(None, secret.as_slice());
            Zeroizing::new(root.into())
        });
        Self { roots: roots.collect(), context }
    }

    /// Seals bytes as the field of the document `id`.
    #[must_use]
    pub fn seal_bytes(&self, of: Use, id: &str, plaintext: &[u8]) -> Sealed {
        let version = self.newest();
        let mut nonce = [0; NONCE_LEN];
        rand::rng().fill_bytes(&mut nonce);
        let (cipher, aad) = self.cipher(version, of, id).expect("the newest secret is there");
        let payload = Payload { msg: plaintext, aad: &aad };
        let sealed = cipher.encrypt(&nonce.into(), payload).expect("documents are below the limit of AES-GCM");
        Sealed([&[version][..], &nonce, &sealed].concat())
    }

    /// Opens bytes that [`AtRest::seal_bytes`] sealed for the same use and document.
    ///
    /// # Errors
    /// [`AtRestError`].
    pub fn open_bytes(&self, of: Use, id: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, AtRestError> {
        let (version, rest) = sealed.0.split_first().ok_or(AtRestError)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or(AtRestError)?;
        let (cipher, aad) = self.cipher(*version, of, id).ok_or(AtRestError)?;
        let opened = cipher.decrypt(&(*nonce).into(), Payload { msg: ciphertext, aad: &aad });
        Ok(Zeroizing::new(opened.map_err(|_| AtRestError)?))
    }

    /// Seals a value, as JSON.
    #[must_use]
    pub fn seal<T: Serialize>(&self, of: Use, id: &str, value: &T) -> Sealed {
        let text = Zeroizing::new(serde_json::to_vec(value).expect("stored values have only text keys and no maps"));
        self.seal_bytes(of, id, &text)
    }

    /// Opens a value that [`AtRest::seal`] sealed.
    ///
    /// # Errors
    /// [`AtRestError`].
    pub fn open<T: DeserializeOwned>(&self, of: Use, id: &str, sealed: &Sealed) -> Result<T, AtRestError> {
        serde_json::from_slice(&self.open_bytes(of, id, sealed)?).map_err(|_| AtRestError)
    }

    /// Returns the blind index (hex) of a value under the newest secret, for a document that is written now.
    #[must_use]
    pub fn blind(&self, of: Lookup, value: impl AsRef<[u8]>) -> String {
        self.blind_under(self.roots.last().expect("there is a secret"), of, value.as_ref())
    }

    /// Returns the blind indexes of a value under all secrets except the newest. Empty if there is only one secret.
    #[must_use]
    pub fn older(&self, of: Lookup, value: impl AsRef<[u8]>) -> Vec<String> {
        self.roots.iter().rev().skip(1).map(|root| self.blind_under(root, of, value.as_ref())).collect()
    }

    /// Returns the filter for documents that were written with this value, under any of the secrets.
    #[must_use]
    pub fn find(&self, of: Lookup, value: impl AsRef<[u8]>) -> Bson {
        self.find_any(&[of], [value])
    }

    /// Returns the filter for documents that were written with any of these values under any of these look-ups.
    #[must_use]
    pub fn find_any<V: AsRef<[u8]>>(&self, of: &[Lookup], values: impl IntoIterator<Item = V>) -> Bson {
        let mut all = Vec::new();
        for value in values {
            for root in self.roots.iter().rev() {
                all.extend(of.iter().map(|of| self.blind_under(root, *of, value.as_ref())));
            }
        }
        match &all[..] {
            [one] => Bson::String(one.clone()),
            _ => Bson::Document(doc! { "$in": all }),
        }
    }

    /// Returns a check value (hex) for each secret, oldest first. It identifies the secret and reveals nothing about
    /// it.
    fn checks(&self) -> Vec<String> {
        let check = |root| hex::encode(&expand(root, &[CHECK_LABEL, &self.context])[..BLIND_LEN]);
        self.roots.iter().map(check).collect()
    }

    fn blind_under(&self, root: &Zeroizing<[u8; 32]>, of: Lookup, value: &[u8]) -> String {
        let key = expand(root, &[FIND_LABEL, of.label().as_bytes(), &[0], &self.context]);
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key.as_slice()).expect("HMAC takes any key");
        mac.update(value);
        hex::encode(&mac.finalize().into_bytes()[..BLIND_LEN])
    }

    fn newest(&self) -> u8 {
        u8::try_from(self.roots.len()).expect("a secret file has few lines")
    }

    /// Returns the key for one field of one document, and the data that is authenticated with it. Returns `None` if
    /// there is no secret with this number.
    fn cipher(&self, version: u8, of: Use, id: &str) -> Option<(Aes256Gcm, Vec<u8>)> {
        let root = self.roots.get(usize::from(version).checked_sub(1)?)?;
        let label = of.label().as_bytes();
        let aad = [&[version][..], label, &[0], &self.context, id.as_bytes()].concat();
        let key = expand(root, &[SEAL_LABEL, &aad[1..]]);
        Some((Aes256Gcm::new_from_slice(key.as_slice()).expect("the key has 32 bytes"), aad))
    }
}

/// HKDF-Expand(PRK, info), 32 bytes.
fn expand(root: &Zeroizing<[u8; 32]>, info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let hkdf = Hkdf::<Sha256>::from_prk(root.as_slice()).expect("32 bytes are the output length of SHA-256");
    let mut key = Zeroizing::new([0; 32]);
    hkdf.expand_multi_info(info, key.as_mut_slice()).expect("32 bytes are below HKDF's limit");
    key
}

#[cfg(test)]
mod tests;
