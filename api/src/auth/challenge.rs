//! The values that a login message must contain: its origin and its nonce.

use mongodb::bson::DateTime;
use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// A login nonce. `_id`: the nonce.
#[derive(Serialize, Deserialize)]
pub(super) struct NonceDoc {
    #[serde(rename = "_id")]
    pub(super) nonce: String,
    /// Unix seconds.
    pub(super) created_at: u64,
    /// Unix seconds.
    pub(super) expires_at: u64,
    /// The expiry as a date, for the TTL index.
    pub(super) delete_at: DateTime,
}

/// The parts of a login message that describe this server, from its settings.
pub(super) struct Origin<'a> {
    pub(super) domain: &'a str,
    pub(super) uri: &'a str,
}

pub(super) fn origin(settings: &Settings) -> Origin<'_> {
    let uri = settings.public_url.trim_end_matches('/');
    let authority = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    Origin { domain: settings.login_domain.as_deref().unwrap_or(authority), uri }
}
