//! The checks of a read request that need no other service.

use protocol::{
    bodies::reads::ReadBody,
    error_code::ErrorCode,
    reads::{READ_REQUEST_SECONDS_MAX, ReadRequest},
    session::verify_session_signature,
};

use crate::{app::App, caller::Caller, error::ApiError};

/// Checks that this session's key signed the request just now, and for the session's own address.
///
/// # Errors
/// Returns `not_signed_in` for another session's request, `forbidden` for another grantee's, `expired` or `clock_skew`
/// for its deadline, `invalid_signature`, and `unknown_record` for version 0.
pub(super) fn check(app: &App, caller: &Caller, body: &ReadBody) -> Result<(), ApiError> {
    let request = &body.request;
    if request.login_hash != caller.login_hash() {
        return Err(ApiError::new(
            ErrorCode::NotSignedIn,
            "the request names a session other than the one that sends it",
        ));
    }
    if request.grantee != caller.address {
        return Err(ApiError::forbidden("you can only read as yourself"));
    }
    check_deadline(request, app.clock.now())?;
    if !verify_session_signature(&caller.session_key, &request.signed_bytes(&app.deployment), &body.signature) {
        return Err(ApiError::new(ErrorCode::InvalidSignature, "the request is not signed by the session's key"));
    }
    if request.version == 0 {
        return Err(ApiError::new(ErrorCode::UnknownRecord, "versions start at 1"));
    }
    Ok(())
}

fn check_deadline(request: &ReadRequest, now: u64) -> Result<(), ApiError> {
    let skewed = |detail| Err(ApiError::new(ErrorCode::ClockSkew, detail));
    if request.deadline > now.saturating_add(READ_REQUEST_SECONDS_MAX) {
        return skewed("the deadline is later than a read request allows");
    }
    if request.deadline.saturating_add(READ_REQUEST_SECONDS_MAX) <= now {
        return skewed("the deadline passed so long ago that the client's clock must be behind");
    }
    if request.deadline <= now {
        return Err(ApiError::new(ErrorCode::Expired, "the request's deadline has passed"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256};
    use protocol::{
        codes::Purpose,
        ids::{RecordId, Salt},
    };

    use super::*;

    fn due(deadline: u64) -> ReadRequest {
        ReadRequest {
            login_hash: B256::ZERO,
            record: RecordId(B256::ZERO),
            version: 1,
            purpose: Purpose::Treatment,
            grantee: Address::ZERO,
            salt: Salt(B256::ZERO),
            nonce: B256::ZERO,
            deadline,
        }
    }

    #[test]
    fn a_deadline_is_valid_for_a_minute_and_a_wrong_clock_is_reported() {
        let code = |deadline| check_deadline(&due(deadline), 1_000).err().map(|error| error.code());
        assert_eq!(code(1_001), None);
        assert_eq!(code(1_060), None);
        assert_eq!(code(1_061), Some(ErrorCode::ClockSkew));
        assert_eq!(code(1_000), Some(ErrorCode::Expired));
        assert_eq!(code(941), Some(ErrorCode::Expired));
        assert_eq!(code(940), Some(ErrorCode::ClockSkew));
        assert_eq!(code(u64::MAX), Some(ErrorCode::ClockSkew));
    }
}
