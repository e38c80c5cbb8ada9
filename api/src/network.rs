//! Determines the network that a request comes from.
//!
//! The owner of one IPv6 address has its whole /64, and can get a /48 for little money. Both are therefore counted; for
//! IPv4, the address and its /24. Behind a proxy, the address is the one that the proxy saw and wrote into a header.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use axum::http::HeaderMap;

/// The network of the request that is being answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestNetwork(pub(crate) IpAddr);

/// Returns the network that an address counts for: the address itself for IPv4, the first 64 bits for IPv6.
pub(crate) fn of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => AddressRange::begin(address.into(), 64),
        address => address,
    }
}

/// Returns the wider network that one owner may have: the /24 of an IPv4 address, the /48 of an IPv6 address.
pub(crate) fn wide(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => AddressRange::begin(address.into(), 48),
        address => AddressRange::begin(address, 24),
    }
}

/// An address, or all addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    first: IpAddr,
    bits: u8,
}

impl AddressRange {
    /// Returns the first address of the range.
    fn begin(address: IpAddr, bits: u8) -> IpAddr {
        match address {
            IpAddr::V4(address) => {
                Ipv4Addr::from_bits(address.to_bits() & u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0)).into()
            }
            IpAddr::V6(address) => {
                Ipv6Addr::from_bits(address.to_bits() & u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0))
                    .into()
            }
        }
    }

    /// Returns whether the range contains the address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && Self::begin(address, self.bits) == self.first
    }
}

/// The text is neither an address nor a range such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither an address nor a range of addresses, such as 10.0.0.0/8")]
pub struct NoRange;

impl FromStr for AddressRange {
    type Err = NoRange;

    fn from_str(text: &str) -> Result<Self, NoRange> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.trim().parse().map_err(|_| NoRange)?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(all), |bits| bits.trim().parse().map_err(|_| NoRange))?;
        if bits > all {
            return Err(NoRange);
        }
        Ok(Self { first: Self::begin(address, bits), bits })
    }
}

/// Returns the address that a proxy saw: the last entry of the last line. The client itself may have written the
/// entries before it.
pub(crate) fn forwarded(headers: &HeaderMap, name: &str) -> Option<IpAddr> {
    let line = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    let entry = line.rsplit(',').next()?.trim();
    if entry.contains('=') { address_of_node(node_of_element(entry)?) } else { address_of_node(entry) }
}

/// Returns the value of `for` in an element of `Forwarded` (RFC 7239, section 4): `by=…;for=…;proto=…`.
fn node_of_element(element: &str) -> Option<&str> {
    let mut nodes = element.split(';').filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then_some(value)
    });
    let node = nodes.next()?;
    nodes.next().is_none().then_some(node)
}

/// Parses the address of a node: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`, each
/// with or without quotes.
fn address_of_node(node: &str) -> Option<IpAddr> {
    let node = node.strip_prefix('"').and_then(|node| node.strip_suffix('"')).unwrap_or(node);
    if let Some(rest) = node.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let is_end = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return address.parse::<Ipv6Addr>().ok().filter(|_| is_end).map(IpAddr::from);
    }
    node.parse().ok().or_else(|| {
        let (address, port) = node.split_once(':')?;
        address.parse::<Ipv4Addr>().ok().filter(|_| is_port(port)).map(IpAddr::from)
    })
}

/// Returns whether the text is a port, or an obfuscated port (RFC 7239, section 6).
fn is_port(text: &str) -> bool {
    let hidden = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    text.parse::<u16>().is_ok() || text.strip_prefix('_').is_some_and(hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().expect("a header value"));
        }
        forwarded(&headers, "x-forwarded-for").map(|address| address.to_string())
    }

    #[test]
    fn entries_before_that_of_the_proxy_are_ignored() {
        assert_eq!(seen(&["192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(seen(&["198.51.100.7, 192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(seen(&["198.51.100.7", "192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(seen(&["for=198.51.100.7, for=192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(seen(&["198.51.100.7", "x"]), None);
        assert_eq!(seen(&[]), None);
    }

    #[test]
    fn an_entry_may_have_a_port_brackets_quotes_or_the_form_of_rfc_7239() {
        for (entry, address) in [
            ("192.0.2.1:5678", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
            ("proto=https; For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=\"192.0.2.1:_x-1\"", "192.0.2.1"),
        ] {
            assert_eq!(seen(&[entry]).as_deref(), Some(address), "{entry}");
        }
        for entry in [
            "",
            "unknown",
            "for=unknown",
            "for=_hidden",
            "by=192.0.2.1",
            "for=192.0.2.1;for=192.0.2.2",
            "192.0.2.1:",
            "192.0.2.1:99999",
            "192.0.2.1:80:80",
            "[192.0.2.1]",
            "[2001:db8::1]x",
            "[2001:db8::1",
            "192.0.2.1,",
        ] {
            assert_eq!(seen(&[entry]), None, "{entry}");
        }
    }

    #[test]
    fn addresses_are_counted_by_network() {
        let both = |text: &str| {
            let address = of(text.parse().expect("an address"));
            (address.to_string(), wide(address).to_string())
        };
        let pair = |network: &str, wide: &str| (network.to_owned(), wide.to_owned());
        assert_eq!(both("2001:db8:1:2:3:4:5:6"), pair("2001:db8:1:2::", "2001:db8:1::"));
        assert_eq!(both("2001:db8:1:2:ffff::1"), pair("2001:db8:1:2::", "2001:db8:1::"));
        assert_eq!(both("2001:db8:2:3::1"), pair("2001:db8:2:3::", "2001:db8:2::"));
        assert_eq!(both("::ffff:192.0.2.1"), pair("192.0.2.1", "192.0.2.0"));
        assert_eq!(both("192.0.2.1"), pair("192.0.2.1", "192.0.2.0"));
    }

    #[test]
    fn a_range_contains_the_addresses_with_its_prefix() {
        let has = |range: &str, address: &str| {
            range.parse::<AddressRange>().expect("a range").contains(address.parse().expect("an address"))
        };
        for (range, address) in [
            ("127.0.0.0/8", "127.9.9.9"),
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3/24", "10.1.2.255"),
            ("0.0.0.0/0", "192.0.2.1"),
            ("::1", "::1"),
            ("fd00::/8", "fd12::1"),
            ("::/0", "2001:db8::1"),
            ("10.0.0.0/8", "::ffff:10.0.0.1"),
        ] {
            assert!(has(range, address), "{range} {address}");
        }
        for (range, address) in
            [("127.0.0.0/8", "128.0.0.1"), ("10.1.2.3", "10.1.2.4"), ("0.0.0.0/0", "::1"), ("::/0", "192.0.2.1")]
        {
            assert!(!has(range, address), "{range} {address}");
        }
        for text in ["", "x", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "proxy.example"] {
            assert_eq!(text.parse::<AddressRange>(), Err(NoRange), "{text}");
        }
    }
}
