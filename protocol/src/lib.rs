//! What the parties of medlock agree on: identifiers, the envelope, capsules, the keyring, the messages people sign,
//! the log, and the bodies of the HTTP API. `SPEC.md` beside this crate is the text that it implements.
//!
//! The crate is pure: no network, disk, clock, or hidden randomness; whoever calls passes the time and the generator.

// The macro of `typed_data` takes one step for each field.
#![recursion_limit = "512"]

pub mod digits;
pub mod hex_text;
pub mod signature_text;
mod typed_data;

pub mod codes;
pub mod deployment;
pub mod ids;
pub mod operator_keys;

// Secrets and the keys that derive from them.
pub mod identity;
mod kdf;
pub mod key_epochs;
pub mod keyring;
pub mod recovery;
pub mod secret;
pub mod split;

// What is encrypted, and to whom.
pub mod address_book;
pub mod authorship;
pub mod bundle;
pub mod capsule;
pub mod envelope;
mod hpke;
pub mod note;
#[cfg(test)]
mod public_vectors;
mod sealed_box;

// Where it lies, and who read it.
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
