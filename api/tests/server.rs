//! The tests of the server, in one program: each route, the work on the chain, and commands.

mod commands;
mod network;
mod routes;
mod world;
