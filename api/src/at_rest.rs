//! What the database keeps of people: sealed, and found by blind indexes.
//!
//! A database, or a backup of it, that falls into other hands shows what the chain shows, and no more: everything that
//! opens a tag, or tells who has to do with whom, is encrypted under the operator's secret, which lies in a file
//! elsewhere. What has to be looked up is stored beside it as a *blind index*, an HMAC that only the holder of the secret
//! can compute. `protocol/THREATS.md` says what stays in clear, and why.
//!
//! ```text
//! context   = chain id u64 ‖ RecordRegistry 20
//! place     = label of the use ‖ 0x00 ‖ context ‖ id of the document
//! key       = HKDF-Expand(PRK, "medlock/v1/at-rest/seal\0" ‖ place)                 RFC 5869, PRK from the secret
//! sealed    = version u8 ‖ nonce 12 ‖ AES-256-GCM(key, nonce, aad = version ‖ place, plaintext)
//! blind     = first 16 bytes of HMAC-SHA-256(HKDF-Expand(PRK, "medlock/v1/at-rest/find\0" ‖ label ‖ 0x00 ‖ context), value)
//! ```
//!
//! Each document's field has a key of its own, so random nonces meet only when one field is written again: after 2^32
//! rewrites of the same field two are equal with a chance of 2^-33. The place is authenticated: nothing that is sealed can
//! be moved to another document, field, collection or deployment.
//!
//! **Owners.** Whom a value is for, or how long it counts, is sealed with it and compared after opening: what stands beside
//! it in clear or blind serves look-ups only, and whoever can write to the database moves nothing to another person.
//!
//! **No joint with the chain.** A document that has the pseudonym of a person has nothing that stands on chain, nor a time
//! by which it could be found there: one known grant would otherwise name the person in all others.
//!
//! **Rotation.** The secret file may hold several secrets, one a line, newest last. The version byte is the number of the
//! line: what older secrets sealed still opens, and everything new is sealed under the newest. Filters ask for the blind
//! indexes of all secrets ([`AtRest::find`]); what may stand once only is looked for under the older ones before it is
//! written ([`AtRest::older`]). Because the version is but a number, both databases keep a check value of each line, and a
//! server whose file is another one, or in another order, does not start ([`expect_secrets`]).
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
/// More lines than this in a secret file are a mistake.
const SECRETS_MAX: usize = 16;

/// What is sealed, by collection and field. Each has keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// B of a record version.
    ReleaseShare,
    /// Who is signed in, with the login message and its signature.
    Session,
    /// The evidence of one read: request, login message, signatures, receipt.
    Leaf,
    /// A keyring or an address book, which its owner has encrypted already.
    PrivateBlob,
    /// What a write was answered.
    Answer,
    /// A grant: of whom, to whom, over what, with the salt of its tag.
    Received,
    /// The capsules of a grant.
    Bundle,
    /// Which grant a bundle is of, and which request it answers.
    BundleAbout,
    /// An access request: message and note.
    Request,
    /// When and how a request was answered.
    RequestAnswer,
    /// Whom somebody has blocked.
    Block,
    /// What an entry of the feed tells.
    Feed,
    /// Whose session brought an action.
    Submitter,
}

impl Use {
    /// All of them, for the test that no two share a label.
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

/// What is looked up blindly. Each has keys of its own, so that the same address looks different in each place.
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
    /// Who takes turns in the relay's queue. It stands beside a signer, so it is not the one of the budgets.
    RelayTurn,
    /// An account that was invited.
    Invitation,
    /// The address whose write was answered.
    AnswerAddress,
    /// A grant that was received.
    Received,
    /// Who may read by a grant.
    Reader,
    /// Who may write by a grant. Whoever writes opens its tag on chain, so this one must not be that of [`Lookup::Reader`].
    Writer,
    /// Right, grantee and patient of a grant.
    ReceivedPair,
    /// The same with the scope.
    ReceivedScope,
    /// A bundle: grant and grant epoch.
    Bundle,
    /// The grant of a bundle. Not that of [`Lookup::Received`], so that nobody sees which bundle is whose.
    BundleGrant,
    /// Who asks for access.
    Requester,
    /// Who is asked for access.
    Requested,
    /// Who knows whom.
    Relation,
    /// Who has blocked.
    Blocker,
    /// Who has blocked whom.
    Block,
    /// Who is counted by day.
    Daily,
    /// Whom an entry of the feed is for.
    Feed,
    /// What has caused an entry of the feed, and for whom it is.
    FeedCause,
}

impl Lookup {
    /// All of them, for tests that look for each.
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
    /// Returns an error when the file cannot be read or holds something else.
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

/// Something sealed. It shows nothing, so it may be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Takes over bytes that were stored.
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

/// A stored value does not open, or is not for whom it was asked: the operator's secret is another one, or the database was
/// tampered with.
#[derive(Debug, thiserror::Error)]
#[error("a stored value cannot be opened with this operator's secret")]
pub struct AtRestError;

/// Seals, opens and finds. Has no `Debug`; its keys are wiped when it is dropped.
pub struct AtRest {
    /// HKDF-Extract of each secret, oldest first.
    roots: Vec<Zeroizing<[u8; 32]>>,
    context: [u8; 28],
}

impl AtRest {
    /// For what one deployment's database keeps.
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

    /// Opens what [`AtRest::seal_bytes`] has sealed for the same use and document.
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

    /// Opens what [`AtRest::seal`] has sealed.
    ///
    /// # Errors
    /// [`AtRestError`].
    pub fn open<T: DeserializeOwned>(&self, of: Use, id: &str, sealed: &Sealed) -> Result<T, AtRestError> {
        serde_json::from_slice(&self.open_bytes(of, id, sealed)?).map_err(|_| AtRestError)
    }

    /// Returns the blind index of a value, for a document that is written now. Hex.
    #[must_use]
    pub fn blind(&self, of: Lookup, value: impl AsRef<[u8]>) -> String {
        self.blind_under(self.roots.last().expect("there is a secret"), of, value.as_ref())
    }

    /// Returns the blind indexes of a value under all secrets but the newest. Empty, until a secret was added.
    #[must_use]
    pub fn older(&self, of: Lookup, value: impl AsRef<[u8]>) -> Vec<String> {
        self.roots.iter().rev().skip(1).map(|root| self.blind_under(root, of, value.as_ref())).collect()
    }

    /// Returns the filter for the documents that were written with this value, under whichever secret.
    #[must_use]
    pub fn find(&self, of: Lookup, value: impl AsRef<[u8]>) -> Bson {
        self.find_any(&[of], [value])
    }

    /// The same for any of these values under any of these look-ups.
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

    /// What tells each secret from others without telling anything of it, oldest first. Hex.
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

    /// Returns the key for one field of one document, and what is authenticated with it. `None`: there is no such
    /// secret.
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
