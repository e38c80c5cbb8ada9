//! People on the command line: a hex address, a name from the private contacts, or `me`.

use alloy::primitives::Address;

/// The reason why the typed text does not identify a person.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum WhoError {
    /// An address in mixed case with a wrong checksum (EIP-55).
    #[error("'{0}' has a wrong checksum: one of its letters or digits is mistyped")]
    Checksum(String),
    /// Begins like an address, but is not one.
    #[error("'{0}' is not an address: 0x and 40 hex digits")]
    NotAnAddress(String),
    /// No contact has this name.
    #[error("no contact has the name '{0}'")]
    UnknownName(String),
}

/// Parses an address: 0x and 40 hex digits. Mixed case must have the checksum of EIP-55.
pub(crate) fn parse_address(text: &str) -> Result<Address, WhoError> {
    let address: Address = text
        .strip_prefix("0x")
        .filter(|digits| digits.len() == 40)
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| WhoError::NotAnAddress(text.to_owned()))?;
    let digits = &text[2..];
    let mixed =
        digits.bytes().any(|byte| byte.is_ascii_lowercase()) && digits.bytes().any(|byte| byte.is_ascii_uppercase());
    if mixed && address.to_checksum(None) != text {
        return Err(WhoError::Checksum(text.to_owned()));
    }
    Ok(address)
}

/// Finds the person that `text` names: an address, `me`, or one of the names in `contacts` (ignoring case).
pub(crate) fn find<'a>(
    text: &str,
    me: Address,
    contacts: impl IntoIterator<Item = (&'a str, Address)>,
) -> Result<Address, WhoError> {
    let text = text.trim();
    if text.starts_with("0x") {
        return parse_address(text);
    }
    if text.eq_ignore_ascii_case("me") {
        return Ok(me);
    }
    let wanted = text.to_lowercase();
    contacts
        .into_iter()
        .find(|(name, _)| name.to_lowercase() == wanted)
        .map(|(_, address)| address)
        .ok_or_else(|| WhoError::UnknownName(text.to_owned()))
}

/// Returns whether a private name may be used: not empty, not the form of an address, not `me`, and printable.
pub(crate) fn is_usable_name(name: &str) -> bool {
    let name = name.trim();
    !name.is_empty()
        && name.len() <= 200
        && !name.starts_with("0x")
        && !name.eq_ignore_ascii_case("me")
        && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKSUMMED: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

    #[test]
    fn one_case_needs_no_checksum() {
        let expected: Address = CHECKSUMMED.parse().unwrap();
        let upper = format!("0x{}", CHECKSUMMED[2..].to_uppercase());
        for text in [CHECKSUMMED, &CHECKSUMMED.to_lowercase(), &upper] {
            assert_eq!(parse_address(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn mixed_case_with_a_wrong_checksum_is_refused() {
        let swapped = CHECKSUMMED.replacen('F', "f", 1);
        assert_eq!(parse_address(&swapped), Err(WhoError::Checksum(swapped.clone())));
    }

    #[test]
    fn other_text_is_not_an_address() {
        for text in [
            "",
            "0x",
            "0x12",
            "f39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
            "0xg39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
            "0x0xFd6e51aad88F6F4ce6aB8827279cffFb92266",
        ] {
            assert!(matches!(parse_address(text), Err(WhoError::NotAnAddress(_))), "{text}");
        }
    }

    #[test]
    fn a_name_means_the_contact_whatever_its_case() {
        let ada = Address::repeat_byte(1);
        let me = Address::repeat_byte(2);
        let contacts = [("Dr. Ada", ada)];
        assert_eq!(find("dr. ada", me, contacts), Ok(ada));
        assert_eq!(find("me", me, contacts), Ok(me));
        assert_eq!(find("Bob", me, contacts), Err(WhoError::UnknownName("Bob".to_owned())));
    }

    #[test]
    fn a_name_cannot_look_like_an_address() {
        for name in ["", " ", "me", "ME", "0xabc", "a\nb", "\u{1b}[31m"] {
            assert!(!is_usable_name(name), "{name:?}");
        }
        assert!(is_usable_name("Dr. Ada"));
    }
}
