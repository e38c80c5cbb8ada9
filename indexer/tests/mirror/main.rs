//! The mirror against the real parts: Anvil, MongoDB, the contracts, and the indexer in this process or as its own.
//!
//! The question is always the same: whatever happened on the way, is the mirror what a fresh rebuild would be?

mod story;
mod world;

mod binding;
mod crashes;
mod following;
mod health;
mod lease;
mod reorgs;
