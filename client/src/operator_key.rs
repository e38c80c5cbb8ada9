//! The operator's encryption key, to which release shares are sealed: from the deployment file, never from a mere answer.
//!
//! Each key is signed by the operator. This device keeps the longest list that it has seen, and refuses a file, also the
//! server's copy, that does not go on from there: nobody can lead it back to an older key, or past one that it has seen.

use protocol::{
    deployment::Deployment,
    operator_keys::{OperatorKeysError, OperatorPublicKey},
};

use crate::{
    api::ServerError,
    client::Client,
    error::{codes, failure},
    home::DeviceError,
};

/// Why a deployment that somebody serves or names does not count.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorKeyError {
    /// It is of another deployment.
    #[error("{by} is of another deployment than this device's.")]
    OtherDeployment {
        /// The file.
        by: String,
    },
    /// It does not go on from the operator's keys that this device has seen, or they are not signed.
    #[error("{by} does not have the operator's keys that count: {source}.")]
    WrongKeys {
        /// The file.
        by: String,
        /// The cause.
        source: OperatorKeysError,
    },
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { OperatorKeyError {
    OtherDeployment => codes::OTHER_DEPLOYMENT;
    WrongKeys => codes::OPERATOR_KEYS;
    ..Server;
    ..Device;
} }

/// Checks a deployment that somebody serves or names against the one that this device keeps; gives the newest key of the
/// operator, and keeps keys that are new.
///
/// `by` names the file in errors.
///
/// # Errors
/// [`OperatorKeyError`]; [`OperatorKeyError::Device`] when a new key cannot be kept.
pub(crate) fn check(client: &Client, told: &Deployment, by: &str) -> Result<OperatorPublicKey, OperatorKeyError> {
    let mut kept = client.kept_deployment();
    if !told.is_same_but_for_keys(&kept) {
        return Err(OperatorKeyError::OtherDeployment { by: by.to_owned() });
    }
    let wrong = |source| OperatorKeyError::WrongKeys { by: by.to_owned(), source };
    // Another command on this device may have seen more meanwhile.
    let on_disk = client.home().deployment(client.config())?;
    told.expect_extends(&kept).and_then(|()| told.expect_extends(&on_disk)).map_err(wrong)?;
    let newest = told.operator_key().map_err(wrong)?;
    if told.operator_keys.len() > on_disk.operator_keys.len() {
        client.home().replace_deployment(client.config(), told)?;
    }
    *kept = told.clone();
    Ok(newest)
}

/// Asks the server for its copy of the deployment file, and checks it.
///
/// # Errors
/// As [`check`], and what asking the server gives.
pub(crate) async fn newest(client: &Client) -> Result<OperatorPublicKey, OperatorKeyError> {
    let info = client.api()?.server_info().await?;
    check(client, &info.deployment, SERVER)
}

/// The name of the server's copy in errors.
pub(crate) const SERVER: &str = "The server's deployment file";
