//! Checks that a login message is exactly the requested one, and that it is signed.

use alloy::primitives::{Address, eip191_hash_message};
use mongodb::bson::doc;
use protocol::{
    bodies::account::LoginBody,
    error_code::ErrorCode,
    session::{LOGIN_STATEMENT, LoginMessage, SESSION_RESOURCE_PREFIX, parse_session_resource},
};
use signinwithethereum::{Message, TimeStamp, VerificationError, VerificationOpts};

use super::challenge::{NonceDoc, origin};
use crate::{app::App, error::ApiError, store::collection};

/// The longest login message. Longer texts are refused before they are parsed.
const MESSAGE_BYTES_MAX: usize = 4 << 10;

/// A valid login.
pub(super) struct Login {
    pub(super) address: Address,
    /// The session key, uncompressed point, hex.
    pub(super) session_key: String,
    /// Unix seconds.
    pub(super) expires_at: u64,
}

/// Checks every part of the message, consumes its nonce, and then checks the signature. A wrong signature also consumes
/// the nonce, so each guess costs a challenge.
pub(super) async fn check(app: &App, body: &LoginBody) -> Result<Login, ApiError> {
    if body.message.len() > MESSAGE_BYTES_MAX {
        return Err(invalid("the login message is too long"));
    }
    let message: Message = body.message.parse().map_err(|_| invalid("this is not an EIP-4361 message"))?;
    let session_key = check_text(app, &message, &body.message)?;
    check_origin(app, &message)?;
    let expires_at = check_times(app, &message)?;
    consume_nonce(app, &message).await?;
    let address = Address::from(message.address);
    check_signature(app, &message, body, address).await?;
    Ok(Login { address, session_key, expires_at })
}

/// Checks that the text equals, byte for byte, what [`LoginMessage`] builds from its parts. So it has no scheme before
/// the domain, no Not Before, no Request ID, no second resource, and only one spelling of an address. Returns the
/// session key.
fn check_text(app: &App, message: &Message, text: &str) -> Result<String, ApiError> {
    let [resource] = &message.resources[..] else {
        return Err(invalid("the message must have exactly one resource, the session key"));
    };
    let resource = resource.as_str();
    let Some(key) = parse_session_resource(resource) else {
        return Err(invalid("the message's resource is not a session key"));
    };
    let point: [u8; 65] =
        key.to_sec1_point(false).as_bytes().try_into().expect("an uncompressed P-256 point has 65 bytes");
    if message.statement.as_deref() != Some(LOGIN_STATEMENT) {
        return Err(invalid("the message does not have medlock's statement"));
    }
    let Some(expiration) = &message.expiration_time else {
        return Err(invalid("the message must have an expiration time"));
    };
    let expected = LoginMessage {
        domain: message.domain.as_str(),
        address: Address::from(message.address),
        uri: message.uri.as_str(),
        chain_id: message.chain_id,
        nonce: &message.nonce,
        issued_at: &message.issued_at.to_string(),
        expiration_time: &expiration.to_string(),
        session_key: &point,
    };
    if expected.to_string() != text {
        return Err(invalid("the message does not have the form that the challenge requires"));
    }
    if !is_rfc3339(&message.issued_at.to_string()) || !is_rfc3339(&expiration.to_string()) {
        return Err(invalid("the message's times are not in the form of RFC 3339"));
    }
    if message.chain_id != app.deployment.chain_id {
        return Err(ApiError::new(ErrorCode::WrongChain, "the login message is for another chain"));
    }
    Ok(resource.strip_prefix(SESSION_RESOURCE_PREFIX).unwrap_or(resource).to_owned())
}

/// Returns whether the text is `YYYY-MM-DDThh:mm:ss`, with an optional fraction, and `Z` or an offset (RFC 3339,
/// section 5.6, with its capital letters). Parsers accept more: a space for the `T`, and small letters.
fn is_rfc3339(text: &str) -> bool {
    let Some((form, rest)) = text.split_at_checked(19) else { return false };
    let is_form = form.bytes().zip(b"dddd-dd-ddTdd:dd:dd").all(|(byte, form)| match form {
        b'd' => byte.is_ascii_digit(),
        other => byte == *other,
    });
    let rest = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if zone.len() == fraction.len() || fraction.len() - zone.len() > 9 {
                return false;
            }
            zone
        }
    };
    let is_offset = || {
        let (hours, minutes) = rest.get(1..)?.split_once(':')?;
        let is_number = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        Some(rest.starts_with(['+', '-']) && is_number(hours) && is_number(minutes))
    };
    is_form && (rest == "Z" || is_offset().unwrap_or(false))
}

fn check_origin(app: &App, message: &Message) -> Result<(), ApiError> {
    let origin = origin(&app.settings);
    if message.domain.as_str() != origin.domain {
        return Err(ApiError::new(ErrorCode::WrongDomain, "the login message is for another domain"));
    }
    if message.uri.as_str() != origin.uri {
        return Err(ApiError::new(ErrorCode::WrongDomain, "the login message is for another address of this server"));
    }
    Ok(())
}

/// Returns the second at which the session ends.
fn check_times(app: &App, message: &Message) -> Result<u64, ApiError> {
    let limits = &app.settings.limits;
    let now = app.clock.now();
    let issued = seconds(&message.issued_at);
    let skew = limits.clock_skew_seconds_max;
    if issued > now + skew {
        return Err(ApiError::new(ErrorCode::ClockSkew, "the login message was issued in the future"));
    }
    if issued + limits.nonce_seconds + skew < now {
        return Err(ApiError::new(ErrorCode::ClockSkew, "the login message was issued too long ago"));
    }
    let expires = message.expiration_time.as_ref().map_or(0, seconds);
    if expires <= now {
        return Err(ApiError::new(ErrorCode::Expired, "the login message has expired"));
    }
    if expires > issued.saturating_add(limits.session_seconds_max) {
        return Err(invalid("the login message asks for a longer session than this server gives"));
    }
    Ok(expires.min(now + limits.session_seconds_max))
}

/// Returns the time in Unix seconds, or 0 before 1970.
fn seconds(time: &TimeStamp) -> u64 {
    u64::try_from(time.as_ref().unix_timestamp()).unwrap_or(0)
}

async fn consume_nonce(app: &App, message: &Message) -> Result<(), ApiError> {
    let nonces = app.database.collection::<NonceDoc>(collection::NONCES);
    let used =
        || ApiError::new(ErrorCode::NonceUsed, "the login nonce was used, has expired, or is not from this server");
    let nonce = nonces.find_one_and_delete(doc! { "_id": &message.nonce }).await?.ok_or_else(used)?;
    if nonce.expires_at <= app.clock.now() {
        return Err(used());
    }
    // The message was built from the challenge, so it can be older only if a clock is wrong.
    if seconds(&message.issued_at) + app.settings.limits.clock_skew_seconds_max < nonce.created_at {
        return Err(ApiError::new(ErrorCode::ClockSkew, "the login message was issued before its challenge"));
    }
    Ok(())
}

/// Checks the signature. The library checks every part again with every option set. A contract account is asked by our
/// own call, because the library's calls would have no timeout.
async fn check_signature(app: &App, message: &Message, body: &LoginBody, address: Address) -> Result<(), ApiError> {
    let hash = eip191_hash_message(body.message.as_bytes());
    app.chain_view.verify_signed(hash, address, &body.signature).await?;
    let origin = origin(&app.settings);
    let now = jiff::Timestamp::from_second(i64::try_from(app.clock.now()).map_err(ApiError::internal)?)
        .map_err(ApiError::internal)?;
    let options = VerificationOpts {
        domain: Some(origin.domain.parse().map_err(|_| not_configured("login domain"))?),
        nonce: Some(message.nonce.clone()),
        timestamp: Some(*now.to_string().parse::<TimeStamp>().map_err(|_| not_configured("clock"))?.as_ref()),
        uri: Some(origin.uri.parse().map_err(|_| not_configured("public URL"))?),
        chain_id: Some(app.deployment.chain_id),
        // The message has no scheme before its domain. The URI contains it and is compared as a whole.
        scheme: None,
    };
    match message.verify(&body.signature, &options).await {
        Ok(()) => Ok(()),
        // Not the signature of an externally owned account, but the contract has accepted it above.
        Err(VerificationError::Signer | VerificationError::Crypto(_) | VerificationError::SignatureLength) => Ok(()),
        Err(VerificationError::RpcRequired) => Ok(()),
        Err(_) => Err(invalid("the login message is not the requested one")),
    }
}

fn not_configured(part: &'static str) -> ApiError {
    ApiError::internal(anyhow::anyhow!("the {part} of this server cannot be used in a login message"))
}

fn invalid(detail: &'static str) -> ApiError {
    ApiError::new(ErrorCode::InvalidLogin, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_one_form() {
        for good in [
            "2026-11-29T00:00:00Z",
            "2026-11-29T00:00:00.123Z",
            "2026-11-29T00:00:00+01:30",
            "2026-11-29T00:00:00.1-00:00",
        ] {
            assert!(is_rfc3339(good), "{good}");
        }
        for bad in [
            "2026-11-29 00:00:00Z",
            "2026-11-29t00:00:00Z",
            "2026-11-29T00:00:00z",
            "2026-11-29T00:00:00",
            "2026-11-29T00:00:00.Z",
            "2026-11-29T00:00:00.1234567890Z",
            "2026-11-29T00:00:00+0130",
            "2026-11-29T00:00:00+1:30",
            "2026-11-29_00:00:00Z",
            "2026-11-29T00:00Z",
            "+2026-11-29T00:00:00Z",
            "2026-11-29T00:00:00Z ",
            "",
            "2026-11-29T00:00:0\u{661}Z",
        ] {
            assert!(!is_rfc3339(bad), "{bad}");
        }
    }
}
