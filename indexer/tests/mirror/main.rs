//! The mirror with the real parts: Anvil, MongoDB, the contracts, and the indexer in this process or in a separate one.
//!
//! Every test checks the same thing: whatever happened before, the mirror equals a new rebuild.

mod story;
mod world;

mod binding;
mod crashes;
mod following;
mod health;
mod lease;
mod reorgs;
