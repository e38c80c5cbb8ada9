//! Conditional requests, and the encodings that a client accepts (RFC 9110, sections 12 and 13): entity tags,
//! `If-Range`, `gzip`.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// The entity tags in a header.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tags {
    /// `*`: any tag.
    Any,
    /// The listed tags: the text between the quotes, and whether the tag is weak.
    These(Vec<(String, bool)>),
}

impl Tags {
    /// Parses every line of `If-Match` or `If-None-Match`. Returns `None` if there is none, or if a line is not a list
    /// of tags.
    pub(crate) fn of(headers: &HeaderMap, name: &HeaderName) -> Option<Self> {
        let mut lines = headers.get_all(name).iter().peekable();
        lines.peek()?;
        let mut tags = Vec::new();
        for line in lines {
            let line = line.to_str().ok()?.trim();
            if line == "*" {
                return Some(Self::Any);
            }
            read_list(line, &mut tags)?;
        }
        Some(Self::These(tags))
    }

    /// Returns whether the header lists the tag with this text, weak or strong (weak comparison).
    pub(crate) fn match_weakly(&self, opaque: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|(tag, _)| tag == opaque),
        }
    }

    /// Returns the texts of the strong tags, which are the ones that `If-Match` may compare.
    pub(crate) fn strong(self) -> Vec<String> {
        match self {
            Self::Any => Vec::new(),
            Self::These(tags) => tags.into_iter().filter(|(_, weak)| !weak).map(|(tag, _)| tag).collect(),
        }
    }
}

/// Parses a list such as `"a", W/"b"`. The quotes may contain commas, and empty members are ignored.
fn read_list(mut rest: &str, tags: &mut Vec<(String, bool)>) -> Option<()> {
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Some(());
        }
        let (weak, quoted) = rest.strip_prefix("W/").map_or((false, rest), |quoted| (true, quoted));
        let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
        tags.push((opaque.to_owned(), weak));
        rest = after.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
}

/// Returns whether the client already has the content with this tag: `If-None-Match` lists it.
pub(crate) fn is_known(headers: &HeaderMap, opaque: &str) -> bool {
    Tags::of(headers, &header::IF_NONE_MATCH).is_some_and(|tags| tags.match_weakly(opaque))
}

/// Returns whether a range may be answered: `If-Range` is absent or equals this tag. A date never matches, because the
/// server sends no dates.
pub(crate) fn is_range_wanted(headers: &HeaderMap, opaque: &str) -> bool {
    let mut lines = headers.get_all(header::IF_RANGE).iter();
    match (lines.next(), lines.next()) {
        (None, _) => true,
        (Some(line), None) => line.to_str().is_ok_and(|line| line.trim() == format!("\"{opaque}\"")),
        _ => false,
    }
}

/// Returns an entity tag as a header value.
pub(crate) fn etag(opaque: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{opaque}\"")).expect("hashes and CIDs are visible ASCII")
}

/// Returns a 304 answer with the headers that it must repeat.
pub(crate) fn not_modified(opaque: &str, cache: &'static str) -> Response {
    let headers = [(header::ETAG, etag(opaque)), (header::CACHE_CONTROL, HeaderValue::from_static(cache))];
    (StatusCode::NOT_MODIFIED, headers).into_response()
}

/// Returns whether the client accepts gzip: `Accept-Encoding` lists it, or `*`, with a weight above zero.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut any) = (None, None);
    for line in headers.get_all(header::ACCEPT_ENCODING) {
        for member in line.to_str().unwrap_or_default().split(',') {
            let mut parts = member.split(';').map(str::trim);
            let coding = parts.next().unwrap_or_default();
            let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            let taken = weight.is_none_or(|weight| weight.trim().parse::<f32>().is_ok_and(|weight| weight > 0.0));
            if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") {
                gzip = Some(taken);
            } else if coding == "*" {
                any = Some(taken);
            }
        }
    }
    gzip.or(any).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (name.clone(), line.parse().expect("a header value"))).collect()
    }

    #[test]
    fn a_tag_matches_alone_in_a_list_weakly_and_by_a_star() {
        let known = |lines: &[&str]| is_known(&headers(header::IF_NONE_MATCH, lines), "a,b");
        for lines in [
            &[r#""a,b""#][..],
            &[r#"W/"a,b""#],
            &["*"],
            &[r#""x", "a,b""#],
            &[r#""x",W/"a,b" , "y""#],
            &[r#""x""#, r#""a,b""#],
            &[r#", ,"a,b","#],
        ] {
            assert!(known(lines), "{lines:?}");
        }
        for lines in
            [&[][..], &[""], &["a,b"], &[r#""a""#], &[r#""a,b"#], &[r#"w/"a,b""#], &[r#""a,b" "a,b""#], &[r#""*""#]]
        {
            assert!(!known(lines), "{lines:?}");
        }
    }

    #[test]
    fn only_the_exact_tag_allows_a_range() {
        let wanted = |lines: &[&str]| is_range_wanted(&headers(header::IF_RANGE, lines), "a");
        assert!(wanted(&[]) && wanted(&[r#""a""#]));
        for lines in [
            &[r#"W/"a""#][..],
            &[r#""b""#],
            &["*"],
            &["Sun, 29 Nov 2026 00:00:00 GMT"],
            &[""],
            &[r#""a", "b""#],
            &[r#""a""#, r#""a""#],
        ] {
            assert!(!wanted(lines), "{lines:?}");
        }
    }

    #[test]
    fn only_strong_tags_identify_the_replaced_revision() {
        let tags = Tags::of(&headers(header::IF_MATCH, &[r#""a", W/"b", "c""#]), &header::IF_MATCH).expect("tags");
        assert_eq!(tags.strong(), ["a", "c"]);
        assert_eq!(Tags::of(&headers(header::IF_MATCH, &["x"]), &header::IF_MATCH), None);
    }

    #[test]
    fn a_weight_of_zero_means_no() {
        let takes = |lines: &[&str]| takes_gzip(&headers(header::ACCEPT_ENCODING, lines));
        for lines in [
            &["gzip"][..],
            &["br, GZIP;q=0.1"],
            &["*"],
            &["br;q=1, *;q=0.5"],
            &["deflate", "gzip"],
            &["*;q=0, gzip"],
            &["gzip; q=1"],
        ] {
            assert!(takes(lines), "{lines:?}");
        }
        for lines in [
            &[][..],
            &[""],
            &["identity"],
            &["gzip;q=0"],
            &["gzip; q=0.000"],
            &["gzip;q=0, *"],
            &["*;q=0"],
            &["gzip;q=x"],
            &["gzip;q=-1"],
            &["notgzip"],
        ] {
            assert!(!takes(lines), "{lines:?}");
        }
    }
}
