//! The stable codes of all errors between a client and a server. A client may depend on a code. The sentence beside it
//! is for people and may change.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:tt, $status:literal, $hint:literal;)+) => {
        /// A stable error code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[non_exhaustive]
        pub enum ErrorCode { $($(#[$doc])* #[serde(rename = $text)] $variant,)+ }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the code as it is in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $(Self::$variant => $text),+ } }

            /// Returns the HTTP status for the code.
            #[must_use]
            pub const fn status(self) -> u16 { match self { $(Self::$variant => $status),+ } }

            /// Returns one sentence that says what to do now, for any client: it names no command.
            #[must_use]
            pub const fn hint(self) -> &'static str { match self { $(Self::$variant => $hint),+ } }
        }
    };
}

codes! {
    /// The body or a parameter cannot be read.
    InvalidRequest = "invalid_request", 400, "Correct the request; the detail names the field.";
    /// A number, length or list is out of range.
    OutOfRange = "out_of_range", 422, "Use a value inside the range that the detail names.";
    /// A category code that is not in the list.
    UnknownCategory = "unknown_category", 422, "Use one of the categories of the specification.";
    /// There is no session, or it has ended.
    NotSignedIn = "not_signed_in", 401, "Sign in again.";
    /// The sign-in message is not the one that the server asked for.
    InvalidLogin = "invalid_login", 401, "Request a new challenge and build the login message as in SPEC, section 10.";
    /// The message was made for another domain.
    WrongDomain = "wrong_domain", 401, "Check the address of the site, then sign in again.";
    /// The message or transaction is for another chain.
    WrongChain = "wrong_chain", 422, "Switch your wallet to the chain of the deployment.";
    /// The nonce was used before, or this server did not issue it.
    NonceUsed = "nonce_used", 409, "Sign a new message with a new nonce.";
    /// The deadline of the message has passed.
    Expired = "expired", 422, "Sign a new message with a later deadline.";
    /// The client's clock is too far from the server's.
    ClockSkew = "clock_skew", 422, "Set this device's clock, then try again.";
    /// The signature is malformed, has a high s, or was made by another account.
    InvalidSignature = "invalid_signature", 422, "Sign again with the account that the message names.";
    /// The signed-in account may not do this.
    Forbidden = "forbidden", 403, "Ask the person whose data it is, or sign in with another account.";
    /// Nothing with this name exists, or the caller may not see it.
    NotFound = "not_found", 404, "Check the name, and whether it was shared with you.";
    /// The record does not exist on chain.
    UnknownRecord = "unknown_record", 404, "Check the record id.";
    /// The record was tombstoned.
    RecordTombstoned = "record_tombstoned", 410, "Ask the patient if you still need it.";
    /// The time in which a tombstone could be lifted is over.
    LiftPeriodOver = "lift_period_over", 410, "If you have a copy, upload it again.";
    /// The patient has not granted this.
    NoGrant = "no_grant", 403, "Ask the patient for access.";
    /// The grant's period is over, or has not begun.
    GrantExpired = "grant_expired", 403, "Ask the patient to share again.";
    /// The grant was revoked.
    GrantRevoked = "grant_revoked", 403, "Ask the patient again if you still need it.";
    /// The practitioner is not accredited, or is suspended.
    NotAccredited = "not_accredited", 403, "Ask your accreditor to vouch for you.";
    /// The person has not published an encryption key.
    KeyNotRegistered = "key_not_registered", 409, "That person must first publish an encryption key.";
    /// The state that the message replaces is not the current one.
    StaleState = "stale_state", 409, "Read the current state and sign again.";
    /// The thing to create exists already.
    AlreadyExists = "already_exists", 409, "There is nothing to do, or use a new name.";
    /// The operator has no release share for this version.
    ShareMissing = "share_missing", 409, "The patient must deposit the release share again.";
    /// A capsule does not have the length that its kind requires.
    InvalidCapsule = "invalid_capsule", 422, "Use a client of the same version as the server.";
    /// The stored bytes do not match the CID.
    CidMismatch = "cid_mismatch", 422, "Upload again; if it persists, the storage node is faulty.";
    /// The envelope's header does not match the record and version on chain.
    InvalidEnvelope = "invalid_envelope", 422, "Upload an envelope made for exactly this record and version.";
    /// The body is larger than this server accepts.
    TooLarge = "too_large", 413, "Send a smaller file, or ask the operator for a larger limit.";
    /// The upload ended before its announced length.
    TruncatedUpload = "truncated_upload", 400, "Upload again.";
    /// The account's storage quota is used up.
    QuotaExceeded = "quota_exceeded", 413, "Remove files that are no longer needed, or ask the operator for more storage.";
    /// The target of the request is longer than this server accepts.
    UriTooLong = "uri_too_long", 414, "Use a path and a query that the OpenAPI document describes.";
    /// The head of the request is larger than this server accepts.
    HeadTooLarge = "head_too_large", 431, "Send fewer or shorter headers.";
    /// The request did not arrive in time.
    RequestTimeout = "request_timeout", 408, "Send the request again, over a better connection if possible.";
    /// The body has a transfer coding that this server does not support.
    UnsupportedTransferCoding = "unsupported_transfer_coding", 501, "Send the body with Content-Length, or with chunked as the only transfer coding.";
    /// The range cannot be served.
    InvalidRange = "invalid_range", 416, "Request a range inside the file.";
    /// The data was changed by someone else after it was read.
    PreconditionFailed = "precondition_failed", 412, "Read the current version, merge, and write again.";
    /// The same idempotency key was used with another body.
    IdempotencyMismatch = "idempotency_mismatch", 422, "Use a new idempotency key for a new request.";
    /// The request is still being processed.
    InProgress = "in_progress", 409, "Send it again with the same idempotency key to get the outcome.";
    /// There were too many requests.
    RateLimited = "rate_limited", 429, "Wait for the time in Retry-After.";
    /// The relayer's gas budget for this account, its network or all accounts is used up for today.
    BudgetExceeded = "budget_exceeded", 429, "Try tomorrow, or send the transaction yourself.";
    /// The account is new to this server, and this server relays only for invited accounts.
    NotInvited = "not_invited", 403, "Ask your accreditor or the operator for an invitation, or send the transaction yourself.";
    /// The relayer does not have enough ether for the action.
    RelayerPoor = "relayer_poor", 503, "Try again later, tell the operator, or send the transaction yourself.";
    /// The log is so far behind that a read could not be anchored in time. Nothing was read or logged.
    LogBehind = "log_behind", 503, "Try again after the time in Retry-After; nothing was read.";
    /// The contracts would refuse the action.
    WouldRevert = "would_revert", 422, "Correct what the detail names, and sign again.";
    /// The resource does not support this method.
    MethodNotAllowed = "method_not_allowed", 405, "Use a method that the OpenAPI document lists.";
    /// The body is not of the expected media type.
    UnsupportedMediaType = "unsupported_media_type", 415, "Send the media type that the OpenAPI document lists.";
    /// The chain, the database or the storage node does not answer.
    Unavailable = "unavailable", 503, "Try again in a moment; completed work is not done twice.";
    /// An internal error of the server.
    Internal = "internal", 500, "Try again; if it persists, give the operator the request id.";
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// The body of every error answer: problem details (RFC 9457) with a stable code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Problem {
    /// `urn:medlock:error:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable code. Text, so that an older client can read a newer server's answer.
    pub code: String,
    /// A sentence that says what went wrong.
    pub detail: String,
    /// A sentence that says what to do now.
    pub hint: String,
    /// The id of this request in the operator's log.
    pub request_id: String,
}
