//! The form of a vector file, and the code that runs one. Numbers that may exceed 2^53 are decimal text, bytes are `0x`
//! hex, long byte strings are base64.

#[path = "messages_scenario.rs"]
pub(crate) mod messages_scenario;
#[path = "rules_scenario.rs"]
pub(crate) mod rules_scenario;

use alloy::primitives::{Address, B256, Bytes};
use base64::{Engine, engine::general_purpose::STANDARD};
use messages_scenario::{
    ActionScenario, KitScenario, LoginScenario, OperatorKeysScenario, ReadScenario, StatementScenario,
};
use protocol::{
    address_book::{AddressBook, AddressBookError},
    authorship::{self, AuthorshipProof},
    bundle::Bundle,
    capsule::{Binding, Capsule, CapsuleError, Sealable},
    cid::{Cid, CidBuilder},
    codes::{Category, Right, ScopeKind},
    envelope::{
        Coding, ContentHasher, EnvelopeContext, HEADER_LEN, Header, Metadata, OpenError, Opener, SignedBy, padded_len,
    },
    identity::PublicKey,
    ids::{LeafHash, RecordId, Salt, Tag},
    key_epochs::KeyEpochs,
    keyring::{Keyring, KeyringError},
    log::{Head, leaf_hash, root},
    note::{self, NoteError},
    recovery::RecoveryError,
    secret::{DataKey, NoteKey, ReaderShare, ReleaseShare, Seed, SlotShare},
};
use rules_scenario::{FormCase, LengthCase, ScopeCase, TermsCase};
use serde::{Deserialize, Serialize};

/// One file of `protocol/vectors`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vector {
    /// A description of what the vector shows.
    pub(crate) description: String,
    /// `ok`, or the class of the only failure in it.
    pub(crate) expect: String,
    /// The scenario.
    pub(crate) scenario: Scenario,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Scenario {
    Identity {
        seed: B256,
        epoch: u32,
        public_key: PublicKey,
        key_hash: B256,
    },
    KeyEpochs {
        seed: B256,
        /// The keys on chain: each epoch with the hash of its key.
        history: Vec<(u32, B256)>,
        /// The epochs whose keys derive from the seed, newest first.
        own: Vec<u32>,
        /// The epochs of other keys, in ascending order.
        foreign: Vec<u32>,
        /// The hash of the key that opens what is bound to an epoch; `None` for a foreign epoch.
        opens: Vec<(u32, Option<B256>)>,
    },
    Tag {
        seed: B256,
        chain_id: String,
        grant_registry: Address,
        grantee: Address,
        right: Right,
        salt: Salt,
        tag: Tag,
    },
    Split {
        data_key: B256,
        chain_id: String,
        registry: Address,
        record: RecordId,
        version: u16,
        release_share: B256,
        reader_share: B256,
    },
    Capsule {
        holds: String,
        secret: B256,
        recipient_seed: B256,
        recipient_epoch: u32,
        /// The category of a slot capsule, whose recipient is a category key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        category: Option<Category>,
        binding: BindingText,
        capsule: Bytes,
    },
    Padding {
        lengths: Vec<(String, String)>,
    },
    ContentHash {
        content: Content,
        hash: B256,
    },
    Cid {
        content: Content,
        cid: Cid,
    },
    Envelope(Box<EnvelopeScenario>),
    Authorship {
        chain_id: String,
        registry: Address,
        record: RecordId,
        version: u16,
        author: Address,
        content_hash: B256,
        created: String,
        signing_hash: B256,
        signature: Bytes,
    },
    Keyring {
        chain_id: String,
        owner: Address,
        keyring: serde_json::Value,
        unlock: Unlock,
        seed: B256,
    },
    Recovery {
        words: String,
        seed: B256,
    },
    Note {
        patient_seed: B256,
        patient_key_epoch: u32,
        binding: BindingText,
        author: Address,
        note: String,
        text: String,
    },
    AddressBook {
        seed: B256,
        owner: Address,
        sealed: String,
        names: Vec<(Address, String)>,
    },
    Bundle {
        record: RecordId,
        capsules: Vec<(u16, Bytes)>,
        hash: B256,
    },
    Log {
        leaves: Vec<Bytes>,
        leaf_hashes: Vec<LeafHash>,
        roots: Vec<B256>,
        heads: Vec<B256>,
    },
    Action(Box<ActionScenario>),
    Statement(Box<StatementScenario>),
    Read(Box<ReadScenario>),
    Login(Box<LoginScenario>),
    Kit(KitScenario),
    OperatorKeys(Box<OperatorKeysScenario>),
    GrantTerms {
        cases: Vec<TermsCase>,
    },
    GrantScopes {
        cases: Vec<ScopeCase>,
    },
    GrantForms {
        cases: Vec<FormCase>,
    },
    ContentLengths {
        cases: Vec<LengthCase>,
    },
    FileNames {
        /// Pairs of a file name and whether metadata may contain it.
        cases: Vec<(String, bool)>,
    },
}

/// Bytes computed from a formula. `xor`: byte i is `(i ^ i>>8 ^ i>>16) & 255`; `zero`: all zero.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Content {
    pub(crate) pattern: String,
    pub(crate) length: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BindingText {
    chain_id: String,
    contract: Address,
    patient: Address,
    recipient: Address,
    key_epoch: u32,
    scope_kind: ScopeKind,
    scope_id: B256,
    version: u16,
    grant_epoch: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnvelopeScenario {
    pub(crate) chain_id: String,
    pub(crate) registry: Address,
    /// The record that the reader asked for.
    pub(crate) record: RecordId,
    pub(crate) version: u16,
    pub(crate) patient: Address,
    pub(crate) patient_public_key: PublicKey,
    pub(crate) opener: EnvelopeOpener,
    /// The file in base64.
    pub(crate) file: String,
    /// The result; only when the envelope opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) opened: Option<Opened>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum EnvelopeOpener {
    Owner { seed: B256 },
    Reader { reader_share: B256, release_share: B256 },
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Opened {
    pub(crate) content_length: String,
    pub(crate) media_type: String,
    pub(crate) file_name: String,
    pub(crate) content_hash: B256,
    pub(crate) created: String,
    pub(crate) fhir_type: Option<String>,
    pub(crate) codes: Vec<(String, String)>,
    pub(crate) author: Option<Address>,
    pub(crate) author_signature: Option<Bytes>,
    /// The plain SHA-256 hash of the content.
    pub(crate) content_sha256: B256,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Unlock {
    Passphrase(String),
    Signature(Bytes),
}

impl From<&Binding> for BindingText {
    fn from(b: &Binding) -> Self {
        Self {
            chain_id: b.chain_id.to_string(),
            contract: b.contract,
            patient: b.patient,
            recipient: b.recipient,
            key_epoch: b.key_epoch,
            scope_kind: b.scope_kind,
            scope_id: b.scope_id,
            version: b.version,
            grant_epoch: b.grant_epoch,
        }
    }
}

impl From<&BindingText> for Binding {
    fn from(b: &BindingText) -> Self {
        Self {
            chain_id: number(&b.chain_id),
            contract: b.contract,
            patient: b.patient,
            recipient: b.recipient,
            key_epoch: b.key_epoch,
            scope_kind: b.scope_kind,
            scope_id: b.scope_id,
            version: b.version,
            grant_epoch: b.grant_epoch,
        }
    }
}

impl Content {
    pub(crate) fn new(pattern: &str, length: u64) -> Self {
        Self { pattern: pattern.to_owned(), length: length.to_string() }
    }

    /// Passes the bytes to `take` piece by piece.
    pub(crate) fn feed(&self, mut take: impl FnMut(&[u8])) {
        let mut left = usize::try_from(number(&self.length)).unwrap();
        // Both patterns repeat after 2^24 bytes.
        let period: Vec<u8> = (0..left.min(1 << 24))
            .map(|i| if self.pattern == "xor" { (i ^ (i >> 8) ^ (i >> 16)).to_le_bytes()[0] } else { 0 })
            .collect();
        while left > 0 {
            let now = left.min(period.len());
            take(&period[..now]);
            left -= now;
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.feed(|piece| bytes.extend_from_slice(piece));
        bytes
    }
}

impl Opened {
    pub(crate) fn new(metadata: &Metadata, content: &[u8]) -> Self {
        use sha2::{Digest, Sha256};
        let (author, author_signature) = match &metadata.signed_by {
            Some(SignedBy { author, signature }) => (Some(*author), Some(signature.clone())),
            None => (None, None),
        };
        Self {
            content_length: metadata.content_len.to_string(),
            media_type: metadata.media_type.clone(),
            file_name: metadata.file_name.clone(),
            content_hash: metadata.content_hash,
            created: metadata.created.to_string(),
            fhir_type: metadata.fhir_type.clone(),
            codes: metadata.codes.iter().map(|Coding { system, code }| (system.clone(), code.clone())).collect(),
            author,
            author_signature,
            content_sha256: B256::from_slice(&Sha256::digest(content)),
        }
    }
}

pub(crate) fn number(text: &str) -> u64 {
    text.parse().expect("a decimal number")
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

impl Scenario {
    /// Runs the vector and returns the error class. When it returns `ok`, all results were compared.
    pub(crate) fn run(&self) -> &'static str {
        match self {
            Self::Identity { seed, epoch, public_key, key_hash } => {
                let key = Seed::from_bytes(seed.0).identity_key(*epoch);
                assert_eq!(key.public_key(), public_key);
                assert_eq!(key.public_key().hash(), *key_hash);
                "ok"
            }
            Self::KeyEpochs { seed, history, own, foreign, opens } => {
                let seed = Seed::from_bytes(seed.0);
                let epochs = KeyEpochs::compare(&seed, history.iter().copied());
                assert_eq!(epochs.own().collect::<Vec<_>>(), *own);
                assert_eq!(epochs.foreign().collect::<Vec<_>>(), *foreign);
                for (epoch, hash) in opens {
                    assert_eq!(epochs.opener(&seed, *epoch).map(|key| key.public_key().hash()), *hash, "{epoch}");
                }
                match (epochs.newest(), epochs.newest_own()) {
                    (0, _) => "none",
                    (_, None) => "wrong keys",
                    _ if epochs.is_newest_foreign() => "foreign key",
                    _ => "ok",
                }
            }
            Self::GrantTerms { cases } => {
                rules_scenario::run_terms(cases);
                "ok"
            }
            Self::GrantScopes { cases } => {
                rules_scenario::run_scopes(cases);
                "ok"
            }
            Self::GrantForms { cases } => {
                rules_scenario::run_forms(cases);
                "ok"
            }
            Self::ContentLengths { cases } => {
                rules_scenario::run_lengths(cases);
                "ok"
            }
            Self::FileNames { cases } => {
                rules_scenario::run_names(cases);
                "ok"
            }
            Self::Tag { seed, chain_id, grant_registry, grantee, right, salt, tag } => {
                let found = Seed::from_bytes(seed.0).tag(number(chain_id), *grant_registry, *grantee, *right);
                assert_eq!(found, (*tag, *salt));
                "ok"
            }
            Self::Split { data_key, chain_id, registry, record, version, release_share, reader_share } => {
                let context = EnvelopeContext { chain_id: number(chain_id), registry: *registry };
                let of = context.record_version(*record, *version);
                let dek = DataKey::from_bytes(data_key.0);
                assert_eq!(*dek.release_share(&of).expose(), release_share.0);
                assert_eq!(*dek.reader_share(&of).expose(), reader_share.0);
                assert!(DataKey::join(&dek.reader_share(&of), &dek.release_share(&of)) == dek);
                "ok"
            }
            Self::Capsule { holds, secret, recipient_seed, recipient_epoch, category, binding, capsule } => {
                let (seed, epoch) = (Seed::from_bytes(recipient_seed.0), *recipient_epoch);
                let binding = binding.into();
                if let Some(category) = category {
                    let key = seed.category_secret(*category, epoch).key_pair();
                    return run_capsule::<SlotShare>(capsule, &key, key.public_key(), &binding, secret);
                }
                let key = seed.identity_key(epoch);
                match holds.as_str() {
                    "owner" => run_capsule::<DataKey>(capsule, &key, key.public_key(), &binding, secret),
                    "reader_share" => run_capsule::<ReaderShare>(capsule, &key, key.public_key(), &binding, secret),
                    "release_share" => run_capsule::<ReleaseShare>(capsule, &key, key.public_key(), &binding, secret),
                    "note_key" => run_capsule::<NoteKey>(capsule, &key, key.public_key(), &binding, secret),
                    other => panic!("unknown capsule kind {other}"),
                }
            }
            Self::Padding { lengths } => {
                for (len, padded) in lengths {
                    assert_eq!(padded_len(number(len)), number(padded));
                }
                "ok"
            }
            Self::ContentHash { content, hash } => {
                let mut hasher = ContentHasher::new();
                content.feed(|piece| hasher.update(piece));
                assert_eq!(hasher.finish(), *hash);
                "ok"
            }
            Self::Cid { content, cid } => {
                let mut builder = CidBuilder::new();
                content.feed(|piece| builder.update(piece));
                assert_eq!(builder.finish(), *cid);
                "ok"
            }
            Self::Envelope(envelope) => match envelope.open() {
                Ok(opened) => {
                    assert_eq!(Some(&opened), envelope.opened.as_ref());
                    "ok"
                }
                Err(error) => error.class(),
            },
            Self::Authorship {
                chain_id,
                registry,
                record,
                version,
                author,
                content_hash,
                created,
                signing_hash,
                signature,
            } => {
                let context = EnvelopeContext { chain_id: number(chain_id), registry: *registry };
                let created = number(created);
                let hash = authorship::signing_hash(&context, *record, *version, *author, *content_hash, created);
                assert_eq!(hash, *signing_hash);
                let metadata = Metadata {
                    content_len: 0,
                    media_type: "a/b".into(),
                    file_name: "x".into(),
                    content_hash: *content_hash,
                    created,
                    fhir_type: None,
                    codes: Vec::new(),
                    signed_by: Some(SignedBy { author: *author, signature: signature.clone() }),
                };
                match authorship::verify(&context, *record, *version, &metadata) {
                    AuthorshipProof::Signed(signer) if signer == *author => "ok",
                    _ => "no match",
                }
            }
            Self::Keyring { chain_id, owner, keyring, unlock, seed } => {
                let json = serde_json::to_vec(keyring).unwrap();
                let opened = Keyring::from_json(&json, number(chain_id), *owner).and_then(|keyring| match unlock {
                    Unlock::Passphrase(passphrase) => keyring.open_with_passphrase(passphrase),
                    Unlock::Signature(signature) => {
                        let message = keyring.wallet_messages().next().expect("a wallet entry").clone();
                        keyring.open_with_wallet(&message, signature)
                    }
                });
                match opened {
                    Ok(opened) => {
                        assert_eq!(*opened.expose(), seed.0);
                        "ok"
                    }
                    Err(KeyringError::Malformed | KeyringError::OtherOwner) => "header",
                    Err(KeyringError::Tag) => "tag",
                    Err(_) => "no match",
                }
            }
            Self::Recovery { words, seed } => match Seed::from_words(words) {
                Ok(opened) => {
                    assert_eq!(*opened.expose(), seed.0);
                    "ok"
                }
                Err(RecoveryError::Count) => "length",
                Err(_) => "no match",
            },
            Self::Note { patient_seed, patient_key_epoch, binding, author, note, text } => {
                let key = Seed::from_bytes(patient_seed.0).identity_key(*patient_key_epoch);
                match note::open(&STANDARD.decode(note).unwrap(), *author, &key, &binding.into()) {
                    Ok(opened) => {
                        assert_eq!(*opened, *text);
                        "ok"
                    }
                    Err(NoteError::Tag) => "tag",
                    Err(NoteError::NoMatch) => "no match",
                    Err(_) => "header",
                }
            }
            Self::AddressBook { seed, owner, sealed, names } => {
                match AddressBook::open(&STANDARD.decode(sealed).unwrap(), &Seed::from_bytes(seed.0), *owner) {
                    Ok(book) => {
                        let found: Vec<_> = book.iter().map(|(address, name)| (address, name.to_owned())).collect();
                        assert_eq!(&found, names);
                        "ok"
                    }
                    Err(AddressBookError::Tag) => "tag",
                    Err(_) => "header",
                }
            }
            Self::Bundle { record, capsules, hash } => {
                let parsed: Result<Vec<_>, _> = capsules
                    .iter()
                    .map(|(version, capsule)| Capsule::from_bytes(capsule).map(|capsule| (*version, capsule)))
                    .collect();
                match parsed.ok().and_then(|capsules| Bundle::new(*record, capsules).ok()) {
                    Some(bundle) if bundle.hash() == *hash => "ok",
                    Some(_) => "commitment",
                    None => "header",
                }
            }
            Self::Log { leaves, leaf_hashes, roots, heads } => {
                let hashes: Vec<LeafHash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
                assert_eq!(&hashes, leaf_hashes);
                let mut head = Head::EMPTY;
                for size in 1..=hashes.len() {
                    assert_eq!(root(&hashes[..size]), roots[size - 1]);
                    head = head.next(size as u64, roots[size - 1]);
                    assert_eq!(head.hash(), heads[size - 1]);
                }
                "ok"
            }
            Self::Action(action) => action.run(),
            Self::Statement(statement) => statement.run(),
            Self::Read(read) => read.run(),
            Self::Login(login) => login.run(),
            Self::Kit(kit) => kit.run(),
            Self::OperatorKeys(keys) => keys.run(),
        }
    }
}

fn run_capsule<S: Sealable>(
    capsule: &[u8],
    key: &S::PrivateKey,
    public_key: &S::PublicKey,
    binding: &Binding,
    secret: &B256,
) -> &'static str {
    match Capsule::from_bytes(capsule).and_then(|capsule| capsule.open::<S>(key, binding)) {
        Ok(opened) => {
            assert_eq!(*opened.expose(), secret.0);
            let again = Capsule::seal(&opened, public_key, binding);
            assert_eq!(again.as_bytes(), capsule);
            "ok"
        }
        Err(CapsuleError::NoMatch) => "no match",
        Err(CapsuleError::Commitment) => "commitment",
        Err(_) => "header",
    }
}

impl EnvelopeScenario {
    fn open(&self) -> Result<Opened, OpenError> {
        let file = STANDARD.decode(&self.file).unwrap();
        let context = EnvelopeContext { chain_id: number(&self.chain_id), registry: self.registry };
        let header = Header::parse(&file)?;
        header.expect(self.record, self.version)?;
        let dek = match &self.opener {
            EnvelopeOpener::Owner { seed } => {
                let key = Seed::from_bytes(seed.0).identity_key(header.key_epoch);
                header.open_owner_capsule(&context, self.patient, &key)?
            }
            EnvelopeOpener::Reader { reader_share, release_share } => {
                DataKey::join(&ReaderShare::from_bytes(reader_share.0), &ReleaseShare::from_bytes(release_share.0))
            }
        };
        let mut opener = Opener::new(&header, &context, &dek);
        let mut content = Vec::new();
        opener.update(&file[HEADER_LEN..], &mut content)?;
        let metadata = opener.finish()?;
        if let EnvelopeOpener::Reader { release_share, .. } = &self.opener {
            let released = ReleaseShare::from_bytes(release_share.0);
            header.check_commitment(&context, self.patient, &self.patient_public_key, &dek, &released)?;
        }
        Ok(Opened::new(&metadata, &content))
    }
}
