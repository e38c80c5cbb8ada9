//! The rules of grants (`SPEC.md`, section 9), stated once for the server, the SDK and the indexer: the form a grant must
//! have before it is signed, the records it covers, and what it permits at a given time. The contracts have the
//! final decision; these functions predict it and explain it.
//!
//! `vectors/rules-*.json` hold the same rules as tables; the TypeScript twin is `client/web/src/protocol/grants/`.

mod form;
mod scope;
mod terms;

pub use form::{GrantForm, GrantFormError};
pub use scope::{Scope, category_scope_id, covers, scopes_of};
pub use terms::{Asked, GrantState, Terms, Verdict};
