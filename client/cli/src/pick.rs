//! Ids on the command line: the whole id, or enough of its first characters.

use std::{fmt::Display, str::FromStr};

use client::{
    Client,
    download::{self, Filter},
    error::codes,
};
use protocol::ids::RecordId;

use super::failure::{self, Failure};

/// The smallest number of hex digits that can identify an id.
const DIGITS_MIN: usize = 4;

/// Parses a whole id (0x and 64 hex digits). Returns `None` for any other text.
pub(crate) fn whole<T: FromStr>(text: &str) -> Option<T> {
    if text.len() == 66 && text.starts_with("0x") { text.parse().ok() } else { None }
}

/// Finds the one id among `candidates` that begins with `text`. `noun` names the kind of thing in error messages.
pub(crate) fn by_start<T: Display + PartialEq + Copy>(
    noun: &str,
    text: &str,
    candidates: impl IntoIterator<Item = T>,
) -> Result<T, Failure> {
    let start = text.strip_prefix("0x").unwrap_or(text).to_ascii_lowercase();
    if start.len() < DIGITS_MIN || start.len() > 64 || !start.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(failure::usage(format!("'{text}' is not the id of a {noun}"))
            .remedy(format!("Write the id, or at least {DIGITS_MIN} of its first hex digits")));
    }
    let mut found: Option<T> = None;
    for candidate in candidates {
        if !candidate.to_string()[2..].starts_with(&start) {
            continue;
        }
        if found.is_some_and(|found| found != candidate) {
            return Err(
                failure::usage(format!("more than one {noun} begins with '{text}'")).remedy("Write more of the id")
            );
        }
        found = Some(candidate);
    }
    found.ok_or_else(|| Failure::new(codes::NOT_FOUND, format!("no {noun} that you may see begins with '{text}'")))
}

/// Finds a record by its id, or by the first characters of it among those that the person may see.
pub(crate) async fn record(client: &Client, text: &str) -> Result<RecordId, Failure> {
    if let Some(id) = whole(text) {
        return Ok(id);
    }
    let (records, _) = download::list(client, Filter::default()).await?;
    by_start("record", text, records.iter().map(|record| record.id))
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;

    use super::*;

    fn id(start: &str) -> RecordId {
        format!("0x{start:0<64}").parse().unwrap()
    }

    #[test]
    fn the_first_digits_are_enough() {
        let ids = [id("abcd1"), id("abcd2"), id("ffff")];
        assert_eq!(by_start("record", "0xabcd1", ids).unwrap(), ids[0]);
        assert_eq!(by_start("record", "FFFF", ids).unwrap(), ids[2]);
        assert_eq!(by_start("record", "abcd", ids).unwrap_err().code(), "usage");
        assert_eq!(by_start("record", "abcd9", ids).unwrap_err().code(), "not_found");
        // The same id twice, for example from two grants, counts as one id.
        assert_eq!(by_start("record", "ffff", [ids[2], ids[2]]).unwrap(), ids[2]);
    }

    #[test]
    fn other_text_is_not_an_id() {
        for text in ["", "0x", "abc", "xyzw", "0xabcg", &"a".repeat(65), "\u{e9}\u{e9}\u{e9}"] {
            assert_eq!(by_start("record", text, [id("abcd")]).unwrap_err().code(), "usage", "{text}");
        }
    }

    #[test]
    fn a_whole_id_is_parsed_without_candidates() {
        assert_eq!(whole::<RecordId>(&id("12").to_string()), Some(id("12")));
        assert_eq!(whole::<RecordId>("0x12"), None);
        assert_eq!(whole::<RecordId>(&format!("0x{}", "g".repeat(64))), None);
        assert_eq!(whole::<B256>(&"a".repeat(66)), None);
    }
}
