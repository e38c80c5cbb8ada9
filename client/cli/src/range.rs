//! Byte ranges of a document: `0-1023`, `1024-`.

use std::{ops::Range, str::FromStr};

/// A part of a document in bytes, as the user typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteRange {
    /// From the first to the last byte, both included.
    Between(u64, u64),
    /// From this byte to the end.
    From(u64),
}

/// The reason why a range cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum RangeError {
    /// The text has none of the accepted forms.
    #[error("'{0}' is not a range: write for example 0-1023, or 1024- for the rest")]
    Unreadable(String),
    /// The range ends before it starts.
    #[error("the range ends before it starts")]
    Empty,
}

impl FromStr for ByteRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let unreadable = || RangeError::Unreadable(text.to_owned());
        // `u64::from_str` also accepts a plus sign, which a range may not have.
        let number = |digits: &str| {
            if digits.bytes().all(|byte| byte.is_ascii_digit()) {
                digits.parse::<u64>().map_err(|_| unreadable())
            } else {
                Err(unreadable())
            }
        };
        match text.split_once('-').ok_or_else(unreadable)? {
            ("", _) => Err(unreadable()),
            (first, "") => Ok(Self::From(number(first)?)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                if last < first { Err(RangeError::Empty) } else { Ok(Self::Between(first, last)) }
            }
        }
    }
}

impl ByteRange {
    /// Returns the half-open range. Its end may be beyond the document.
    pub(crate) const fn to_range(self) -> Range<u64> {
        match self {
            Self::Between(first, last) => first..last.saturating_add(1),
            Self::From(first) => first..u64::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        for (text, range) in
            [("0-3", 0..4), ("4-", 4..u64::MAX), ("0-0", 0..1), ("9-18446744073709551615", 9..u64::MAX)]
        {
            assert_eq!(text.parse::<ByteRange>().unwrap().to_range(), range, "{text}");
        }
    }

    #[test]
    fn other_text_is_not_a_range() {
        for text in ["", "-", "4", "-4", "a-b", "1-2-3", "+1-2", "1-+2", "0x1-2", "18446744073709551616-", " 1-2"] {
            assert!(matches!(text.parse::<ByteRange>(), Err(RangeError::Unreadable(_))), "{text}");
        }
        assert_eq!("3-2".parse::<ByteRange>(), Err(RangeError::Empty));
    }
}
