//! What the parties of medlock agree on: identifiers, the envelope, capsules, the keyring, the messages people sign,
//! the log, and the bodies of the HTTP API. `SPEC.md` beside this crate is the text that it implements.
//!
//! The crate is pure: no network, disk, clock, or hidden randomness; whoever calls passes the time and the generator.

pub mod hex_text;

pub mod codes;
pub mod deployment;
pub mod ids;

pub mod secret;
pub mod identity;
pub mod capsule;
pub mod split;
pub mod authorship;
pub mod envelope;
pub mod cid;
pub mod bundle;
pub mod note;
pub mod address_book;
pub mod log;
pub mod keyring;
pub mod recovery;
mod sealed_box;
mod hpke;
mod kdf;
#[cfg(test)]
mod public_vectors;

pub mod messages;
pub mod reads;
pub mod session;
pub mod statements;

pub mod bodies;
pub mod error_code;
pub mod mirror;
