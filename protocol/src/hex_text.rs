//! The serde form of bytes, addresses and long integers: always lower-case `0x…` text, also in binary formats. A value
//! then looks the same in JSON, in MongoDB and on screen.
//!
//! Only such text is accepted. The default serde forms of these types would also accept arrays of numbers, decimal
//! digits, and hex without the prefix, which our documents do not allow.

use std::{fmt::LowerHex, str::FromStr};

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Writes `value` as lower-case hex with `0x`.
pub fn serialize<T: LowerHex, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{value:#x}"))
}

/// Reads hex text. The error never contains the input.
pub fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    parse(&std::borrow::Cow::<'de, str>::deserialize(from)?).ok_or_else(invalid)
}

/// Parses `0x` and the right number of hex digits, in upper or lower case.
fn parse<T: FromStr>(text: &str) -> Option<T> {
    let digits = text.strip_prefix("0x")?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| text.parse().ok()).flatten()
}

fn invalid<E: Error>() -> E {
    E::custom("expected 0x-prefixed hex of the right length")
}

/// The same form for an integer, which has 1 to 64 digits.
pub mod quantity {
    use super::{Deserialize, Deserializer, FromStr, LowerHex, Serializer, invalid, parse};

    /// Writes the integer without leading zeros.
    pub fn serialize<T: LowerHex, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        super::serialize(value, to)
    }

    /// Reads hex text.
    pub fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        if (3..=66).contains(&text.len()) { parse(&text).ok_or_else(invalid) } else { Err(invalid()) }
    }
}

/// The same form for a value that may be missing.
pub mod option {
    use super::{Deserialize, Deserializer, FromStr, LowerHex, Serializer, invalid, parse};

    /// Writes the hex text, or null.
    pub fn serialize<T: LowerHex, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.serialize_some(&format!("{value:#x}")),
            None => to.serialize_none(),
        }
    }

    /// Reads hex text or null.
    pub fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
        Option::<String>::deserialize(from)?.map(|text| parse(&text).ok_or_else(invalid)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256, Bytes, U256, aliases::U40};
    use serde::{Deserialize, Serialize, de::DeserializeOwned};
    use serde_json::{Value, json};

    #[derive(Serialize, Deserialize)]
    #[serde(bound = "T: std::str::FromStr + std::fmt::LowerHex")]
    struct Text<T>(#[serde(with = "super")] T);

    #[derive(Serialize, Deserialize)]
    #[serde(bound = "T: std::str::FromStr + std::fmt::LowerHex")]
    struct Quantity<T>(#[serde(with = "super::quantity")] T);

    fn reads_quantity<T>(value: &Value) -> Option<String>
    where
        Quantity<T>: DeserializeOwned + Serialize,
    {
        let read = serde_json::from_value::<Quantity<T>>(value.clone()).ok()?;
        Some(serde_json::to_value(read).expect("text").as_str().expect("text").to_owned())
    }

    fn reads<T>(value: &Value) -> Option<String>
    where
        Text<T>: DeserializeOwned + Serialize,
    {
        let read = serde_json::from_value::<Text<T>>(value.clone()).ok()?;
        Some(serde_json::to_value(read).expect("text").as_str().expect("text").to_owned())
    }

    #[test]
    fn only_prefixed_hex_text_is_read() {
        let address = format!("0x{}", "Ab".repeat(20));
        assert_eq!(reads::<Address>(&json!(address)), Some(address.to_lowercase()));
        assert_eq!(reads::<Bytes>(&json!("0x")), Some("0x".to_owned()));
        assert_eq!(reads::<Bytes>(&json!("0x01fF")), Some("0x01ff".to_owned()));
        assert_eq!(reads_quantity::<U256>(&json!("0x00ff")), Some("0xff".to_owned()));
        assert_eq!(reads_quantity::<U40>(&json!("0xffffffffff")), Some("0xffffffffff".to_owned()));
        let numbers = |count: usize| json!(vec![1; count]);
        for broken in [
            numbers(20),
            numbers(32),
            json!([]),
            json!("ab".repeat(20)),
            json!("ab".repeat(32)),
            json!("0X00"),
            json!("0x0"),
            json!("+0x00"),
            json!("0x+0"),
            json!("0x_0"),
            json!(" 0x00"),
            json!("10"),
            json!("0b1"),
            json!(""),
            json!(1),
            json!(null),
            json!({}),
            json!("0x10000000000000000000000000000000000000000000000000000000000000000"),
        ] {
            assert_eq!(reads::<Address>(&broken), None, "{broken}");
            assert_eq!(reads::<B256>(&broken), None, "{broken}");
            assert_eq!(reads::<Bytes>(&broken), None, "{broken}");
            // An integer may have an odd number of digits.
            if broken != json!("0x0") {
                assert_eq!(reads_quantity::<U256>(&broken), None, "{broken}");
                assert_eq!(reads_quantity::<U40>(&broken), None, "{broken}");
            }
        }
        assert_eq!(reads_quantity::<U256>(&json!("0x")), None, "an integer has digits");
    }
}
