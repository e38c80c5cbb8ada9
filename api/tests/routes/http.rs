//! Behaviour of the server that is the same for all routes: HTTP itself, the form of requests, limits.

mod broken;
mod edges;
mod forms;
mod http2;
mod slow_readers;
mod sockets;
