//! Every route, spoken to as people do: nobody, the right person, the wrong person. Anvil, Kubo and MongoDB are real;
//! the mirror's documents are written by the tests, so that each has exactly the chain events that it is about.

mod world;

mod account;
mod blobs;
mod broken;
mod directory;
mod documents;
mod edges;
mod forms;
mod http2;
mod lists;
mod login;
mod private_blobs;
mod shares;
mod sockets;
mod sockets_h2;
mod web;
