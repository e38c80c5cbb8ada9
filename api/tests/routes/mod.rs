//! Each route, as nobody, the right person and the wrong person. Anvil, Kubo and MongoDB are real and shared by all tests
//! here; the tests write the mirror's documents, so that each has exactly the chain events that it is about.

mod blobs;
mod deployment;
mod directory;
mod grants;
mod health;
mod http;
mod keys;
mod login;
mod me;
mod openapi;
mod private_blobs;
mod records;
mod web;
