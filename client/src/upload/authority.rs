//! The salts that show that somebody may upload for a patient, and that a record is of their own making.

use alloy::primitives::Address;
use protocol::{
    bodies::grants::{GrantQuery, GrantSide},
    codes::{Category, Right},
    grants::{Asked, Scope},
    ids::{RecordId, Salt, Tag},
};

use super::journal;
use crate::{
    api::ServerError,
    chain::ChainError,
    client::Client,
    error::{codes, failure},
    home::DeviceError,
};

/// Why somebody may not add to a patient's records.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// The record was not made by this person on this device.
    #[error("Only the patient and the record's first uploader, on the device that made it, may do this.")]
    NotUploader,
    /// The patient has not allowed it.
    #[error("The patient has not allowed you to add records of this kind.")]
    NoGrant,
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { AuthorityError {
    NotUploader => codes::NOT_ALLOWED;
    NoGrant => codes::NO_GRANT;
    ..Server;
    ..Chain;
    ..Device;
} }

/// The salt that opens the id of a record that this device has made for a patient.
pub(crate) fn own_salt(client: &Client, record: RecordId) -> Result<Salt, AuthorityError> {
    let known =
        journal::salt_of(client.home(), record)?.filter(|salt| RecordId::derive(client.address(), *salt) == record);
    known.ok_or(AuthorityError::NotUploader)
}

/// The salt that opens this person's WRITE tag for the patient, by a grant over the category or all that stands now: told by the
/// server, checked against the chain.
pub(crate) async fn write_salt(
    client: &Client,
    patient: Address,
    category: Option<Category>,
) -> Result<Salt, AuthorityError> {
    let query = GrantQuery { side: Some(GrantSide::Received), patient: Some(patient), ..GrantQuery::default() };
    let now = client.chain().now().await?;
    let patient_epoch = client.chain().patient_epoch(patient).await?;
    for grant in client.api()?.grants(&query).await? {
        let covers = match Scope::from_chain(grant.kind, grant.scope_id) {
            Some(Scope::All) => true,
            Some(Scope::Category(granted)) => category == Some(granted),
            Some(Scope::Record(_)) | None => false,
        };
        let Some(salt) = grant.salt.filter(|_| covers && grant.patient == patient) else { continue };
        if Tag::derive(client.address(), salt) != grant.tag {
            continue;
        }
        let terms = client.chain().terms(patient, grant.tag, grant.kind, grant.scope_id).await?;
        if terms.permits(&Asked { right: Right::Write, purpose: None, patient_epoch, time: now }) {
            return Ok(salt);
        }
    }
    Err(AuthorityError::NoGrant)
}
