//! The server. It is blind: it stores data that it cannot read, relays messages that it did not sign, and answers from the
//! mirror.
//!
//! Each handler has the same order: identify the caller, check the permission, load, act, answer. All URLs are in
//! [`routes`].

// Shared by every route.
pub mod app;
pub mod at_rest;
mod body;
pub mod caller;
mod chain;
mod conditional;
pub mod content;
pub mod error;
pub mod extract;
pub mod feed;
pub mod idempotency;
pub mod log_queue;
pub mod metrics;
pub mod network;
pub mod observe;
mod paging;
pub mod places;
pub mod protect;
pub mod rate_limit;
pub mod rates;
pub mod request_id;
pub mod request_turns;
pub mod settings;
pub mod store;
pub mod time;
mod work;

// One module per resource.
pub mod account;
pub mod actions;
pub mod auth;
pub mod blobs;
pub mod blocks;
mod daily;
pub mod directory;
pub mod grants;
pub mod keys;
pub mod log;
pub mod private_blobs;
pub mod reads;
pub mod records;
pub mod relations;
pub mod requests;

// Background tasks.
pub mod events;
pub mod lease;
pub mod new_operator_key;
pub mod operator;
pub mod relay;
mod retire;
pub mod sequencer;

// Assembly of the server.
pub mod background;
pub mod docs;
pub mod health;
pub mod routes;
pub mod serve;
pub mod shares_backup;
pub mod web;
