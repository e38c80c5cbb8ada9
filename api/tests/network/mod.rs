//! The chain half of the API on the real parts: Anvil and MongoDB, started by `localnet`; requests go straight to the
//! router. What concerns the indexer's mirror or whole programs stands in the end-to-end tests.

mod actions;
mod asked;
mod at_rest;
mod budgets;
mod crowd;
mod ended;
mod lines;
mod log;
mod promises;
mod queries;
mod reads;
mod refusals;
mod requests;
mod strangers;
mod walk;
mod withdrawal;
