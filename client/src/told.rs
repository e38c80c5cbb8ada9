//! Operations over several items: one that fails is reported, and the next one follows.

use protocol::{
    error_code::ErrorCode,
    ids::{GrantId, RecordId},
};
use serde::Serialize;

use crate::{
    client::Client,
    error::{Code, Failure, codes},
};

/// One item that could not be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The record it is about, if one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordId>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u16>,
    /// The grant it is about, if one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantId>,
    /// The stable code of the failure.
    pub code: String,
    /// The reason, in one sentence.
    pub what: String,
}

impl Told {
    /// About nothing that has a name.
    pub(crate) fn unnamed(error: &dyn Failure) -> Self {
        Self { record: None, version: None, grant: None, code: error.code().to_string(), what: error.to_string() }
    }

    /// About one version of a record.
    pub(crate) fn version(record: RecordId, version: u16, error: &dyn Failure) -> Self {
        Self { record: Some(record), version: Some(version), ..Self::unnamed(error) }
    }

    /// About a record.
    pub(crate) fn record(record: RecordId, error: &dyn Failure) -> Self {
        Self { record: Some(record), ..Self::unnamed(error) }
    }

    /// About a grant.
    pub(crate) fn grant(grant: GrantId, error: &dyn Failure) -> Self {
        Self { grant: Some(grant), ..Self::unnamed(error) }
    }
}

/// Returns whether a failure concerns every item, so that going on makes no sense: no session, no room on the disk, or
/// neither server nor chain answers anything at all. A server that fails for one item and answers otherwise stops nothing.
pub(crate) async fn concerns_all(client: &Client, error: &dyn Failure) -> bool {
    let code = error.code();
    if code == codes::UNREACHABLE {
        return match client.api() {
            Ok(api) => api.server_info().await.is_err(),
            Err(_) => true,
        };
    }
    if code == codes::RPC {
        return client.chain().head().await.is_err();
    }
    const ALWAYS: [Code; 9] = [
        codes::NO_SESSION,
        codes::NO_API,
        codes::LOCAL_FILE,
        codes::BUSY,
        codes::OTHER_CHAIN,
        codes::OTHER_CODE,
        codes::OTHER_DEPLOYMENT,
        codes::OPERATOR_KEYS,
        codes::NOT_CONFIRMED,
    ];
    code == Code::from(ErrorCode::NotSignedIn) || ALWAYS.contains(&code)
}

/// Tells one item's failure, or fails as a whole if it concerns all.
pub(crate) async fn tell<E: Failure>(
    client: &Client,
    told: &mut Vec<Told>,
    error: E,
    name: impl FnOnce(&E) -> Told,
) -> Result<(), E> {
    if concerns_all(client, &error).await {
        return Err(error);
    }
    told.push(name(&error));
    Ok(())
}
