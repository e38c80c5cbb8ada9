//! The chain half of the API on the real parts: Anvil and MongoDB, started by `localnet`; requests go straight to the
//! router. What concerns the indexer's mirror or whole programs stands in the end-to-end tests.

#[path = "network/world.rs"]
mod world;

#[path = "network/actions.rs"]
mod actions;
#[path = "network/asked.rs"]
mod asked;
#[path = "network/at_rest.rs"]
mod at_rest;
#[path = "network/budgets.rs"]
mod budgets;
#[path = "network/crowd.rs"]
mod crowd;
#[path = "network/ended.rs"]
mod ended;
#[path = "network/lines.rs"]
mod lines;
#[path = "network/log.rs"]
mod log;
#[path = "network/promises.rs"]
mod promises;
#[path = "network/queries.rs"]
mod queries;
#[path = "network/reads.rs"]
mod reads;
#[path = "network/refusals.rs"]
mod refusals;
#[path = "network/requests.rs"]
mod requests;
#[path = "network/strangers.rs"]
mod strangers;
#[path = "network/walk.rs"]
mod walk;
#[path = "network/withdrawal.rs"]
mod withdrawal;
