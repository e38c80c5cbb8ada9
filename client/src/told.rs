//! One bad item never stops the rest: what could not be done is told, and the next one follows.

use protocol::{
    error_code::ErrorCode,
    ids::{GrantId, RecordId},
};
use serde::Serialize;

use crate::{
    client::Client,
    error::{ClientError, Kind},
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
    /// What went wrong, in one sentence.
    pub what: String,
}

impl Told {
    /// About nothing that has a name.
    pub(crate) fn unnamed(error: &ClientError) -> Self {
        Self { record: None, version: None, grant: None, code: error.code().to_owned(), what: error.what().to_owned() }
    }

    /// About one version of a record.
    pub(crate) fn version(record: RecordId, version: u16, error: &ClientError) -> Self {
        Self { record: Some(record), version: Some(version), ..Self::unnamed(error) }
    }

    /// About a record.
    pub(crate) fn record(record: RecordId, error: &ClientError) -> Self {
        Self { record: Some(record), ..Self::unnamed(error) }
    }

    /// About a grant.
    pub(crate) fn grant(grant: GrantId, error: &ClientError) -> Self {
        Self { grant: Some(grant), ..Self::unnamed(error) }
    }
}

/// Whether a failure concerns every item, so that going on makes no sense: no session, no room on the disk, or neither
/// server nor chain answers anything at all. A server that fails for one item and answers otherwise stops nothing.
pub(crate) async fn concerns_all(client: &Client, error: &ClientError) -> bool {
    match error.kind() {
        Kind::NoSession
        | Kind::NoApi
        | Kind::LocalFile
        | Kind::Busy
        | Kind::OtherChain
        | Kind::OtherCode
        | Kind::OtherDeployment
        | Kind::OperatorKeys
        | Kind::NotConfirmed
        | Kind::Server(ErrorCode::NotSignedIn) => true,
        Kind::Unreachable => match client.api() {
            Ok(api) => api.server_info().await.is_err(),
            Err(_) => true,
        },
        Kind::Rpc => client.chain().head().await.is_err(),
        _ => false,
    }
}

/// Tells one item's failure, or fails as a whole if it concerns all.
pub(crate) async fn tell(
    client: &Client,
    told: &mut Vec<Told>,
    error: ClientError,
    name: impl FnOnce(&ClientError) -> Told,
) -> Result<(), ClientError> {
    if concerns_all(client, &error).await {
        return Err(error);
    }
    told.push(name(&error));
    Ok(())
}
