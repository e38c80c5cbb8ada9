//! FLOE, written from its specification (c2sp.org/FLOE) for tests and vectors. It is slow, but the caller chooses every
//! IV and how often the segment key rotates, which neither crate allows.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use sha2::Sha384;

pub(crate) const HEADER_LEN: usize = 74;

pub(crate) struct ReferenceFloe {
    parameters: [u8; 10],
    iv: [u8; 32],
    header_tag: Vec<u8>,
    message_key: Vec<u8>,
    aad: Vec<u8>,
    rotation_bits: u32,
}

impl ReferenceFloe {
    pub(crate) fn new(key: &[u8; 32], iv: [u8; 32], aad: &[u8], segment_len: u32, rotation_bits: u32) -> Self {
        let mut parameters = [0; 10];
        parameters[2..6].copy_from_slice(&segment_len.to_be_bytes());
        parameters[6..].copy_from_slice(&32_u32.to_be_bytes());
        let kdf = |purpose: &[u8], len| expand(key, &[&parameters, &iv, purpose, aad], len);
        let (header_tag, message_key) = (kdf(b"HEADER_TAG:", 32), kdf(b"MESSAGE_KEY:", 48));
        Self { parameters, iv, header_tag, message_key, aad: aad.to_vec(), rotation_bits }
    }

    /// Starts from the header of a ciphertext. Returns `None` when its tag is wrong.
    pub(crate) fn from_header(key: &[u8; 32], aad: &[u8], header: &[u8], rotation_bits: u32) -> Option<Self> {
        let segment_len = u32::from_be_bytes(header.get(2..6)?.try_into().ok()?);
        let floe = Self::new(key, header.get(10..42)?.try_into().ok()?, aad, segment_len, rotation_bits);
        (floe.header() == header).then_some(floe)
    }

    pub(crate) fn header(&self) -> Vec<u8> {
        [self.parameters.as_slice(), &self.iv, &self.header_tag].concat()
    }

    pub(crate) fn segment_len(&self) -> usize {
        u32::from_be_bytes(self.parameters[2..6].try_into().unwrap()) as usize
    }

    fn segment_key(&self, position: u64) -> Vec<u8> {
        let masked = position >> self.rotation_bits << self.rotation_bits;
        let purpose = [b"DEK:".as_slice(), &masked.to_be_bytes()].concat();
        expand(&self.message_key, &[&self.parameters, &self.iv, &purpose, &self.aad], 32)
    }

    pub(crate) fn encrypt(&self, plaintext: &[u8], position: u64, is_final: bool, iv: [u8; 12]) -> Vec<u8> {
        let aad = [position.to_be_bytes().as_slice(), &[u8::from(is_final)]].concat();
        let sealed = Aes256Gcm::new_from_slice(&self.segment_key(position))
            .unwrap()
            .encrypt(&iv.into(), Payload { msg: plaintext, aad: &aad })
            .unwrap();
        let prefix = if is_final { u32::try_from(sealed.len() + 16).unwrap() } else { u32::MAX };
        [prefix.to_be_bytes().as_slice(), &iv, &sealed].concat()
    }

    pub(crate) fn decrypt(&self, segment: &[u8], position: u64, is_final: bool) -> Option<Vec<u8>> {
        let prefix = u32::from_be_bytes(segment.get(..4)?.try_into().ok()?);
        let framed = if is_final {
            prefix as usize == segment.len()
        } else {
            prefix == u32::MAX && segment.len() == self.segment_len()
        };
        if !framed || segment.len() < 32 || segment.len() > self.segment_len() {
            return None;
        }
        let aad = [position.to_be_bytes().as_slice(), &[u8::from(is_final)]].concat();
        let iv: [u8; 12] = segment[4..16].try_into().ok()?;
        Aes256Gcm::new_from_slice(&self.segment_key(position))
            .ok()?
            .decrypt(&iv.into(), Payload { msg: &segment[16..], aad: &aad })
            .ok()
    }

    /// Encrypts a whole message. The IV of a segment is its position, which is safe for a key that is used once.
    pub(crate) fn encrypt_all(&self, plaintext: &[u8]) -> Vec<u8> {
        let payload = self.segment_len() - 32;
        let pieces: Vec<&[u8]> = if plaintext.is_empty() { vec![&[]] } else { plaintext.chunks(payload).collect() };
        let mut message = self.header();
        for (position, piece) in pieces.iter().enumerate() {
            let mut iv = [0; 12];
            iv[4..].copy_from_slice(&(position as u64).to_be_bytes());
            message.extend(self.encrypt(piece, position as u64, position + 1 == pieces.len(), iv));
        }
        message
    }

    pub(crate) fn decrypt_all(key: &[u8; 32], aad: &[u8], message: &[u8], rotation_bits: u32) -> Option<Vec<u8>> {
        let (header, mut body) = message.split_at_checked(HEADER_LEN)?;
        let floe = Self::from_header(key, aad, header, rotation_bits)?;
        let mut plaintext = Vec::new();
        for position in 0.. {
            let is_final = body.get(..4)? != [0xff; 4];
            let len = if is_final { body.len() } else { floe.segment_len() };
            let (segment, rest) = body.split_at_checked(len)?;
            plaintext.extend(floe.decrypt(segment, position, is_final)?);
            body = rest;
            if is_final {
                break;
            }
        }
        Some(plaintext)
    }
}

/// HKDF-Expand with SHA-384, written with HMAC directly, because `hkdf` does not accept a PRK as short as a FLOE key
/// (32 bytes).
fn expand(key: &[u8], info: &[&[u8]], len: usize) -> Vec<u8> {
    let mut mac = Hmac::<Sha384>::new_from_slice(key).unwrap();
    for part in info {
        mac.update(part);
    }
    mac.update(&[1]);
    mac.finalize().into_bytes()[..len].to_vec()
}
