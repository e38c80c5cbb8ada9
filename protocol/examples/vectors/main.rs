//! Writes `protocol/vectors/*.json` and the worked example of `SPEC.md`.
//!
//! `cargo run --example vectors` writes them; `… -- --check` compares them and fails when one is stale. All output is
//! deterministic: the reference FLOE beside this file encrypts envelopes with fixed IVs.

mod envelopes;
mod fixed_rng;
mod key_epochs;
mod operator_keys;
mod reference_floe;
mod reference_hpke;
mod rules;
mod scenario;

use std::{collections::BTreeMap, fs, path::Path, process::ExitCode};

use alloy::primitives::{Address, B256, Bytes, Signature, U256, address, eip191_hash_message, keccak256};
use fixed_rng::FixedRng;
use protocol::{
    address_book::AddressBook,
    authorship,
    bundle::Bundle,
    capsule::{Binding, Capsule, CapsuleKind},
    cid::CidBuilder,
    codes::{Category, Right},
    envelope::{ContentHasher, EnvelopeContext, padded_len},
    ids::RecordId,
    keyring::{Keyring, WalletMessage},
    log::{Head, leaf_hash, root},
    note,
    secret::{DataKey, NoteKey, Seed, SlotShare},
};
use scenario::{Content, Scenario, Unlock, Vector, base64};

pub(crate) const CONTEXT: EnvelopeContext =
    EnvelopeContext { chain_id: 31_337, registry: address!("5fbdb2315678afecb367f032d93f642f64180aa3") };
pub(crate) const GRANT_REGISTRY: Address = address!("e7f1725e7734ce288f8367e1bb143e90bb3f0512");
const OPERATOR: Address = address!("a0ee7a142d267c1f36714e4a8f75612f20a79720");
const GRANTEE: Address = address!("3c44cdddb6a900fa2b585dd299e03d12fa4293bc");
pub(crate) const RECORD: RecordId = RecordId(B256::repeat_byte(0x52));
/// The patient's wallet: a private key that is public knowledge.
const WALLET: [u8; 32] = [0x57; 32];

pub(crate) struct Vectors(BTreeMap<String, Vector>);

impl Vectors {
    pub(crate) fn add(&mut self, name: &str, expect: &str, description: &str, scenario: Scenario) {
        let vector = Vector { description: description.to_owned(), expect: expect.to_owned(), scenario };
        assert_eq!(vector.scenario.run(), expect, "{name}: {description}");
        assert!(self.0.insert(format!("{name}.json"), vector).is_none(), "{name} comes twice");
    }
}

pub(crate) fn seed(name: u8) -> Seed {
    Seed::from_bytes([name; 32])
}

pub(crate) fn patient() -> Address {
    let key = k256::ecdsa::SigningKey::from_slice(&WALLET).expect("a scalar");
    let point = key.verifying_key().to_sec1_point(false);
    Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..])
}

/// Signs with the patient's wallet. Returns 65 bytes r ‖ s ‖ v.
pub(crate) fn wallet_signs(hash: B256) -> Bytes {
    let key = k256::ecdsa::SigningKey::from_slice(&WALLET).expect("a scalar");
    let (signature, recovery) = key.sign_prehash_recoverable(hash.as_slice());
    let bytes = signature.to_bytes();
    let (r, s) = (U256::from_be_slice(&bytes[..32]), U256::from_be_slice(&bytes[32..]));
    Signature::new(r, s, recovery.is_y_odd()).normalized_s().as_bytes().to_vec().into()
}

fn main() -> ExitCode {
    let mut vectors = Vectors(BTreeMap::new());
    keys(&mut vectors);
    key_epochs::add(&mut vectors);
    capsules(&mut vectors);
    slot_capsules(&mut vectors);
    lengths_and_hashes(&mut vectors);
    envelopes::add(&mut vectors);
    signatures(&mut vectors);
    keyrings(&mut vectors);
    letters(&mut vectors);
    logs(&mut vectors);
    operator_keys::add(&mut vectors);
    rules::add(&mut vectors);

    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: BTreeMap<std::path::PathBuf, String> = vectors
        .0
        .iter()
        .map(|(name, vector)| {
            let text = serde_json::to_string_pretty(vector).expect("texts and numbers") + "\n";
            (folder.join("vectors").join(name), text)
        })
        .collect();
    let spec = folder.join("SPEC.md");
    let old = fs::read_to_string(&spec).expect("SPEC.md lies beside Cargo.toml");
    files.insert(spec, with_example(&old));

    if std::env::args().any(|argument| argument == "--check") { check(folder, &files) } else { write(folder, &files) }
}

/// Returns the files in the folder that this program writes. TypeScript writes those that begin with `web-`
/// (`client/web/tests/protocol/web-vectors.ts`), so that each language opens what the other has sealed.
fn present(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder.join("vectors")).expect("the folder of vectors exists");
    let names = entries.map(|entry| entry.expect("a readable folder").file_name());
    names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.ends_with(".json") && !name.starts_with("web-"))
        .map(|name| folder.join("vectors").join(name))
        .collect()
}

#[expect(clippy::print_stdout, reason = "a command talks to its caller")]
fn write(folder: &Path, files: &BTreeMap<std::path::PathBuf, String>) -> ExitCode {
    for path in present(folder).iter().filter(|path| !files.contains_key(*path)) {
        fs::remove_file(path).expect("a stale vector can be removed");
    }
    for (path, text) in files {
        fs::write(path, text).expect("the folder can be written");
    }
    println!("{} vectors written", files.len() - 1);
    ExitCode::SUCCESS
}

#[expect(clippy::print_stdout, reason = "a command talks to its caller")]
fn check(folder: &Path, files: &BTreeMap<std::path::PathBuf, String>) -> ExitCode {
    let mut stale: Vec<_> = files
        .iter()
        .filter(|(path, text)| !fs::read_to_string(path).is_ok_and(|old| is_same(path, &old, text)))
        .map(|(path, _)| path.clone())
        .collect();
    stale.extend(present(folder).into_iter().filter(|path| !files.contains_key(path)));
    for path in &stale {
        println!("stale: {}", path.display());
    }
    if stale.is_empty() {
        println!("{} vectors are fresh", files.len() - 1);
        return ExitCode::SUCCESS;
    }
    println!("run: cargo run --example vectors");
    ExitCode::FAILURE
}

/// Returns whether a file has the expected content. The order of the fields of a JSON object is ignored: it depends on
/// a feature of `serde_json` that other crates in the same build may enable.
fn is_same(path: &Path, old: &str, new: &str) -> bool {
    if path.extension().is_none_or(|extension| extension != "json") {
        return old == new;
    }
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    value(old).is_some() && value(old) == value(new)
}

fn keys(vectors: &mut Vectors) {
    for (name, epoch) in [(0x01, 1), (0x01, 2), (0xff, u32::MAX)] {
        let key = seed(name).identity_key(epoch);
        vectors.add(
            &format!("identity-{name:02x}-{epoch}"),
            "ok",
            "identity key of an epoch, from the seed",
            Scenario::Identity {
                seed: [name; 32].into(),
                epoch,
                public_key: key.public_key().clone(),
                key_hash: key.public_key().hash(),
            },
        );
    }
    for right in [Right::Read, Right::Write] {
        let (tag, salt) = seed(1).tag(CONTEXT.chain_id, GRANT_REGISTRY, GRANTEE, right);
        vectors.add(
            &format!("tag-{right}"),
            "ok",
            "salt and tag of a grantee for one right",
            Scenario::Tag {
                seed: [1; 32].into(),
                chain_id: CONTEXT.chain_id.to_string(),
                grant_registry: GRANT_REGISTRY,
                grantee: GRANTEE,
                right,
                salt,
                tag,
            },
        );
    }
    let of = CONTEXT.record_version(RECORD, 3);
    let dek = DataKey::from_bytes([0xd1; 32]);
    vectors.add(
        "split",
        "ok",
        "the two halves of a data key",
        Scenario::Split {
            data_key: [0xd1; 32].into(),
            chain_id: CONTEXT.chain_id.to_string(),
            registry: CONTEXT.registry,
            record: RECORD,
            version: 3,
            release_share: dek.release_share(&of).expose().into(),
            reader_share: dek.reader_share(&of).expose().into(),
        },
    );
    let words = seed(0x7a).to_words();
    vectors.add(
        "recovery-words",
        "ok",
        "the 24 words of a seed",
        Scenario::Recovery { words: words.to_string(), seed: [0x7a; 32].into() },
    );
    let swapped: Vec<&str> = words.split(' ').rev().collect();
    vectors.add(
        "recovery-swapped",
        "no match",
        "the words in another order: the checksum does not hold",
        Scenario::Recovery { words: swapped.join(" "), seed: [0x7a; 32].into() },
    );
    vectors.add(
        "recovery-too-few",
        "length",
        "23 words",
        Scenario::Recovery { words: words.rsplit_once(' ').expect("24 words").0.to_owned(), seed: [0x7a; 32].into() },
    );
}

fn capsules(vectors: &mut Vectors) {
    let of = CONTEXT.record_version(RECORD, 1);
    let (recipient_seed, recipient_epoch) = (0x22, 5);
    let key = seed(recipient_seed).identity_key(recipient_epoch);
    let dek = DataKey::from_bytes([0xd2; 32]);
    let share = dek.reader_share(&of);
    let share_binding = Binding::reader_share(&of, patient(), GRANTEE, recipient_epoch, 7);
    let mut add = |name: &str,
                   expect: &str,
                   description: &str,
                   holds: &str,
                   secret: &[u8; 32],
                   binding: &Binding,
                   capsule: &[u8]| {
        vectors.add(
            &format!("capsule-{name}"),
            expect,
            description,
            Scenario::Capsule {
                holds: holds.to_owned(),
                secret: secret.into(),
                recipient_seed: [recipient_seed; 32].into(),
                recipient_epoch,
                category: None,
                binding: binding.into(),
                capsule: capsule.to_vec().into(),
            },
        );
    };

    let owner = Binding::owner(&of, patient(), recipient_epoch);
    add(
        "owner",
        "ok",
        "a data key, sealed to the patient",
        "owner",
        dek.expose(),
        &owner,
        Capsule::seal(&dek, key.public_key(), &owner).as_bytes(),
    );
    let release = dek.release_share(&of);
    let release_binding = Binding::release_share(&of, patient(), OPERATOR, recipient_epoch);
    let sealed = Capsule::seal(&release, key.public_key(), &release_binding);
    add(
        "release-share",
        "ok",
        "B, sealed to the operator",
        "release_share",
        release.expose(),
        &release_binding,
        sealed.as_bytes(),
    );
    let note_key = NoteKey::from_bytes([0xd3; 32]);
    let note_binding = Binding::note(CONTEXT.chain_id, GRANT_REGISTRY, patient(), recipient_epoch);
    let sealed = Capsule::seal(&note_key, key.public_key(), &note_binding);
    add(
        "note-key",
        "ok",
        "a note's key, sealed to the patient",
        "note_key",
        note_key.expose(),
        &note_binding,
        sealed.as_bytes(),
    );

    let good = Capsule::seal(&share, key.public_key(), &share_binding);
    let mut add = |name: &str, expect: &str, description: &str, binding: &Binding, capsule: &[u8]| {
        add(name, expect, description, "reader_share", share.expose(), binding, capsule);
    };
    add("reader-share", "ok", "S, sealed to a grantee", &share_binding, good.as_bytes());
    let others = [
        ("chain", "another chain", Binding { chain_id: 1, ..share_binding }),
        ("contract", "another contract", Binding { contract: GRANT_REGISTRY, ..share_binding }),
        ("patient", "another patient", Binding { patient: GRANTEE, ..share_binding }),
        ("recipient", "another recipient", Binding { recipient: patient(), ..share_binding }),
        ("key-epoch", "another key epoch", Binding { key_epoch: 6, ..share_binding }),
        ("scope", "another record", Binding { scope_id: B256::ZERO, ..share_binding }),
        ("version", "another version", Binding { version: 2, ..share_binding }),
        ("grant-epoch", "another grant epoch", Binding { grant_epoch: 8, ..share_binding }),
    ];
    for (name, description, binding) in others {
        add(&format!("other-{name}"), "no match", &format!("opened for {description}"), &binding, good.as_bytes());
    }
    let stranger = Capsule::seal(&share, seed(0x23).identity_key(1).public_key(), &share_binding);
    add("other-key", "no match", "sealed to another key", &share_binding, stranger.as_bytes());
    let random = reference_hpke::seal(
        share.expose(),
        key.public_key(),
        &share_binding,
        CapsuleKind::ReaderShare,
        &[0x99; 64],
        None,
    );
    add("not-deterministic", "commitment", "sealed with other randomness", &share_binding, &random);

    let changed = |at: usize, to: u8| {
        let mut bytes = good.as_bytes().to_vec();
        bytes[at] = to;
        bytes
    };
    add("version-2", "header", "unknown version", &share_binding, &changed(0, 2));
    add("other-kem", "header", "another KEM", &share_binding, &changed(2, 0x10));
    add("unknown-kind", "header", "unknown kind", &share_binding, &changed(3, 8));
    add("other-kind", "header", "a known kind, but not the one asked for", &share_binding, &changed(3, 4));
    let flipped = |at: usize| changed(at, good.as_bytes()[at] ^ 1);
    add("flipped-mlkem", "no match", "a bit of the ML-KEM ciphertext flipped", &share_binding, &flipped(4));
    add("flipped-x25519", "no match", "a bit of the X25519 key flipped", &share_binding, &flipped(1_092));
    let low_order = reference_hpke::seal(
        share.expose(),
        key.public_key(),
        &share_binding,
        CapsuleKind::ReaderShare,
        &[0x99; 64],
        Some([0; 32]),
    );
    add("low-order", "no match", "sealed with an X25519 key of low order", &share_binding, &low_order);
    add("flipped-ciphertext", "no match", "a bit of the ciphertext flipped", &share_binding, &flipped(1_124));
    add("flipped-tag", "no match", "a bit of the tag flipped", &share_binding, &flipped(1_171));
    add("short", "header", "1,171 bytes", &share_binding, &good.as_bytes()[..1_171]);
    add("long", "header", "1,173 bytes", &share_binding, &[good.as_bytes(), &[0]].concat());
    add("header-alone", "header", "4 bytes", &share_binding, &good.as_bytes()[..4]);
    add("empty", "header", "no bytes", &share_binding, &[]);

    let signed = Bytes::from(good.as_bytes().to_vec());
    let bundle = Bundle::new(RECORD, vec![(1, good)]).expect("one reader share");
    let entry = |version: u16| (version, signed.clone());
    let mut add = |name: &str, expect: &str, description: &str, capsules: Vec<(u16, Bytes)>, hash: B256| {
        vectors.add(name, expect, description, Scenario::Bundle { record: RECORD, capsules, hash });
    };
    add("bundle", "ok", "the bundle of a grant over a record", vec![entry(1)], bundle.hash());
    add("bundle-other-hash", "commitment", "not the capsules that were signed", vec![entry(2)], bundle.hash());
    add("bundle-descending", "header", "versions not ascending", vec![entry(2), entry(1)], bundle.hash());
}

/// Capsules to category keys, with the KEM DHKEM(secp256k1).
fn slot_capsules(vectors: &mut Vectors) {
    let of = CONTEXT.record_version(RECORD, 1);
    let (patient_seed, category, epoch) = (0x61, Category::Imaging, 3);
    let key = seed(patient_seed).category_secret(category, epoch).key_pair();
    let share = SlotShare::from_bytes(*DataKey::from_bytes([0xd2; 32]).reader_share(&of).expose());
    let binding = Binding { key_epoch: epoch, ..Binding::owner(&of, patient(), epoch) };
    let good = Capsule::seal(&share, key.public_key(), &binding);
    let mut add = |name: &str, expect: &str, description: &str, epoch: u32, capsule: &[u8]| {
        vectors.add(
            &format!("capsule-slot{name}"),
            expect,
            description,
            Scenario::Capsule {
                holds: "slot".to_owned(),
                secret: share.expose().into(),
                recipient_seed: [patient_seed; 32].into(),
                recipient_epoch: epoch,
                category: Some(category),
                binding: (&binding).into(),
                capsule: capsule.to_vec().into(),
            },
        );
    };
    let changed = |at: usize, to: u8| {
        let mut bytes = good.as_bytes().to_vec();
        bytes[at] = to;
        bytes
    };
    add("", "ok", "S, sealed to a category key", epoch, good.as_bytes());
    add("-other-key", "no match", "the category key of another epoch", epoch + 1, good.as_bytes());
    add(
        "-other-kem",
        "header",
        "the KEM of the other kinds",
        epoch,
        &[&[1, 0x64, 0x7a, 7], &good.as_bytes()[4..]].concat(),
    );
    add("-other-kind", "header", "an owner capsule under this KEM", epoch, &changed(3, 1));
    add(
        "-off-curve",
        "header",
        "the encapsulated key is not on the curve",
        epoch,
        &changed(68, good.as_bytes()[68] ^ 1),
    );
    add("-compressed", "header", "the encapsulated key has another form", epoch, &changed(4, 2));
    add("-short", "header", "116 bytes", epoch, &good.as_bytes()[..116]);
    add("-flipped-tag", "no match", "a bit of the tag flipped", epoch, &changed(116, good.as_bytes()[116] ^ 1));
}

fn lengths_and_hashes(vectors: &mut Vectors) {
    let around = |len: u64| [len - 1, len, len + 1];
    let lengths: Vec<u64> =
        [4_096, 4_352, 65_504, 65_536, 1 << 20, 1 << 30, 1 << 40].into_iter().flat_map(around).collect();
    vectors.add(
        "padding",
        "ok",
        "lengths before and after padding",
        Scenario::Padding {
            lengths: lengths.into_iter().map(|len| (len.to_string(), padded_len(len).to_string())).collect(),
        },
    );
    for length in [0, 1, 4_096, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20] {
        let content = Content::new("xor", length);
        let (mut hasher, mut builder) = (ContentHasher::new(), CidBuilder::new());
        content.feed(|piece| {
            hasher.update(piece);
            builder.update(piece);
        });
        vectors.add(
            &format!("content-hash-{length}"),
            "ok",
            "content hash",
            Scenario::ContentHash { content: content.clone(), hash: hasher.finish() },
        );
        vectors.add(
            &format!("cid-{length}"),
            "ok",
            "root of the UnixFS tree; Kubo gives the same (tests/cid.rs)",
            Scenario::Cid { content, cid: builder.finish() },
        );
    }
    let content = Content::new("zero", (1_025 << 20) + 7);
    let mut builder = CidBuilder::new();
    content.feed(|piece| builder.update(piece));
    vectors.add(
        "cid-two-levels",
        "ok",
        "more than 1,024 leaves; takes a while",
        Scenario::Cid { content, cid: builder.finish() },
    );
}

fn signatures(vectors: &mut Vectors) {
    let content_hash = B256::repeat_byte(0xc0);
    let created = 1_795_000_000;
    let hash = authorship::signing_hash(&CONTEXT, RECORD, 1, patient(), content_hash, created);
    let good = wallet_signs(hash);
    let mut add = |name: &str, expect: &str, description: &str, author: Address, signature: Bytes| {
        vectors.add(
            &format!("authorship{name}"),
            expect,
            description,
            Scenario::Authorship {
                chain_id: CONTEXT.chain_id.to_string(),
                registry: CONTEXT.registry,
                record: RECORD,
                version: 1,
                author,
                content_hash,
                created: created.to_string(),
                signing_hash: authorship::signing_hash(&CONTEXT, RECORD, 1, author, content_hash, created),
                signature,
            },
        );
    };
    add("", "ok", "an author's signature", patient(), good.clone());
    add("-somebody-else", "no match", "the signature of another message", GRANTEE, good.clone());
    let mut high = good.to_vec();
    let order =
        U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16).expect("hex");
    let s = order - U256::from_be_slice(&good[32..64]);
    high[32..64].copy_from_slice(&s.to_be_bytes::<32>());
    high[64] = 55 - high[64];
    add("-high-s", "no match", "high s", patient(), high.into());
    let mut parity = good.to_vec();
    parity[64] -= 27;
    add("-v-0", "no match", "v is 0 or 1", patient(), parity.into());
    add("-short", "no match", "64 bytes", patient(), good.slice(..64));
}

fn keyrings(vectors: &mut Vectors) {
    let mut rng = FixedRng::new("keyring");
    let secret = seed(0x5e);
    let passphrase = "correct horse \u{fb01}sh battery";
    let message = WalletMessage::new(
        patient(),
        CONTEXT.chain_id,
        "localhost:5173",
        "http://localhost:5173",
        "2026-11-21T03:00:00Z",
        &mut rng,
    )
    .expect("a well-formed message");
    let signature = wallet_signs(eip191_hash_message(message.to_string()));
    let mut keyring = Keyring::new(CONTEXT.chain_id, patient());
    keyring.add_wallet(&secret, message, &signature, &signature, &mut rng).expect("a stable signature");
    keyring.add_passphrase(&secret, passphrase, &mut rng).expect("memory for Argon2id");
    let json: serde_json::Value = serde_json::from_slice(&keyring.to_json()).expect("JSON");

    let mut add = |name: &str, expect: &str, description: &str, keyring: &serde_json::Value, unlock: Unlock| {
        vectors.add(
            &format!("keyring-{name}"),
            expect,
            description,
            Scenario::Keyring {
                chain_id: CONTEXT.chain_id.to_string(),
                owner: patient(),
                keyring: keyring.clone(),
                unlock,
                seed: secret.expose().into(),
            },
        );
    };
    let by_signature = || Unlock::Signature(signature.clone());
    let by_passphrase = || Unlock::Passphrase(passphrase.to_owned());
    add("wallet", "ok", "opened by the wallet's signature", &json, by_signature());
    let mut other_v = signature.to_vec();
    other_v[64] = 0;
    add("wallet-other-v", "ok", "v does not count", &json, Unlock::Signature(other_v.into()));
    add("passphrase", "ok", "opened by the passphrase", &json, by_passphrase());
    add(
        "passphrase-nfkc",
        "ok",
        "the same passphrase, typed without the ligature",
        &json,
        Unlock::Passphrase("correct horse fish battery".into()),
    );
    add(
        "wrong-passphrase",
        "no match",
        "another passphrase",
        &json,
        Unlock::Passphrase("correct horse fish batterz".into()),
    );
    add(
        "wrong-signature",
        "no match",
        "a signature of another message",
        &json,
        Unlock::Signature(wallet_signs(B256::ZERO)),
    );

    let mut edit =
        |name: &str, expect: &str, description: &str, change: &dyn Fn(&mut serde_json::Value), unlock: Unlock| {
            let mut json = json.clone();
            change(&mut json);
            add(name, expect, description, &json, unlock);
        };
    let flip = |value: &mut serde_json::Value| {
        let mut text = value.as_str().expect("text").to_owned();
        let last = if text.ends_with('0') { "1" } else { "0" };
        text.replace_range(text.len() - 1.., last);
        *value = text.into();
    };
    edit(
        "other-ciphertext",
        "tag",
        "a bit of the wrapped seed flipped",
        &|json| flip(&mut json["entries"][0]["ciphertext"]),
        by_signature(),
    );
    edit(
        "other-commitment",
        "no match",
        "a bit of the commitment flipped",
        &|json| flip(&mut json["entries"][0]["commitment"]),
        by_signature(),
    );
    edit(
        "other-salt",
        "no match",
        "a bit of the salt flipped",
        &|json| flip(&mut json["entries"][1]["unlocker"]["salt"]),
        by_passphrase(),
    );
    edit(
        "too-much-memory",
        "header",
        "Argon2id would take 4 GiB",
        &|json| json["entries"][1]["unlocker"]["memory_kib"] = (4_u32 << 20).into(),
        by_passphrase(),
    );
    edit(
        "too-many-passes",
        "header",
        "Argon2id would take an hour",
        &|json| json["entries"][1]["unlocker"]["iterations"] = 10_000.into(),
        by_passphrase(),
    );
    edit(
        "unknown-field",
        "header",
        "a field that is not in the form",
        &|json| json["note"] = "x".into(),
        by_signature(),
    );
    edit(
        "unknown-unlocker",
        "header",
        "an unlocker that is not in the form",
        &|json| json["entries"][0]["unlocker"]["kind"] = "passkey".into(),
        by_passphrase(),
    );
    edit("other-version", "header", "version 2", &|json| json["version"] = 2.into(), by_signature());
    edit(
        "other-owner",
        "header",
        "somebody else's keyring",
        &|json| json["owner"] = GRANTEE.to_string().to_lowercase().into(),
        by_signature(),
    );
    edit(
        "hostile-message",
        "header",
        "a message that is no unlock message",
        &|json| {
            let text = json["entries"][0]["unlocker"]["message"]
                .as_str()
                .expect("text")
                .replace("Unlock your medlock", "Sign in to your");
            json["entries"][0]["unlocker"]["message"] = text.into();
        },
        by_signature(),
    );
}

fn letters(vectors: &mut Vectors) {
    let mut rng = FixedRng::new("letters");
    let (patient_seed, patient_key_epoch) = (0x31, 1);
    let key = seed(patient_seed).identity_key(patient_key_epoch);
    let binding = Binding::note(CONTEXT.chain_id, GRANT_REGISTRY, patient(), patient_key_epoch);
    let text = "Follow-up after your visit; I would like to see the blood count of October.";
    let sealed = note::seal(text, GRANTEE, key.public_key(), &binding, &mut rng).expect("a short note");
    let mut add = |name: &str, expect: &str, description: &str, author: Address, binding: &Binding, note: &[u8]| {
        vectors.add(
            &format!("note{name}"),
            expect,
            description,
            Scenario::Note {
                patient_seed: [patient_seed; 32].into(),
                patient_key_epoch,
                binding: binding.into(),
                author,
                note: base64(note),
                text: text.to_owned(),
            },
        );
    };
    add("", "ok", "a note to a patient", GRANTEE, &binding, &sealed);
    add("-other-author", "tag", "sent by somebody who did not write it", OPERATOR, &binding, &sealed);
    add("-other-chain", "no match", "for another chain", GRANTEE, &Binding { chain_id: 1, ..binding }, &sealed);
    add("-short", "header", "a byte is missing", GRANTEE, &binding, &sealed[1..]);

    let mut book = AddressBook::default();
    book.set(GRANTEE, "Dr. Ada").expect("a name");
    book.set(OPERATOR, "Clinic, second floor").expect("a name");
    let sealed = book.seal(&seed(0x41), patient(), &mut rng).expect("a short book");
    let names: Vec<_> = book.iter().map(|(address, name)| (address, name.to_owned())).collect();
    for (name, expect, description, owner) in [
        ("address-book", "ok", "an address book", patient()),
        ("address-book-other-owner", "tag", "somebody else's", GRANTEE),
    ] {
        let scenario =
            Scenario::AddressBook { seed: [0x41; 32].into(), owner, sealed: base64(&sealed), names: names.clone() };
        vectors.add(name, expect, description, scenario);
    }
}

fn logs(vectors: &mut Vectors) {
    // The leaves from the tests of the reference implementation (certificate-transparency).
    let leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let leaves: Vec<Bytes> = leaves.iter().map(|leaf| hex::decode(leaf).expect("hex").into()).collect();
    let leaf_hashes: Vec<_> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    let roots: Vec<B256> = (1..=leaves.len()).map(|size| root(&leaf_hashes[..size])).collect();
    let mut head = Head::EMPTY;
    let heads = roots
        .iter()
        .zip(1..)
        .map(|(root, size)| {
            head = head.next(size, *root);
            head.hash()
        })
        .collect();
    vectors.add("log", "ok", "leaf hashes, roots and heads", Scenario::Log { leaves, leaf_hashes, roots, heads });
}

/// Returns the text of `SPEC.md` with a new worked example.
fn with_example(spec: &str) -> String {
    const BEGIN: &str = "<!-- example -->\n";
    const END: &str = "<!-- /example -->";
    let (before, rest) = spec.split_once(BEGIN).expect("SPEC.md marks the worked example");
    let (_, after) = rest.split_once(END).expect("SPEC.md marks the end of the worked example");

    let seed = seed(1);
    let key = seed.identity_key(1);
    let dek = DataKey::from_bytes([0xd1; 32]);
    let of = CONTEXT.record_version(RECORD, 1);
    let binding = Binding::owner(&of, patient(), 1);
    let (tag, salt) = seed.tag(CONTEXT.chain_id, GRANT_REGISTRY, GRANTEE, Right::Read);
    let rows = [
        ("chain id", CONTEXT.chain_id.to_string()),
        ("RecordRegistry", CONTEXT.registry.to_string()),
        ("GrantRegistry", GRANT_REGISTRY.to_string()),
        ("patient", patient().to_string()),
        ("grantee", GRANTEE.to_string()),
        ("record", RECORD.to_string()),
        ("version", "1".to_owned()),
        ("seed", hex::encode(seed.expose())),
        ("identity key of epoch 1", hex::encode(key.public_key().as_bytes())),
        ("its hash", key.public_key().hash().to_string()),
        ("READ salt of the grantee", salt.to_string()),
        ("READ tag", tag.to_string()),
        ("DEK", hex::encode(dek.expose())),
        ("B", hex::encode(dek.release_share(&of).expose())),
        ("S", hex::encode(dek.reader_share(&of).expose())),
        ("binding of the owner capsule", hex::encode(binding.to_bytes())),
        ("owner capsule", hex::encode(Capsule::seal(&dek, key.public_key(), &binding).as_bytes())),
    ];
    let table: String = rows.iter().map(|(name, value)| format!("| {name} | `{value}` |\n")).collect();
    format!("{before}{BEGIN}\n| what | value |\n|---|---|\n{table}\n{END}{after}")
}
