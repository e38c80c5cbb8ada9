//! Every route, spoken to as people do: nobody, the right person, the wrong person. Anvil, Kubo and MongoDB are real;
//! the mirror's documents are written by the tests, so that each has exactly the chain events that it is about.

mod blobs;
mod directory;
mod http;
mod lists;
mod login;
mod me;
mod openapi;
mod private_blobs;
mod web;
