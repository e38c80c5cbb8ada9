//! End to end: real processes (Anvil, Kubo, MongoDB, indexer, API) on free ports, the `medlock` command as people use
//! it, and the SDK where a test must stop between two steps.
//!
//! `cargo build -p indexer -p api` and `cargo build -p client --examples` first: the tests run the programs beside their
//! own. Cargo builds `medlock` for them.
//!
//! Tests that only add things of their own share one network ([`world::shared`]); those that break something start
//! another. Random choices are seeded; the seed is printed and taken from `MEDLOCK_E2E_SEED`.

#![expect(clippy::print_stdout, reason = "kill points are printed so that they can be played again")]

mod chance;
mod person;
mod proxy;
mod victim;
mod world;

mod api_killed;
mod bad_items;
mod canary;
mod commands;
mod doctor;
mod examples;
mod expiry;
mod fuzz;
mod hostile_api;
mod hostile_people;
mod hostile_store;
mod key_epochs;
mod life_cycle;
mod log_checked;
mod mirror;
mod operator_keys;
mod other_deployment;
mod readme;
mod replicas;
mod routes;
mod upload_size;
mod wallet_file;
mod withdrawal;
