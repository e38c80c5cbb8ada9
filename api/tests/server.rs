//! The tests of the server's routes and of its work on the chain, in one program.

mod commands;
mod network;
mod routes;
