//! Numbers in a path or a query: only decimal digits. The parser of the standard library would also accept a sign.

use std::{borrow::Cow, str::FromStr};

use serde::{Deserialize, Deserializer, de::Error};

/// Parses a number. Returns `None` unless the text has 1 to 20 digits and the number fits into `T`.
#[must_use]
pub fn parse<T: FromStr>(text: &str) -> Option<T> {
    let is_number = (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// Deserializes a number.
///
/// # Errors
/// Returns an error when the text is not a number.
pub fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    parse(&Cow::<'de, str>::deserialize(from)?).ok_or_else(|| D::Error::custom("expected a number in decimal digits"))
}

/// Deserializes a number as `Some`.
///
/// # Errors
/// Returns an error when the text is not a number.
pub fn option<'de, T: FromStr, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    deserialize(from).map(Some)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn only_digits_are_a_number() {
        assert_eq!(parse::<u16>("0"), Some(0));
        assert_eq!(parse::<u16>("65535"), Some(65_535));
        assert_eq!(parse::<u64>("18446744073709551615"), Some(u64::MAX));
        for text in ["", "+1", "-1", " 1", "1 ", "1.0", "1e3", "0x1", "65536", "\u{661}", "000000000000000000001"] {
            assert_eq!(parse::<u16>(text), None, "{text}");
        }
    }
}
