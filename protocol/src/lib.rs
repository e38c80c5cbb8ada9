//! The protocol between the parties of medlock: identifiers, the envelope, capsules, the keyring, the messages people
//! sign, the log, and the bodies of the HTTP API. This crate implements `protocol/SPEC.md`.
//!
//! The crate is pure: it uses no network, disk, clock, or hidden randomness. The caller passes the time and the random
//! number generator.

// The macro of `typed_data` recurses once for each field.
#![recursion_limit = "512"]

pub mod digits;
pub mod hex_text;
pub mod signature_text;
mod typed_data;

pub mod codes;
pub mod deployment;
pub mod ids;
pub mod operator_keys;

// Secrets, and the keys derived from them.
pub mod identity;
mod kdf;
pub mod key_epochs;
mod key_pair;
pub mod keyring;
pub mod recovery;
pub mod secret;
pub mod split;

// Encrypted data, and the people it is encrypted to.
pub mod address_book;
pub mod authorship;
pub mod bundle;
pub mod capsule;
pub mod envelope;
mod hpke;
pub mod kem;
pub mod note;
#[cfg(test)]
mod public_vectors;
mod sealed_box;

// Where encrypted data is stored, and who read it.
pub mod cid;
pub mod log;

pub mod ends;
pub mod grants;
pub mod messages;
pub mod reads;
pub mod session;
pub mod statements;

pub mod bodies;
pub mod error_code;
pub mod mirror;
