//! One range of bytes (RFC 9110, section 14).

use axum::http::{HeaderMap, header};
use protocol::error_code::ErrorCode;

use crate::error::ApiError;

/// Returns the requested range as offset and length, or `None` for the whole file. A header that is not a byte range,
/// or that has several ranges, is ignored, as the RFC allows.
///
/// # Errors
/// Returns `invalid_range` when no part of it is in a file of `size` bytes.
pub(super) fn of(headers: &HeaderMap, size: u64) -> Result<Option<(u64, u64)>, ApiError> {
    let Some(spec) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()?.trim().strip_prefix("bytes="))
    else {
        return Ok(None);
    };
    let Some((first, last)) = parse(spec) else { return Ok(None) };
    let outside = || ApiError::new(ErrorCode::InvalidRange, format!("the file has {size} bytes"));
    match (first, last) {
        (Some(first), last) => {
            let last = last.unwrap_or(u64::MAX).min(size.saturating_sub(1));
            if first >= size || last < first { Err(outside()) } else { Ok(Some((first, last - first + 1))) }
        }
        (None, Some(suffix)) => {
            let length = suffix.min(size);
            if length == 0 { Err(outside()) } else { Ok(Some((size - length, length))) }
        }
        (None, None) => Ok(None),
    }
}

/// Parses the first and last byte. The first is absent in a suffix range.
fn parse(spec: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (first, last) = spec.trim().split_once('-')?;
    let number = |text: &str| -> Option<Option<u64>> {
        if text.is_empty() {
            return Some(None);
        }
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Some(text.parse().unwrap_or(u64::MAX)))
    };
    let (first, last) = (number(first.trim())?, number(last.trim())?);
    match (first, last) {
        (Some(first), Some(last)) if last < first => None,
        range => Some(range),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn asked(range: &'static str, size: u64) -> Result<Option<(u64, u64)>, ErrorCode> {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static(range))]);
        of(&headers, size).map_err(|error| error.code())
    }

    #[test]
    fn ranges_are_cut_to_the_file() {
        assert_eq!(asked("bytes=0-0", 10), Ok(Some((0, 1))));
        assert_eq!(asked("bytes=3-", 10), Ok(Some((3, 7))));
        assert_eq!(asked("bytes=3-99999999999999999999999", 10), Ok(Some((3, 7))));
        assert_eq!(asked("bytes=-4", 10), Ok(Some((6, 4))));
        assert_eq!(asked("bytes=-40", 10), Ok(Some((0, 10))));
    }

    #[test]
    fn ranges_outside_the_file_are_refused() {
        assert_eq!(asked("bytes=10-", 10), Err(ErrorCode::InvalidRange));
        assert_eq!(asked("bytes=-0", 10), Err(ErrorCode::InvalidRange));
        assert_eq!(asked("bytes=0-", 0), Err(ErrorCode::InvalidRange));
    }

    #[test]
    fn other_than_a_single_byte_range_is_ignored() {
        for range in ["bytes=0-1,3-4", "bytes=5-3", "lines=0-1", "bytes=a-b", "bytes=-", "bytes=+1-2"] {
            assert_eq!(asked(range, 10), Ok(None), "{range}");
        }
    }
}
