//! Replaces the crate `core2` 0.4, whose published versions were yanked: its two modules that are used here, based on
//! std.
#![forbid(unsafe_code)]
pub use std::{error, io};
