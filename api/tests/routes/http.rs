//! Behaviour of the server that is the same for all routes: HTTP itself, the form of requests, limits.

mod broken;
mod forms;
mod frames;
mod h2_client;
mod headers;
mod http1;
mod http2;
mod idempotency;
mod large_fields;
mod limits;
mod operations;
mod outages;
mod pages;
mod served;
mod slow_readers;
mod unreadable;
