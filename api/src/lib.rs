//! The blind server: it stores what it cannot read, relays what it did not sign, and says what the mirror knows.
//!
//! Handlers read as: who calls, may they, load, act, answer. All URLs stand in [`routes`].

// What every route stands on.
pub mod error;
pub mod settings;
pub mod time;
pub mod state;
pub mod store;
pub mod extract;
pub mod caller;
pub mod request_id;

// One module per resource.
pub mod grants;
pub mod log;
pub mod reads;
pub mod records;
pub mod requests;

// What runs beside the routes.
pub mod events;
pub mod lease;
pub mod operator;
pub mod relay;
pub mod sequencer;

// How it is put together.
pub mod routes;
