//! The server's work on the chain: each test has a network of its own, with Anvil, Kubo and MongoDB. Requests go straight
//! to the router. What concerns several programs is in the end-to-end tests.

mod actions;
mod asked;
mod at_rest;
mod budgets;
mod crowd;
mod ended;
mod known;
mod lines;
mod log;
mod operator_keys;
mod promises;
mod pseudonyms;
mod queries;
mod reads;
mod records;
mod refusals;
mod requests;
mod strangers;
mod uploaders;
mod walk;
mod withdrawal;
