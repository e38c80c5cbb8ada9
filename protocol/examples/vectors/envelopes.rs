//! Envelopes that open, and one for each error.

use alloy::primitives::B256;
use protocol::{
    authorship,
    envelope::{
        Coding, ContentHasher, EnvelopeContext, HEADER_LEN, Header, Metadata, SEGMENT_LEN, SignedBy, padded_len,
    },
    identity::PublicKey,
    secret::DataKey,
};

use crate::{
    CONTEXT, RECORD, Vectors, patient,
    reference_floe::{self, ReferenceFloe},
    scenario::{Content, EnvelopeOpener, EnvelopeScenario, Opened, Scenario, base64},
    seed, wallet_signs,
};

const PATIENT_SEED: u8 = 0x61;
const KEY_EPOCH: u32 = 2;
const DEK: [u8; 32] = [0xd4; 32];
const FLOE_AT: usize = HEADER_LEN;
const SEGMENTS_AT: usize = FLOE_AT + reference_floe::HEADER_LEN;

fn patient_key() -> PublicKey {
    seed(PATIENT_SEED).identity_key(KEY_EPOCH).public_key().clone()
}

fn dek() -> DataKey {
    DataKey::from_bytes(DEK)
}

fn metadata(content: &[u8]) -> Metadata {
    let mut hasher = ContentHasher::new();
    hasher.update(content);
    Metadata {
        content_len: content.len() as u64,
        media_type: "application/fhir+json".into(),
        file_name: "Blutbild – März.json".into(),
        content_hash: hasher.finish(),
        created: 1_795_000_000,
        fhir_type: Some("DiagnosticReport".into()),
        codes: vec![Coding { system: "http://loinc.org".into(), code: "58410-2".into() }],
        signed_by: None,
    }
}

fn signed(mut metadata: Metadata) -> Metadata {
    let hash = authorship::signing_hash(&CONTEXT, RECORD, 1, patient(), metadata.content_hash, metadata.created);
    metadata.signed_by = Some(SignedBy { author: patient(), signature: wallet_signs(hash) });
    metadata
}

fn padded(cbor: &[u8], content: &[u8]) -> Vec<u8> {
    let mut plaintext = [&u32::try_from(cbor.len()).expect("short").to_be_bytes(), cbor, content].concat();
    let len = usize::try_from(padded_len(plaintext.len() as u64)).expect("short");
    plaintext.resize(len, 0);
    plaintext
}

fn plaintext(metadata: &Metadata, content: &[u8]) -> Vec<u8> {
    padded(&metadata.to_cbor().expect("valid metadata"), content)
}

fn header() -> Header {
    Header::new(&CONTEXT, RECORD, 1, patient(), (&patient_key(), KEY_EPOCH), &dek())
}

fn associated_data(header: &[u8]) -> Vec<u8> {
    let chain_id = CONTEXT.chain_id.to_be_bytes();
    [b"medlock/v1/envelope\0".as_slice(), header, &chain_id, CONTEXT.registry.as_slice()].concat()
}

/// Encrypts any plaintext under any header.
fn seal(header: &[u8], plaintext: &[u8], segment_len: u32) -> Vec<u8> {
    let aad = associated_data(header);
    let sealed = ReferenceFloe::new(&DEK, [0xf1; 32], &aad, segment_len, 20).encrypt_all(plaintext);
    assert_eq!(ReferenceFloe::decrypt_all(&DEK, &aad, &sealed, 20).as_deref(), Some(plaintext));
    [header, &sealed].concat()
}

fn scenario(context: &EnvelopeContext, opener: EnvelopeOpener, file: &[u8], opened: Option<Opened>) -> Scenario {
    Scenario::Envelope(Box::new(EnvelopeScenario {
        chain_id: context.chain_id.to_string(),
        registry: context.registry,
        record: RECORD,
        version: 1,
        patient: patient(),
        patient_public_key: patient_key(),
        opener,
        file: base64(file),
        opened,
    }))
}

fn owner() -> EnvelopeOpener {
    EnvelopeOpener::Owner { seed: [PATIENT_SEED; 32].into() }
}

fn reader() -> EnvelopeOpener {
    let of = CONTEXT.record_version(RECORD, 1);
    EnvelopeOpener::Reader {
        reader_share: dek().reader_share(&of).expose().into(),
        release_share: dek().release_share(&of).expose().into(),
    }
}

pub(crate) fn add(vectors: &mut Vectors) {
    good(vectors);
    header_failures(vectors);
    payload_failures(vectors);
    commitment_failures(vectors);
}

fn good(vectors: &mut Vectors) {
    let mut add = |name: &str, description: &str, metadata: &Metadata, content: &[u8], opener: EnvelopeOpener| {
        let file = seal(&header().to_bytes(), &plaintext(metadata, content), SEGMENT_LEN as u32);
        let opened = Opened::new(metadata, content);
        vectors.add(&format!("envelope-{name}"), "ok", description, scenario(&CONTEXT, opener, &file, Some(opened)));
    };
    let small = Content::new("xor", 1_500).bytes();
    add("owner", "opened by the patient", &signed(metadata(&small)), &small, owner());
    add("reader", "opened by a reader who joins S and B", &signed(metadata(&small)), &small, reader());
    let plain = Metadata { fhir_type: None, codes: Vec::new(), media_type: "image/png".into(), ..metadata(&small) };
    add("plain", "metadata without optional fields", &plain, &small, owner());
    add("empty", "no content", &metadata(&[]), &[], owner());
    let two = Content::new("xor", 70_000).bytes();
    add("two-segments", "content over the border of a segment", &metadata(&two), &two, reader());
    let overhead = 4 + metadata(&two).to_cbor().expect("valid").len();
    let border = Content::new("xor", (SEGMENT_LEN - 32 - overhead) as u64).bytes();
    add("border", "content that ends with the first segment", &metadata(&border), &border, owner());
}

fn header_failures(vectors: &mut Vectors) {
    let content = Content::new("xor", 300).bytes();
    let metadata = metadata(&content);
    let text = plaintext(&metadata, &content);
    // The header is changed before encryption, so that it is the only fault.
    let mut add = |name: &str, description: &str, at: usize, to: u8| {
        let mut bytes = header().to_bytes();
        bytes[at] = to;
        let file = seal(&bytes, &text, SEGMENT_LEN as u32);
        vectors.add(&format!("envelope-{name}"), "header", description, scenario(&CONTEXT, owner(), &file, None));
    };
    add("magic", "the magic of the format of before", 3, b'1');
    add("suite", "an unknown suite", 4, 0x02);
    add("not-split", "the flag of the split key is missing", 5, 0x02);
    add("not-padded", "the flag of padding is missing", 5, 0x01);
    add("unknown-flag", "an unknown flag", 5, 0x07);
    add("version-0", "version 0", 7, 0);
    add("other-version", "another version than the one asked for", 7, 2);
    add("other-record", "another record than the one asked for", 8, 0);
    add("key-epoch-0", "key epoch 0", 43, 0);
    add("capsule-version", "owner capsule of an unknown version", 44, 2);
    add("capsule-kind", "a capsule of another kind in the place of the owner's", 47, 2);

    let good = header().to_bytes();
    let mut add = |name: &str, expect: &str, description: &str, file: &[u8]| {
        vectors.add(&format!("envelope-{name}"), expect, description, scenario(&CONTEXT, owner(), file, None));
    };
    let other_kem = [&good[..45], &[0x00, 0x16], &good[47..]].concat();
    let file = seal(&other_kem, &text, SEGMENT_LEN as u32);
    add("capsule-kem", "header", "an owner capsule with the KEM of category keys", &file);
    add("short-header", "header", "1,215 bytes", &good[..1_215]);
    add("segment-length", "header", "FLOE segments of 4 KiB", &seal(&good, &text, 4_096));
    let cbor = metadata.to_cbor().expect("valid metadata");
    let long_integer = [&cbor[..1], &[0x18, 0x01], &cbor[2..]].concat();
    add(
        "metadata-long-integer",
        "header",
        "an integer that is not as short as it can be",
        &seal(&good, &padded(&long_integer, &content), SEGMENT_LEN as u32),
    );
    let mut unknown_key = cbor.clone();
    unknown_key[0] += 1;
    unknown_key.extend_from_slice(&[0x0a, 0x00]);
    add(
        "metadata-unknown-key",
        "header",
        "a key that is not in the list",
        &seal(&good, &padded(&unknown_key, &content), SEGMENT_LEN as u32),
    );
    let trailing = [cbor.as_slice(), &[0x00]].concat();
    add(
        "metadata-trailing",
        "header",
        "something after the map",
        &seal(&good, &padded(&trailing, &content), SEGMENT_LEN as u32),
    );
    let path = String::from_utf8_lossy(b"Blutbild");
    let at = cbor.windows(path.len()).position(|window| window == path.as_bytes()).expect("the file name");
    let mut slash = cbor.clone();
    slash[at + 3] = b'/';
    add(
        "metadata-path",
        "header",
        "a file name with a slash",
        &seal(&good, &padded(&slash, &content), SEGMENT_LEN as u32),
    );
}

fn payload_failures(vectors: &mut Vectors) {
    let content = Content::new("xor", 70_000).bytes();
    let metadata = metadata(&content);
    let text = plaintext(&metadata, &content);
    let header = header().to_bytes();
    let file = seal(&header, &text, SEGMENT_LEN as u32);
    let sealed = |plaintext: &[u8]| seal(&header, plaintext, SEGMENT_LEN as u32);
    let flipped = |at: usize| {
        let mut file = file.clone();
        file[at] ^= 1;
        file
    };
    let mut add = |name: &str, expect: &str, description: &str, file: &[u8]| {
        vectors.add(&format!("envelope-{name}"), expect, description, scenario(&CONTEXT, reader(), file, None));
    };
    add("flipped-iv", "tag", "a bit of FLOE's IV flipped", &flipped(FLOE_AT + 10));
    add("flipped-header-tag", "tag", "a bit of FLOE's header tag flipped", &flipped(FLOE_AT + 73));
    add("flipped-segment", "tag", "a bit of the second segment flipped", &flipped(SEGMENTS_AT + SEGMENT_LEN + 100));
    add("flipped-tag", "tag", "a bit of the last tag flipped", &flipped(file.len() - 1));
    add("flipped-epoch", "tag", "a bit of the header's key epoch flipped", &flipped(42));
    add("flipped-prefix", "final", "a segment's prefix is no length", &flipped(SEGMENTS_AT + 3));
    add("truncated", "final", "the final segment is missing", &file[..SEGMENTS_AT + SEGMENT_LEN]);
    add("cut", "final", "the last byte is missing", &file[..file.len() - 1]);
    add("trailing", "final", "a byte after the end", &[file.as_slice(), &[0]].concat());
    add("only-header", "final", "nothing after the header", &file[..HEADER_LEN]);
    let swapped = {
        let three = Content::new("xor", 140_000).bytes();
        let metadata = self::metadata(&three);
        let mut file = sealed(&plaintext(&metadata, &three));
        let (first, second) = file[SEGMENTS_AT..SEGMENTS_AT + 2 * SEGMENT_LEN].split_at_mut(SEGMENT_LEN);
        first.swap_with_slice(second);
        file
    };
    add("swapped", "tag", "two segments swapped", &swapped);

    let small = &content[..300];
    let metadata = self::metadata(small);
    let text = plaintext(&metadata, small);
    add(
        "metadata-length",
        "length",
        "metadata longer than they may be",
        &sealed(&[&16_385_u32.to_be_bytes(), &text[4..]].concat()),
    );
    add(
        "content-length",
        "length",
        "less content than announced",
        &sealed(&plaintext(&Metadata { content_len: 5_000, ..metadata.clone() }, small)),
    );
    add("padding-not-zero", "padding", "the last byte is not zero", &sealed(&[&text[..text.len() - 1], &[1]].concat()));
    add("padding-short", "padding", "4,095 bytes", &sealed(&text[..4_095]));
    add("padding-long", "padding", "4,097 bytes", &sealed(&[text.as_slice(), &[0]].concat()));
    let chain = EnvelopeContext { chain_id: 1, ..CONTEXT };
    vectors.add(
        "envelope-other-chain",
        "tag",
        "a reader on another chain",
        scenario(&chain, reader(), &sealed(&text), None),
    );
    let registry = EnvelopeContext { registry: patient(), ..CONTEXT };
    vectors.add(
        "envelope-other-registry",
        "tag",
        "a reader of another registry",
        scenario(&registry, reader(), &sealed(&text), None),
    );
}

fn commitment_failures(vectors: &mut Vectors) {
    let content = Content::new("xor", 300).bytes();
    let metadata = metadata(&content);
    let text = plaintext(&metadata, &content);
    let mut add = |name: &str, expect: &str, description: &str, file: &[u8], opener: EnvelopeOpener| {
        vectors.add(&format!("envelope-{name}"), expect, description, scenario(&CONTEXT, opener, file, None));
    };
    let good = seal(&header().to_bytes(), &text, SEGMENT_LEN as u32);

    let other_key =
        Header::new(&CONTEXT, RECORD, 1, patient(), (&patient_key(), KEY_EPOCH), &DataKey::from_bytes([0xd5; 32]));
    let locked_out = seal(&other_key.to_bytes(), &text, SEGMENT_LEN as u32);
    add(
        "garbage-owner-capsule",
        "commitment",
        "the owner capsule holds another key; a reader notices",
        &locked_out,
        reader(),
    );
    add(
        "garbage-owner-capsule-owner",
        "tag",
        "the owner capsule holds another key; the patient cannot open",
        &locked_out,
        owner(),
    );

    let share = [0xb0; 32];
    let rest: Vec<u8> = DEK.iter().zip(share).map(|(key, share)| key ^ share).collect();
    let otherwise = EnvelopeOpener::Reader { reader_share: B256::from_slice(&rest), release_share: share.into() };
    add(
        "split-otherwise",
        "commitment",
        "S and B join to the right key, but B is not the one it gives",
        &good,
        otherwise,
    );
    let wrong_share =
        EnvelopeOpener::Reader { reader_share: B256::from_slice(&rest), release_share: [0xb1; 32].into() };
    add("wrong-share", "tag", "S and B join to another key", &good, wrong_share);

    let other_hash = Metadata { content_hash: B256::ZERO, ..metadata };
    let file = seal(&header().to_bytes(), &plaintext(&other_hash, &content), SEGMENT_LEN as u32);
    add("content-hash", "commitment", "the content hash is another's", &file, owner());

    let stranger = EnvelopeOpener::Owner { seed: [0x62; 32].into() };
    add("other-seed", "no match", "opened with somebody else's seed", &good, stranger);
    let old_epoch = Header { key_epoch: KEY_EPOCH + 1, ..header() };
    let file = seal(&old_epoch.to_bytes(), &text, SEGMENT_LEN as u32);
    add("other-epoch", "no match", "the header names another key epoch than the capsule", &file, owner());
}
