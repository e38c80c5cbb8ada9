//! Measures the speed of the envelope, compared with plain AES-256-GCM and with `age`, and of a post-quantum capsule,
//! compared with a capsule on secp256k1, on one core.
//!
//! `cargo bench -p protocol --bench protocol [-- --mib 256 --rounds 7]`. All programs process the same content from
//! memory and write into a buffer that is used again. They take turns in each round, so that other load on the machine
//! affects all of them. A ratio is the median of the ratios of the rounds. The last line is one JSON object.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::{
    hint::black_box,
    io::{self, Read, Write},
    iter,
    time::Instant,
};

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{AeadInOut, inout::InOutBuf},
};
use alloy::primitives::{Address, B256};
use fast_floe::{Key, Parameters, online};
use protocol::{
    capsule::{Binding, Capsule, Sealable},
    cid::CidBuilder,
    codes::Category,
    envelope::{ContentHasher, EnvelopeContext, HEADER_LEN, Header, Metadata, Opener, SealParams, Sealer},
    ids::RecordId,
    kem::Decapsulate,
    secret::{DataKey, ReaderShare, Seed, SlotShare},
};
use rand::Rng;

const SEGMENT: usize = 65_536;
const PAYLOAD: usize = SEGMENT - 32;
/// The number of bytes that a client reads at a time.
const PIECE: usize = 1 << 20;
const KEY: [u8; 32] = [7; 32];
/// The number of capsules in one measurement.
const CAPSULES: usize = 200;
const AAD: &[u8] = b"associated data";
const CONTEXT: EnvelopeContext = EnvelopeContext { chain_id: 31_337, registry: Address::ZERO };

/// One measured program: a function that processes `content.len()` bytes of content.
struct Contender<'a> {
    name: &'static str,
    run: Box<dyn FnMut() + 'a>,
    seconds: Vec<f64>,
}

fn main() {
    let mib = argument("--mib").unwrap_or(256);
    let rounds = argument("--rounds").unwrap_or(7);
    let mut content = vec![0; mib << 20];
    rand::rng().fill_bytes(&mut content);

    let sealed = Sealed::new(&content);
    let identity = CapsuleInput::<ReaderShare>::new(Seed::from_bytes(KEY).identity_key(1));
    let category =
        CapsuleInput::<SlotShare>::new(Seed::from_bytes(KEY).category_secret(Category::Imaging, 1).key_pair());
    let mut contenders = vec![
        Contender::new("aes-gcm, 64 KiB: encrypt", || aes_gcm_encrypt(&content)),
        Contender::new("FLOE: encrypt", || floe_encrypt(&content)),
        Contender::new("age: encrypt", || age_encrypt(&content, &sealed.age_identity)),
        Contender::new("aes-gcm, 64 KiB: decrypt", || aes_gcm_decrypt(&sealed.aes_gcm)),
        Contender::new("FLOE: decrypt", || floe_decrypt(&sealed.floe)),
        Contender::new("age: decrypt", || age_decrypt(&sealed.age, &sealed.age_identity)),
        Contender::new("first pass: content hash", || {
            black_box(content_hash(&content));
        }),
        Contender::new("envelope: check, encrypt, CID", || envelope_seal(&content, &sealed.params)),
        Contender::new("envelope: CID, decrypt, check", || envelope_open(&sealed.envelope)),
    ];
    let mut capsules = vec![
        Contender::new("capsule, MLKEM768-X25519: seal", || identity.seal()),
        Contender::new("capsule, secp256k1: seal", || category.seal()),
        Contender::new("capsule, MLKEM768-X25519: open", || identity.open()),
        Contender::new("capsule, secp256k1: open", || category.open()),
    ];
    for _ in 0..rounds {
        for contender in contenders.iter_mut().chain(&mut capsules) {
            contender.measure();
        }
    }

    println!("{mib} MiB in pieces of 1 MiB, one core, medians of {rounds} interleaved rounds\n");
    for contender in &contenders {
        let rate = content.len() as f64 / median(contender.seconds.clone()) / 1e6;
        println!("{:<32} {rate:>7.0} MB/s", contender.name);
    }
    for contender in &capsules {
        let micros = median(contender.seconds.clone()) * 1e6 / CAPSULES as f64;
        println!("{:<32} {micros:>7.0} µs", contender.name);
    }
    let ratio = |ours: usize, theirs: usize| contenders[ours].speed_against(&contenders[theirs]);
    // The time of a post-quantum capsule for each unit of time of a classical one; the slower of sealing and opening.
    let capsule = f64::max(capsules[1].speed_against(&capsules[0]), capsules[3].speed_against(&capsules[2]));
    println!(
        "\n{{\"bench\":\"protocol\",\"encrypt_vs_aes_gcm\":{:.3},\"decrypt_vs_aes_gcm\":{:.3},\"encrypt_vs_age\":{:.3},\"decrypt_vs_age\":{:.3},\"capsule_vs_classical\":{capsule:.3}}}",
        ratio(1, 0),
        ratio(4, 3),
        ratio(1, 2),
        ratio(4, 5),
    );
}

impl<'a> Contender<'a> {
    fn new(name: &'static str, run: impl FnMut() + 'a) -> Self {
        Self { name, run: Box::new(run), seconds: Vec::new() }
    }

    /// Returns the median, over the rounds, of the other's time for each unit of our time.
    fn speed_against(&self, other: &Self) -> f64 {
        let pairs = other.seconds.iter().zip(&self.seconds);
        median(pairs.map(|(theirs, ours)| theirs / ours).collect())
    }

    fn measure(&mut self) {
        let begin = Instant::now();
        (self.run)();
        self.seconds.push(begin.elapsed().as_secs_f64());
    }
}

/// The input for measuring capsules of one kind.
struct CapsuleInput<S: Sealable> {
    secret: S,
    key: S::PrivateKey,
    binding: Binding,
    capsule: Capsule,
}

impl<S: Sealable> CapsuleInput<S> {
    fn new(key: S::PrivateKey) -> Self {
        let secret = S::from_bytes(KEY);
        let of = CONTEXT.record_version(RecordId(B256::ZERO), 1);
        let binding = Binding::reader_share(&of, Address::ZERO, Address::ZERO, 1, 1);
        let capsule = Capsule::seal(&secret, key.public_key(), &binding);
        Self { secret, key, binding, capsule }
    }

    fn seal(&self) {
        for _ in 0..CAPSULES {
            black_box(Capsule::seal(&self.secret, self.key.public_key(), &self.binding));
        }
    }

    fn open(&self) {
        for _ in 0..CAPSULES {
            black_box(self.capsule.open::<S>(&self.key, &self.binding).is_ok());
        }
    }
}

fn argument(name: &str) -> Option<usize> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.next()?;
    arguments.next()?.parse().ok()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The input for measuring decryption.
struct Sealed {
    params: SealParams,
    envelope: Vec<u8>,
    aes_gcm: Vec<u8>,
    floe: Vec<u8>,
    age: Vec<u8>,
    age_identity: age::x25519::Identity,
}

impl Sealed {
    fn new(content: &[u8]) -> Self {
        let cipher = Aes256Gcm::new(&KEY.into());
        let mut aes_gcm = Vec::with_capacity(content.len() + content.len() / SEGMENT * 16 + 16);
        for (position, chunk) in content.chunks(SEGMENT).enumerate() {
            let at = aes_gcm.len();
            aes_gcm.extend_from_slice(chunk);
            let tag = cipher.encrypt_inout_detached(&nonce(position), AAD, (&mut aes_gcm[at..]).into()).expect("short");
            aes_gcm.extend_from_slice(&tag);
        }
        let age_identity = age::x25519::Identity::generate();
        let mut age = Vec::new();
        age_into(content, &age_identity, &mut age);
        let mut floe = Vec::new();
        floe_into(content, |segment| floe.extend_from_slice(segment));

        let params = SealParams {
            context: CONTEXT,
            record: RecordId(B256::ZERO),
            version: 1,
            patient: Address::ZERO,
            patient_key: Seed::from_bytes([1; 32]).identity_key(1).public_key().clone(),
            patient_key_epoch: 1,
            metadata: Metadata {
                content_len: content.len() as u64,
                media_type: "application/octet-stream".into(),
                file_name: "bench".into(),
                content_hash: content_hash(content),
                created: 0,
                fhir_type: None,
                codes: Vec::new(),
                signed_by: None,
            },
        };
        let mut envelope = Vec::new();
        envelope_into(content, &params, |piece| envelope.extend_from_slice(piece));
        Self { params, envelope, aes_gcm, floe, age, age_identity }
    }
}

fn nonce(position: usize) -> aes_gcm::aead::Nonce<Aes256Gcm> {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&(position as u64).to_be_bytes());
    nonce.into()
}

fn aes_gcm_encrypt(content: &[u8]) {
    let cipher = Aes256Gcm::new(&KEY.into());
    let mut out = vec![0; SEGMENT];
    for (position, chunk) in content.chunks(SEGMENT).enumerate() {
        let pair = InOutBuf::new(chunk, &mut out[..chunk.len()]).expect("equal lengths");
        black_box(cipher.encrypt_inout_detached(&nonce(position), AAD, pair).expect("short"));
        black_box(&out);
    }
}

fn aes_gcm_decrypt(sealed: &[u8]) {
    let cipher = Aes256Gcm::new(&KEY.into());
    let mut out = vec![0; SEGMENT];
    for (position, chunk) in sealed.chunks(SEGMENT + 16).enumerate() {
        let (chunk, tag) = chunk.split_at(chunk.len() - 16);
        let pair = InOutBuf::new(chunk, &mut out[..chunk.len()]).expect("equal lengths");
        let tag = tag.try_into().expect("16 bytes");
        cipher.decrypt_inout_detached(&nonce(position), AAD, pair, tag).expect("authentic");
        black_box(&out);
    }
}

fn floe_into(content: &[u8], mut take: impl FnMut(&[u8])) {
    let parameters = Parameters::with_segment_length(SEGMENT as u32).expect("64 KiB");
    let mut encryptor = online::Encryptor::new(&Key::from_bytes(KEY), AAD, parameters).expect("random numbers");
    take(encryptor.header().as_bytes());
    let mut out = vec![0; SEGMENT];
    let (last, segments) = {
        let full = (content.len() - 1) / PAYLOAD * PAYLOAD;
        (&content[full..], content[..full].chunks(PAYLOAD))
    };
    for segment in segments {
        let written = encryptor.encrypt_non_final_segment_into(segment, &mut out).expect("a full segment");
        take(&out[..written]);
    }
    let written = encryptor.encrypt_final_segment_into(last, &mut out).expect("the last segment");
    take(&out[..written]);
}

fn floe_encrypt(content: &[u8]) {
    floe_into(content, |segment| {
        black_box(segment);
    });
}

fn floe_decrypt(sealed: &[u8]) {
    let (header, body) = sealed.split_at(fast_floe::Header::LEN);
    let header = header.try_into().expect("a whole header");
    let mut decryptor = online::Decryptor::new(&Key::from_bytes(KEY), AAD, &header).expect("authentic");
    let mut out = vec![0; PAYLOAD];
    for segment in body.chunks(SEGMENT) {
        decryptor.decrypt_segment_into(segment, &mut out).expect("authentic");
        black_box(&out);
    }
    decryptor.finish().expect("whole");
}

fn age_into(content: &[u8], identity: &age::x25519::Identity, out: impl Write) {
    let recipient = identity.to_public();
    let encryptor =
        age::Encryptor::with_recipients(iter::once(&recipient as &dyn age::Recipient)).expect("one recipient");
    let mut writer = encryptor.wrap_output(out).expect("memory");
    for piece in content.chunks(PIECE) {
        writer.write_all(piece).expect("memory");
    }
    writer.finish().expect("memory");
}

fn age_encrypt(content: &[u8], identity: &age::x25519::Identity) {
    age_into(content, identity, io::sink());
}

fn age_decrypt(sealed: &[u8], identity: &age::x25519::Identity) {
    let decryptor = age::Decryptor::new(sealed).expect("a header");
    let mut reader = decryptor.decrypt(iter::once(identity as &dyn age::Identity)).expect("the right identity");
    let mut out = vec![0; PIECE];
    while reader.read(&mut out).expect("authentic") > 0 {
        black_box(&out);
    }
}

fn content_hash(content: &[u8]) -> B256 {
    let mut hasher = ContentHasher::new();
    content.chunks(PIECE).for_each(|piece| hasher.update(piece));
    hasher.finish()
}

fn envelope_into(content: &[u8], params: &SealParams, mut take: impl FnMut(&[u8])) {
    let mut sealer = Sealer::new(params, &DataKey::from_bytes(KEY)).expect("valid parameters");
    let mut out = Vec::new();
    let mut done = false;
    let mut pieces = content.chunks(PIECE);
    while !done {
        out.clear();
        match pieces.next() {
            Some(piece) => sealer.update(piece, &mut out).expect("the announced content"),
            None => done = sealer.finish(&mut out).expect("the announced content"),
        }
        take(&out);
    }
}

fn envelope_seal(content: &[u8], params: &SealParams) {
    let mut cid = CidBuilder::new();
    envelope_into(content, params, |piece| cid.update(piece));
    black_box(cid.finish());
}

fn envelope_open(file: &[u8]) {
    let header = Header::parse(file).expect("a header");
    let mut opener = Opener::new(&header, &CONTEXT, &DataKey::from_bytes(KEY));
    let mut cid = CidBuilder::new();
    cid.update(&file[..HEADER_LEN]);
    let mut out = Vec::new();
    for piece in file[HEADER_LEN..].chunks(PIECE) {
        out.clear();
        cid.update(piece);
        opener.update(piece, &mut out).expect("authentic");
        black_box(&out);
    }
    opener.finish().expect("whole");
    black_box(cid.finish());
}
