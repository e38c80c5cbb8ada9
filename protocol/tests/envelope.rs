//! The envelope, as a stream in both directions and by range, compared with two other FLOE implementations.

#[path = "../examples/vectors/fixed_rng.rs"]
mod fixed_rng;
#[path = "../examples/vectors/reference_floe.rs"]
mod reference_floe;

use std::io::{Cursor, Read};

use alloy::primitives::{Address, B256, address};
use fixed_rng::FixedRng;
use proptest::prelude::*;
use protocol::{
    envelope::{
        ContentHasher, EnvelopeContext, HEADER_LEN, Header, Metadata, OpenError, OpenReader, Opener, RangeOpener,
        SEGMENT_LEN, SEGMENT_PAYLOAD_LEN, SealError, SealParams, SealReader, Sealer, padded_len, sealed_len,
    },
    identity::IdentityKey,
    ids::RecordId,
    secret::{DataKey, ReleaseShare, Seed},
};
use reference_floe::ReferenceFloe;

const CONTEXT: EnvelopeContext =
    EnvelopeContext { chain_id: 31_337, registry: address!("5fbdb2315678afecb367f032d93f642f64180aa3") };
const PATIENT: Address = address!("70997970c51812dc3a010c7d01b50e0d17dc79c8");
const RECORD: RecordId = RecordId(B256::repeat_byte(0x11));

fn patient_key() -> IdentityKey {
    Seed::from_bytes([3; 32]).identity_key(1)
}

fn dek() -> DataKey {
    DataKey::from_bytes([9; 32])
}

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i ^ (i >> 8) ^ (i >> 16)) as u8 | 1).collect()
}

fn metadata(content: &[u8]) -> Metadata {
    let mut hasher = ContentHasher::new();
    hasher.update(content);
    Metadata {
        content_len: content.len() as u64,
        media_type: "application/pdf".into(),
        file_name: "result.pdf".into(),
        content_hash: hasher.finish(),
        created: 1_795_000_000,
        fhir_type: None,
        codes: Vec::new(),
        signed_by: None,
    }
}

fn params(content: &[u8]) -> SealParams {
    SealParams {
        context: CONTEXT,
        record: RECORD,
        version: 1,
        patient: PATIENT,
        patient_key: patient_key().public_key().clone(),
        patient_key_epoch: 1,
        metadata: metadata(content),
    }
}

fn seal(content: &[u8], step: usize) -> Vec<u8> {
    let mut sealer = Sealer::new(&params(content), &dek()).unwrap();
    let mut file = Vec::new();
    for piece in content.chunks(step) {
        sealer.update(piece, &mut file).unwrap();
    }
    while !sealer.finish(&mut file).unwrap() {}
    assert_eq!(file.len() as u64, sealer.sealed_len());
    file
}

fn open(file: &[u8], step: usize) -> Result<Vec<u8>, OpenError> {
    open_with(file, step, &CONTEXT, &dek())
}

fn open_with(file: &[u8], step: usize, context: &EnvelopeContext, dek: &DataKey) -> Result<Vec<u8>, OpenError> {
    let header = Header::parse(file)?;
    let mut opener = Opener::new(&header, context, dek);
    let mut content = Vec::new();
    for piece in file[HEADER_LEN..].chunks(step) {
        opener.update(piece, &mut content)?;
    }
    opener.finish()?;
    Ok(content)
}

/// Returns an envelope with a FLOE message that the reference makes from any plaintext.
fn envelope_of(plaintext: &[u8]) -> Vec<u8> {
    let header = Header::new(&CONTEXT, RECORD, 1, PATIENT, (patient_key().public_key(), 1), &dek());
    let floe = ReferenceFloe::new(dek().expose(), [5; 32], &associated_data(&header), SEGMENT_LEN as u32, 20);
    [header.to_bytes().as_slice(), &floe.encrypt_all(plaintext)].concat()
}

fn associated_data(header: &Header) -> Vec<u8> {
    let chain_id = CONTEXT.chain_id.to_be_bytes();
    [b"medlock/v1/envelope\0".as_slice(), &header.to_bytes(), &chain_id, CONTEXT.registry.as_slice()].concat()
}

fn plaintext_of(metadata: &Metadata, content: &[u8]) -> Vec<u8> {
    let cbor = metadata.to_cbor().unwrap();
    let mut plaintext = [(cbor.len() as u32).to_be_bytes().as_slice(), &cbor, content].concat();
    plaintext.resize(padded_len(plaintext.len() as u64) as usize, 0);
    plaintext
}

/// Content lengths whose plaintext ends just before, at and after each of the first borders between segments, and
/// around the shortest padded length.
fn border_lengths() -> Vec<usize> {
    let overhead = 4 + metadata(&content(70_000)).to_cbor().unwrap().len();
    let mut lengths = vec![0, 1, 2, 4_096 - overhead, 4_097 - overhead];
    for border in [SEGMENT_PAYLOAD_LEN, 2 * SEGMENT_PAYLOAD_LEN, 3 * SEGMENT_PAYLOAD_LEN, 1 << 20] {
        lengths.extend((border - overhead - 2)..=(border - overhead + 2));
        lengths.extend((border - 1)..=(border + 1));
    }
    lengths
}

#[test]
fn what_was_sealed_opens_at_every_border_between_segments() {
    for len in border_lengths() {
        let content = content(len);
        let file = seal(&content, 50_000);
        assert_eq!(file.len() as u64, sealed_len(len as u64, metadata(&content).to_cbor().unwrap().len()));
        assert_eq!(open(&file, 70_001).unwrap(), content, "{len}");
    }
}

#[test]
fn the_reference_reads_what_we_seal_and_we_read_what_it_seals() {
    for len in [0, 1, 5_000, SEGMENT_PAYLOAD_LEN, 200_000] {
        let content = content(len);
        let plaintext = plaintext_of(&metadata(&content), &content);
        let file = seal(&content, 1 << 20);
        let header = Header::parse(&file).unwrap();
        let opened = ReferenceFloe::decrypt_all(dek().expose(), &associated_data(&header), &file[HEADER_LEN..], 20);
        assert_eq!(opened.unwrap(), plaintext);
        assert_eq!(open(&envelope_of(&plaintext), 1 << 20).unwrap(), content);
    }
}

#[test]
fn floe_rs_reads_what_we_seal_and_we_read_what_it_seals() {
    use floe_rs::gcm;
    use zerocopy::IntoBytes;
    const S: u32 = SEGMENT_LEN as u32;

    let content = content(150_000);
    let plaintext = plaintext_of(&metadata(&content), &content);
    let file = seal(&content, 1 << 20);
    let header = Header::parse(&file).unwrap();
    let aad = associated_data(&header);
    let key = (*dek().expose()).into();

    let (floe_header, body) = file[HEADER_LEN..].split_at(74);
    let decryptor = gcm::FloeDecryptor::<S>::new(&key, &aad, &gcm::Header::from_bytes(floe_header).unwrap()).unwrap();
    let mut opened = Vec::new();
    let segments = body.chunks(SEGMENT_LEN);
    let count = segments.len();
    for (position, segment) in segments.enumerate() {
        let segment = gcm::Segment::from_bytes(segment).unwrap();
        let mut piece = vec![0; segment.ciphertext().len()];
        decryptor.decrypt_segment(&segment, &mut piece, position as u64, position + 1 == count).unwrap();
        opened.extend(piece);
    }
    assert_eq!(opened, plaintext);

    let encryptor = gcm::FloeEncryptor::<S>::with_rng(&key, &aad, &mut FixedRng::new("floe-rs")).unwrap();
    let mut theirs = [header.to_bytes().as_slice(), encryptor.header().as_bytes()].concat();
    for (position, piece) in plaintext.chunks(SEGMENT_PAYLOAD_LEN).enumerate() {
        let mut segment = vec![0; piece.len() + 32];
        let is_final = position + 1 == count;
        encryptor
            .encrypt_segment_with_rng(piece, &mut segment, position as u64, is_final, &mut FixedRng::new("segment"))
            .unwrap();
        theirs.extend(segment);
    }
    assert_eq!(open(&theirs, 1 << 20).unwrap(), content);
}

#[test]
fn readers_and_writers_stream_the_same_bytes() {
    let content = content(700_000);
    let mut file = Vec::new();
    let mut sealer = SealReader::new(Cursor::new(&content), &params(&content), &dek()).unwrap();
    let announced = sealer.sealed_len();
    sealer.read_to_end(&mut file).unwrap();
    assert_eq!(file.len() as u64, announced);

    let mut source = Cursor::new(&file);
    let header = OpenReader::read_header(&mut source).unwrap();
    assert_eq!(header, Header::parse(&file).unwrap());
    let mut reader = OpenReader::new(source, &header, &CONTEXT, &dek());
    let mut opened = Vec::new();
    reader.read_to_end(&mut opened).unwrap();
    assert_eq!(opened, content);
    assert_eq!(reader.metadata().unwrap(), &metadata(&content));
}

#[test]
fn a_file_cut_short_anywhere_does_not_open() {
    let file = seal(&content(130_000), 1 << 20);
    let cuts =
        [HEADER_LEN, HEADER_LEN + 73, HEADER_LEN + 74, HEADER_LEN + 75, HEADER_LEN + 74 + SEGMENT_LEN, file.len() - 1];
    for cut in cuts {
        assert_eq!(open(&file[..cut], 1 << 20), Err(OpenError::Final), "{cut}");
    }
    assert_eq!(open(&file[..HEADER_LEN - 1], 1 << 20), Err(OpenError::Header));
    let longer = [file.as_slice(), &[0]].concat();
    assert_eq!(open(&longer, 1 << 20), Err(OpenError::Final));
}

#[test]
fn every_byte_of_the_head_counts() {
    let file = seal(&content(100), 1 << 20);
    for at in 0..HEADER_LEN + 74 + 40 {
        let mut changed = file.clone();
        changed[at] ^= 0x01;
        assert!(open(&changed, 1 << 20).is_err(), "{at}");
    }
}

#[test]
fn nothing_of_a_segment_is_released_before_its_tag_holds() {
    let content = content(200_000);
    let mut file = seal(&content, 1 << 20);
    let third_segment = HEADER_LEN + 74 + 2 * SEGMENT_LEN;
    file[third_segment + 1_000] ^= 1;
    let header = Header::parse(&file).unwrap();
    let mut opener = Opener::new(&header, &CONTEXT, &dek());
    let mut released = Vec::new();
    assert_eq!(opener.update(&file[HEADER_LEN..], &mut released), Err(OpenError::Tag));
    assert!(!released.is_empty() && released.len() < 2 * SEGMENT_PAYLOAD_LEN);
    assert!(content.starts_with(&released));
    assert_eq!(opener.update(&[], &mut released), Err(OpenError::Tag), "an error stays");
}

#[test]
fn another_chain_registry_or_key_does_not_open() {
    let file = seal(&content(10), 1 << 20);
    let other_chain = EnvelopeContext { chain_id: 1, ..CONTEXT };
    let other_registry = EnvelopeContext { registry: PATIENT, ..CONTEXT };
    assert_eq!(open_with(&file, 99, &other_chain, &dek()), Err(OpenError::Tag));
    assert_eq!(open_with(&file, 99, &other_registry, &dek()), Err(OpenError::Tag));
    assert_eq!(open_with(&file, 99, &CONTEXT, &DataKey::from_bytes([0; 32])), Err(OpenError::Tag));
}

#[test]
fn content_that_changed_between_the_passes_is_not_sealed() {
    let content = content(5_000);
    let mut out = Vec::new();
    let mut sealer = Sealer::new(&params(&content), &dek()).unwrap();
    assert_eq!(sealer.update(&[content.as_slice(), &[0]].concat(), &mut out), Err(SealError::ContentChanged));

    let mut sealer = Sealer::new(&params(&content), &dek()).unwrap();
    sealer.update(&content[1..], &mut out).unwrap();
    assert_eq!(sealer.finish(&mut out), Err(SealError::ContentChanged));

    let mut sealer = Sealer::new(&params(&content), &dek()).unwrap();
    let mut changed = content.clone();
    changed[4_999] ^= 1;
    sealer.update(&changed, &mut out).unwrap();
    assert_eq!(sealer.finish(&mut out), Err(SealError::ContentChanged));
}

#[test]
fn an_envelope_that_lies_inside_is_refused() {
    let content = content(3_000);
    let good = metadata(&content);
    let class = |plaintext: &[u8]| open(&envelope_of(plaintext), 1 << 20).unwrap_err();

    let mut plaintext = plaintext_of(&good, &content);
    *plaintext.last_mut().unwrap() = 1;
    assert_eq!(class(&plaintext), OpenError::Padding, "padding that is not zero");

    let plaintext = plaintext_of(&good, &content);
    assert_eq!(class(&[plaintext.as_slice(), &[0; 100]].concat()), OpenError::Padding, "too much of it");
    assert_eq!(class(&plaintext[..plaintext.len() - 1]), OpenError::Padding, "too little of it");
    assert_eq!(class(&plaintext[..3_000]), OpenError::Length, "less content than announced");
    assert_eq!(class(&[0, 0, 0xff, 0xff]), OpenError::Length, "metadata longer than they may be");
    assert_eq!(class(&[]), OpenError::Length, "no metadata");

    let other_hash = Metadata { content_hash: B256::ZERO, ..good.clone() };
    assert_eq!(class(&plaintext_of(&other_hash, &content)), OpenError::Commitment);

    let mut not_deterministic = plaintext_of(&good, &content);
    // Key 1 encoded in two bytes instead of one.
    let cbor = good.to_cbor().unwrap();
    let longer = [&cbor[..1], &[0x18, 0x01], &cbor[2..]].concat();
    not_deterministic =
        [(longer.len() as u32).to_be_bytes().as_slice(), &longer, &not_deterministic[4 + cbor.len()..]].concat();
    assert_eq!(class(&not_deterministic), OpenError::Header);
}

#[test]
fn owner_and_reader_check_that_they_hold_the_same_key() {
    let file = seal(&content(10), 1 << 20);
    let header = Header::parse(&file).unwrap();
    let key = patient_key();
    let of = CONTEXT.record_version(RECORD, 1);
    assert!(header.open_owner_capsule(&CONTEXT, PATIENT, &key).unwrap() == dek());

    let (reader, release) = (dek().reader_share(&of), dek().release_share(&of));
    let joined = DataKey::join(&reader, &release);
    assert!(joined == dek());
    header.check_commitment(&CONTEXT, PATIENT, key.public_key(), &joined, &release).unwrap();

    // A lab that splits the key in another way: S and B are arbitrary, but their xor is the key.
    let other = ReleaseShare::from_bytes([1; 32]);
    let refused = header.check_commitment(&CONTEXT, PATIENT, key.public_key(), &dek(), &other);
    assert_eq!(refused, Err(OpenError::Commitment));

    // A lab that excludes the patient: the owner capsule is well-formed but contains another key.
    let garbage = Header::new(&CONTEXT, RECORD, 1, PATIENT, (key.public_key(), 1), &DataKey::from_bytes([0xbb; 32]));
    let refused = garbage.check_commitment(&CONTEXT, PATIENT, key.public_key(), &dek(), &release);
    assert_eq!(refused, Err(OpenError::Commitment));

    let stranger = Seed::from_bytes([4; 32]).identity_key(1);
    assert!(matches!(header.open_owner_capsule(&CONTEXT, PATIENT, &stranger), Err(OpenError::NoMatch)));
    assert!(matches!(header.open_owner_capsule(&CONTEXT, Address::ZERO, &key), Err(OpenError::NoMatch)));
    assert_eq!(header.expect(RECORD, 2), Err(OpenError::Header));
}

fn read_range(file: &[u8], range: std::ops::Range<u64>) -> Result<Vec<u8>, OpenError> {
    let head = &file[..file.len().min(RangeOpener::HEAD_LEN)];
    let mut opener = RangeOpener::new(head, file.len() as u64, &CONTEXT, &dek())?;
    let wanted = opener.file_range(&range)?;
    let mut out = Vec::new();
    opener.open(&range, &file[wanted.start as usize..wanted.end as usize], &mut out)?;
    Ok(out)
}

#[test]
fn a_range_of_a_file_of_another_length_is_refused() {
    let file = seal(&content(200_000), 1 << 20);
    let head = &file[..RangeOpener::HEAD_LEN];
    let opened = |len: u64| RangeOpener::new(head, len, &CONTEXT, &dek()).map(|_| ()).unwrap_err();
    assert_eq!(opened(file.len() as u64 - 1), OpenError::Length);
    assert_eq!(opened(file.len() as u64 + 100_000), OpenError::Length);
    assert_eq!(read_range(&file, 0..200_001), Err(OpenError::Length));
    assert!(read_range(&file, 200_000..200_000).unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn pieces_of_any_length_give_the_same_content(len in 0_usize..300_000, seal_step in 1_usize..200_000, open_step in 1_usize..200_000) {
        let content = content(len);
        let file = seal(&content, seal_step.max(len / 50 + 1));
        prop_assert_eq!(open(&file, open_step.max(len / 50 + 1)).unwrap(), content);
    }

    #[test]
    fn a_range_is_the_slice(len in 1_usize..400_000, a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
        let content = content(len);
        let (a, b) = (a.index(len + 1), b.index(len + 1));
        let range = a.min(b)..a.max(b);
        let file = seal(&content, 1 << 20);
        prop_assert_eq!(read_range(&file, range.start as u64..range.end as u64).unwrap(), &content[range]);
    }

    #[test]
    fn a_flipped_bit_anywhere_is_noticed(len in 0_usize..150_000, at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut file = seal(&content(len), 1 << 20);
        let at = at.index(file.len());
        file[at] ^= 1 << bit;
        prop_assert!(open(&file, 1 << 20).is_err());
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = Header::parse(&bytes);
        let header = Header::parse(&seal(&[], 1)).unwrap();
        let mut opener = Opener::new(&header, &CONTEXT, &dek());
        let _ = opener.update(&bytes, &mut Vec::new());
        let _ = opener.finish();
        let _ = Metadata::from_cbor(&bytes);
    }
}
