//! The tests of the server's routes and of its work on the chain, in one program.

mod network;
mod routes;
