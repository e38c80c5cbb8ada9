//! Rust bindings of the contracts, read from the committed ABI (`contracts/abi`, made by `contracts/abi.mjs`).
//!
//! There is one module for each contract with its calls, events and errors. The rest is shared by all users: the call
//! that executes a signed action ([`call_of`], [`direct_call_of`]), events by contract ([`ChainEvent`]), packed grant
//! terms ([`Terms`]), the meaning of a revert ([`refusal_of`]), and signatures of contract accounts
//! ([`accepts_signature`]).

mod call;
mod event;
mod refusal;
mod signature;

pub use call::{call_of, checkpoint_call, direct_call_of};
pub use event::{ChainEvent, EventError};
pub use protocol::grants::Terms;
pub use refusal::{Refusal, refusal_of};
pub use signature::accepts_signature;

macro_rules! binding {
    ($(#[$doc:meta])* $module:ident, $contract:ident, $path:literal) => {
        $(#[$doc])*
        #[allow(clippy::all, missing_docs, reason = "generated; the Solidity interfaces carry the documentation")]
        pub mod $module {
            alloy::sol! {
                #[sol(rpc)]
                #[derive(Debug, PartialEq, Eq)]
                $contract,
                $path
            }
        }
    };
}

binding! {
    /// Accreditors and practitioners: `contracts/src/interfaces/IAccreditation.sol`.
    accreditation, Accreditation, "abi/Accreditation.json"
}
binding! {
    /// Public encryption keys: `contracts/src/interfaces/IKeyRegistry.sol`.
    key_registry, KeyRegistry, "abi/KeyRegistry.json"
}
binding! {
    /// Records and versions: `contracts/src/interfaces/IRecordRegistry.sol`.
    record_registry, RecordRegistry, "abi/RecordRegistry.json"
}
binding! {
    /// Grants: `contracts/src/interfaces/IGrantRegistry.sol`.
    grant_registry, GrantRegistry, "abi/GrantRegistry.json"
}
binding! {
    /// The anchored log: `contracts/src/interfaces/IAccessLog.sol`.
    access_log, AccessLog, "abi/AccessLog.json"
}
