//! The SDK of medlock: everything that a person's own device does. It holds the keys, builds and shows what is signed,
//! and checks what servers say against the chain.
//!
//! A [`client::Client`] joins the parts; operations are functions of their module that take it, the
//! [`wallet::Wallet`] that signs, and the [`unlock::Keys`] that decrypt. Every action works relayed (somebody submits
//! the signed message) and direct (the wallet sends and pays): [`act::Way`].
//!
//! Lists mix what was compared with the chain and what only the server says. Their items keep the latter apart, in a field
//! `told`: [`grants::GrantItem`], [`download::RecordItem`], [`download::RecordDetails`], [`requests::Request`]. Of a log,
//! [`audit::ListedRead`] says for each entry what the chain says about it.

pub mod error;

pub mod act;
pub mod api;
pub mod chain;
pub mod client;
pub mod home;
pub mod lookup;
pub mod wallet;

mod kept_session;
pub mod session;
pub mod set_up;
pub mod unlock;

pub mod operator_key;
pub mod own_key;
pub mod published_key;
pub mod register;

pub mod download;
pub mod envelope;
pub mod record_status;
pub mod upload;

pub mod accreditation;
pub mod contacts;
pub mod grants;
pub mod requests;

pub mod audit;
pub mod doctor;
pub mod receipts;
pub mod reissue;
pub mod restore;

mod progress;
mod told;

pub use client::Client;
pub use error::{AnyFailure, Code, ExitClass, Failure};
pub use progress::{Progress, Step};
pub use told::Told;
