//! Stands in for the crate `core2` 0.4, whose published versions were yanked: the two modules its users name, over std.
#![forbid(unsafe_code)]
pub use std::{error, io};
