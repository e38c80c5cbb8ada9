//! Serde form of fixed bytes and addresses: always lower-case `0x…` text, also in formats that call themselves
//! binary, so that a value looks the same in JSON, in MongoDB and on screen.

use std::{fmt::LowerHex, str::FromStr};

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Writes `value` as lower-case hex with `0x`.
pub fn serialize<T: LowerHex, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{value:#x}"))
}

/// Reads hex text; the error never repeats the input.
pub fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
    text.parse().map_err(|_| D::Error::custom("expected 0x-prefixed hex of the right length"))
}

/// The same for a value that may be missing.
pub mod option {
    use super::{Deserialize, Deserializer, Error, FromStr, LowerHex, Serializer};

    /// Writes the hex text, or null.
    pub fn serialize<T: LowerHex, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.serialize_some(&format!("{value:#x}")),
            None => to.serialize_none(),
        }
    }

    /// Reads hex text or null.
    pub fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
        Option::<String>::deserialize(from)?
            .map(|text| text.parse().map_err(|_| D::Error::custom("expected 0x-prefixed hex of the right length")))
            .transpose()
    }
}
