//! Checks the head of an HTTP/1 request before hyper sees it (RFC 9112).
//!
//! hyper is lenient in cases where two servers in a row may disagree about where a request ends (request smuggling). It
//! also answers unreadable input itself, without a problem that explains the reason. So each head is checked here
//! first, with the parser that hyper uses, and refused if it could be read in more than one way.

use axum::http::{Method, Uri};
use protocol::error_code::ErrorCode;

use super::framing::Framing;

/// The longest head, in bytes.
pub(super) const HEAD_BYTES_MAX: usize = 32 << 10;
/// The longest request target, in bytes.
const TARGET_BYTES_MAX: usize = 8 << 10;
/// The most header lines; hyper's own limit is the same.
const HEADERS_MAX: usize = 100;
/// The longest body that a head may announce. hyper reserves the largest numbers for itself.
const LENGTH_MAX: u64 = i64::MAX as u64;
/// The first bytes of an HTTP/2 connection (RFC 9113, section 3.4).
pub(super) const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The reason why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: ErrorCode,
    pub(super) detail: &'static str,
}

const fn refusal(code: ErrorCode, detail: &'static str) -> Refusal {
    Refusal { code, detail }
}

const fn malformed(detail: &'static str) -> Refusal {
    refusal(ErrorCode::InvalidRequest, detail)
}

/// Searches the received bytes for the end of a head. The first `seen` bytes were searched before. Returns the length
/// of the head with its empty line.
///
/// # Errors
/// Returns an error when it is too long, or has a line that does not end with CR LF.
pub(super) fn end_of_head(bytes: &[u8], seen: usize) -> Result<Option<usize>, Refusal> {
    // The last three bytes may be the start of the end.
    for at in seen.saturating_sub(3)..bytes.len() {
        if bytes[at] != b'\n' {
            continue;
        }
        if at == 0 || bytes[at - 1] != b'\r' {
            return Err(malformed("each line of the head must end with CR LF"));
        }
        if at >= 3 && bytes[at - 3..at - 1] == *b"\r\n" {
            return Ok(Some(at + 1));
        }
    }
    let is_first_line_open = !bytes.contains(&b'\n');
    if is_first_line_open && bytes.len() > TARGET_BYTES_MAX + 64 {
        return Err(refusal(ErrorCode::UriTooLong, "the target of the request is too long"));
    }
    if bytes.len() > HEAD_BYTES_MAX {
        return Err(refusal(ErrorCode::HeadTooLarge, "the head of the request is too large"));
    }
    Ok(None)
}

/// Checks a whole head. Returns how its body ends.
///
/// # Errors
/// Returns an error for everything that hyper itself would refuse, and for everything that could be read in two ways.
pub(super) fn check(head: &[u8]) -> Result<Framing, Refusal> {
    if head.len() > HEAD_BYTES_MAX {
        return Err(refusal(ErrorCode::HeadTooLarge, "the head of the request is too large"));
    }
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Complete(length)) if length == head.len() => {}
        Err(httparse::Error::TooManyHeaders) => {
            return Err(refusal(ErrorCode::HeadTooLarge, "the head of the request has too many headers"));
        }
        _ => return Err(malformed("this is not the head of an HTTP/1.1 request")),
    }
    let is_1_1 = request.version == Some(1);
    check_target(request.method.unwrap_or_default(), request.path.unwrap_or_default())?;
    check_host(&values(request.headers, "host"), is_1_1)?;
    framing(&values(request.headers, "content-length"), &values(request.headers, "transfer-encoding"), is_1_1)
}

fn values<'a>(headers: &[httparse::Header<'a>], name: &str) -> Vec<&'a [u8]> {
    headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value).collect()
}

fn check_target(method: &str, target: &str) -> Result<(), Refusal> {
    if target.len() > TARGET_BYTES_MAX {
        return Err(refusal(ErrorCode::UriTooLong, "the target of the request is too long"));
    }
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| malformed("unknown method"))?;
    if method == Method::CONNECT {
        return Err(refusal(ErrorCode::MethodNotAllowed, "this server is not a proxy"));
    }
    let is_origin_form = target.starts_with('/');
    let is_absolute_form = target.starts_with("http://") || target.starts_with("https://");
    let is_asterisk_form = target == "*" && method == Method::OPTIONS;
    let is_visible = target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if !(is_origin_form || is_absolute_form || is_asterisk_form) || !is_visible || target.parse::<Uri>().is_err() {
        return Err(malformed("the target of the request is malformed"));
    }
    Ok(())
}

/// Checks the `Host` headers: HTTP/1.1 requires exactly one (RFC 9112, section 3.2).
fn check_host(hosts: &[&[u8]], is_1_1: bool) -> Result<(), Refusal> {
    match hosts {
        [] if is_1_1 => Err(malformed("the Host header is missing")),
        [] => Ok(()),
        [host] if is_host(host) => Ok(()),
        [_] => Err(malformed("the Host header is malformed")),
        _ => Err(malformed("there must be one Host header")),
    }
}

/// Returns whether the value is a non-empty `uri-host [ ":" port ]` (RFC 9110, section 7.2).
pub(super) fn is_host(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((address, rest)) = rest.split_once(']') else { return false };
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            match rest {
                "" => return true,
                rest => match rest.strip_prefix(':') {
                    Some(port) => ("v6", port),
                    None => return false,
                },
            }
        }
        None => text.split_once(':').unwrap_or((text, "0")),
    };
    let is_port = port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_port = is_port && (port.is_empty() || port.parse::<u16>().is_ok());
    let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte));
    is_port && is_name && (1..=255).contains(&host.len())
}

/// Returns how the body ends (RFC 9112, section 6.3). Fails if it could be read in more than one way.
fn framing(lengths: &[&[u8]], codings: &[&[u8]], is_1_1: bool) -> Result<Framing, Refusal> {
    match (lengths, codings) {
        ([], []) => Ok(Framing::length(0)),
        ([length], []) => {
            let is_number = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
            let number = std::str::from_utf8(length).ok().filter(|_| is_number).and_then(|text| text.parse().ok());
            let number = number.filter(|number| *number <= LENGTH_MAX);
            number.map(Framing::length).ok_or_else(|| malformed("Content-Length must be one number"))
        }
        (_, []) => Err(malformed("there must be one Content-Length")),
        ([], codings) => transfer_coding(codings, is_1_1),
        _ => Err(malformed("a body has either Content-Length or Transfer-Encoding")),
    }
}

/// Returns the framing for the transfer codings. Only `chunked` alone is supported. If others come before it, the
/// server can find the end of the body, but cannot decode the body.
fn transfer_coding(codings: &[&[u8]], is_1_1: bool) -> Result<Framing, Refusal> {
    if !is_1_1 {
        return Err(malformed("HTTP/1.0 has no Transfer-Encoding"));
    }
    let all = codings.join(&b", "[..]);
    let all: Vec<&[u8]> = all.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).collect();
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    match all.split_last() {
        Some((last, [])) if is_chunked(last) => Ok(Framing::chunked()),
        Some((last, others))
            if is_chunked(last) && !others.iter().any(|other| is_chunked(other) || other.is_empty()) =>
        {
            Err(refusal(ErrorCode::UnsupportedTransferCoding, "the only supported transfer coding is chunked"))
        }
        _ => Err(malformed("chunked must be the last transfer coding, and come once")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(lines: &str) -> Result<Framing, ErrorCode> {
        check(lines.replace('\n', "\r\n").as_bytes()).map_err(|refusal| refusal.code)
    }

    fn headers(lines: &str) -> Result<Framing, ErrorCode> {
        code(&format!("POST /x HTTP/1.1\n{lines}\n\n"))
    }

    #[test]
    fn a_body_ends_in_one_way_only() {
        assert_eq!(headers("Host: x"), Ok(Framing::length(0)));
        assert_eq!(headers("Host: x\ncontent-length: 12"), Ok(Framing::length(12)));
        assert_eq!(headers(&format!("Host: x\nContent-Length: {LENGTH_MAX}")), Ok(Framing::length(LENGTH_MAX)));
        assert_eq!(headers("Host: x\nTransfer-Encoding: chunked"), Ok(Framing::chunked()));
        assert_eq!(headers("Host: x\nTransfer-Encoding: Chunked "), Ok(Framing::chunked()));
        for lines in [
            "Content-Length: 1\nContent-Length: 1",
            "Content-Length: 1\nContent-Length: 2",
            "Content-Length: 1, 1",
            "Content-Length: +1",
            "Content-Length: -1",
            "Content-Length: 0x1",
            "Content-Length: 1 1",
            "Content-Length:",
            "Content-Length: 99999999999999999999",
            "Content-Length: 18446744073709551615",
            "Content-Length: 18446744073709551614",
            "Content-Length: 9223372036854775808",
            "Content-Length: 1\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\nContent-Length: 1",
            "Transfer-Encoding: chunked, gzip",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding: chunked\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\nTransfer-Encoding: identity",
            "Transfer-Encoding: gzip",
            "Transfer-Encoding: identity",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: \"chunked\"",
            "Transfer-Encoding: ,chunked",
            "Transfer-Encoding: chunked;q=1",
            "Transfer-Encoding:",
            "Transfer-Encoding : chunked",
            "Transfer-Encoding:\n chunked",
            "X: a\n folded",
            " X: a",
            "X",
            "X:\u{0}",
        ] {
            assert_eq!(headers(&format!("Host: x\n{lines}")), Err(ErrorCode::InvalidRequest), "{lines}");
        }
        for lines in ["Transfer-Encoding: gzip, chunked", "Transfer-Encoding: gzip\nTransfer-Encoding: chunked"] {
            assert_eq!(headers(&format!("Host: x\n{lines}")), Err(ErrorCode::UnsupportedTransferCoding), "{lines}");
        }
        assert_eq!(code("POST / HTTP/1.0\nTransfer-Encoding: chunked\n\n"), Err(ErrorCode::InvalidRequest));
    }

    #[test]
    fn there_is_one_well_formed_host() {
        for host in ["x", "x.example", "127.0.0.1:80", "[::1]", "[::1]:8080", "x:", "a_b", "x:65535"] {
            assert!(headers(&format!("Host: {host}")).is_ok(), "{host}");
        }
        for lines in [
            "X: y",
            "Host:",
            "Host: ",
            "Host: a\nHost: a",
            "Host: a\nhost: b",
            "Host: a b",
            "Host: a, b",
            "Host: a/b",
            "Host: a@b",
            "Host: a?b",
            "Host: a#b",
            "Host: http://a",
            "Host: a:b",
            "Host: a:99999",
            "Host: a:1:2",
            "Host: [::1",
            "Host: [a]",
            "Host: [::1]x",
            "Host: \u{e4}",
            "Host: a\\b",
            "Host: a%00",
        ] {
            assert_eq!(headers(lines), Err(ErrorCode::InvalidRequest), "{lines}");
        }
        assert!(code("GET / HTTP/1.0\n\n").is_ok(), "HTTP/1.0 has no Host");
        assert!(code("GET / HTTP/1.0\nHost: a\nHost: b\n\n").is_err());
    }

    #[test]
    fn a_target_is_a_path_or_a_url() {
        for target in ["/", "/v1/me?x=1", "http://x/v1/me", "/%00", "/a?b=%ff"] {
            assert!(code(&format!("GET {target} HTTP/1.1\nHost: x\n\n")).is_ok(), "{target}");
        }
        assert!(code("OPTIONS * HTTP/1.1\nHost: x\n\n").is_ok());
        for line in [
            "GET * HTTP/1.1",
            "GET x HTTP/1.1",
            "GET /a#b HTTP/1.1",
            "GET /\u{e4} HTTP/1.1",
            "GET  / HTTP/1.1",
            "GET / HTTP/2.0",
            "GET / HTTP/1.2",
            "GET / http/1.1",
            "GET /",
            "G(T / HTTP/1.1",
            "GET ftp://x/ HTTP/1.1",
            "GET http:// HTTP/1.1",
        ] {
            assert_eq!(code(&format!("{line}\nHost: x\n\n")), Err(ErrorCode::InvalidRequest), "{line}");
        }
        assert_eq!(code("CONNECT x:80 HTTP/1.1\nHost: x\n\n"), Err(ErrorCode::MethodNotAllowed));
    }

    #[test]
    fn too_long_input_has_its_own_codes() {
        let target = format!("GET /{} HTTP/1.1\nHost: x\n\n", "a".repeat(TARGET_BYTES_MAX));
        assert_eq!(code(&target), Err(ErrorCode::UriTooLong));
        let many = "X: y\n".repeat(HEADERS_MAX);
        assert_eq!(code(&format!("GET / HTTP/1.1\nHost: x\n{many}\n")), Err(ErrorCode::HeadTooLarge));
        let open = vec![b'a'; TARGET_BYTES_MAX + 100];
        assert_eq!(end_of_head(&open, 0).map_err(|refusal| refusal.code), Err(ErrorCode::UriTooLong));
        let long = [b"GET / HTTP/1.1\r\nX: ".to_vec(), vec![b'a'; HEAD_BYTES_MAX]].concat();
        assert_eq!(end_of_head(&long, 0).map_err(|refusal| refusal.code), Err(ErrorCode::HeadTooLarge));
    }

    #[test]
    fn the_end_of_a_head_does_not_depend_on_the_pieces() {
        let head = b"GET / HTTP/1.1\r\nHost: x\r\n\r\nrest";
        for first in 0..head.len() {
            let end = head.len() - 4;
            match end_of_head(&head[..first], 0).expect("well-formed") {
                Some(found) => assert_eq!(found, end),
                None => assert_eq!(end_of_head(head, first), Ok(Some(end)), "{first}"),
            }
        }
        for bare in ["GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1\r\nHost: x\n\r\n", "\n"] {
            assert!(end_of_head(bare.as_bytes(), 0).is_err(), "{bare:?}");
        }
    }
}
