//! The status of a whole record: its patient supersedes it, closes it for everybody (a tombstone), and opens it again while
//! there is time; its uploader retracts the versions that they uploaded.

use protocol::{
    codes::RecordStatus,
    ids::RecordId,
    messages::{Action, LiftTombstone, Retract, Supersede, Tombstone},
};

use crate::{
    act::{ActError, Settled, Way, carry_out, new_deadline, new_nonce, new_revocation_deadline},
    api::ServerError,
    chain::{ChainError, ChainRecord},
    client::Client,
    error::{codes, failure, lift},
    home::DeviceError,
    upload::{
        AuthorityError,
        authority::{own_salt, write_salt},
    },
    wallet::{Wallet, WalletError},
};

/// Why the status of a record was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordStatusError {
    /// Only the patient of a record may supersede, close or open it.
    #[error("Only the patient of a record may do this.")]
    NotPatient,
    /// Patients do not retract their own records.
    #[error("You cannot retract your own record.")]
    OwnRecord,
    /// The record is closed already.
    #[error("The record is withdrawn already.")]
    AlreadyWithdrawn,
    /// The record is not closed, so there is nothing to open.
    #[error("The record is not withdrawn.")]
    NotWithdrawn,
    /// The time in which a closed record can be opened again is over.
    #[error("The time in which this could be taken back is over.")]
    LiftPeriodOver,
    /// A closed record cannot be retracted.
    #[error("The record was withdrawn.")]
    Withdrawn,
    /// The newest version is retracted already.
    #[error("The record is retracted already.")]
    AlreadyRetracted,
    /// The person may not upload for the patient.
    #[error(transparent)]
    Authority(AuthorityError),
    /// The action was not carried out.
    #[error(transparent)]
    Act(ActError),
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The wallet does not sign.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { RecordStatusError {
    NotPatient => codes::NOT_ALLOWED, "An uploader can say that it must not be relied on: medlock retract.";
    OwnRecord => codes::NOT_ALLOWED, "To withdraw it, so that nobody can open it: medlock withdraw.";
    AlreadyWithdrawn => codes::RECORD_TOMBSTONED, "To take that back while there is time: medlock lift.";
    NotWithdrawn => codes::USAGE;
    LiftPeriodOver => codes::LIFT_PERIOD_OVER;
    Withdrawn => codes::RECORD_TOMBSTONED;
    AlreadyRetracted => codes::USAGE;
    ..Authority;
    ..Act;
    ..Server;
    ..Chain;
    ..Wallet;
    ..Device;
} }

lift! { AuthorityError => RecordStatusError { Server, Chain, Device, ..Authority } }
lift! { ActError => RecordStatusError { Server, Chain, Wallet, ..Act } }

/// Marks a record as replaced by something newer; it stays readable. Only its patient.
///
/// # Errors
/// [`RecordStatusError::NotPatient`]; refusals of wallet, server and chain.
pub async fn supersede(
    client: &Client,
    wallet: &dyn Wallet,
    record: RecordId,
    way: Way,
) -> Result<Settled, RecordStatusError> {
    let known = own_record(client, record).await?;
    let action = Action::Supersede(Supersede {
        patient: client.address(),
        record: record.0,
        version: known.version,
        nonce: new_nonce(),
        deadline: new_deadline(client).await?,
    });
    Ok(carry_out(client, wallet, action, way).await?)
}

/// Closes a record for everybody: no read from the moment that the server has the message, destroyed once the lift period
/// is over. Only its patient. Of a record that is closed nothing is signed; sent directly it works all the same, and no lift
/// that was signed before can land.
///
/// # Errors
/// [`RecordStatusError::NotPatient`], [`RecordStatusError::AlreadyWithdrawn`]; refusals of wallet, server and chain.
pub async fn tombstone(
    client: &Client,
    wallet: &dyn Wallet,
    record: RecordId,
    way: Way,
) -> Result<Settled, RecordStatusError> {
    let known = own_record(client, record).await?;
    if known.status == RecordStatus::Tombstoned && way == Way::Relayed {
        return Err(RecordStatusError::AlreadyWithdrawn);
    }
    let action = Action::Tombstone(Tombstone {
        patient: client.address(),
        record: record.0,
        epoch: client.chain().tombstone(record).await?.epoch,
        nonce: new_nonce(),
        deadline: new_revocation_deadline(client).await?,
    });
    Ok(carry_out(client, wallet, action, way).await?)
}

/// Opens a closed record again; grants that stand count again. Only its patient, while there is time.
///
/// # Errors
/// [`RecordStatusError::NotPatient`], [`RecordStatusError::NotWithdrawn`], [`RecordStatusError::LiftPeriodOver`]; what
/// wallet, server and chain refuse.
pub async fn lift(
    client: &Client,
    wallet: &dyn Wallet,
    record: RecordId,
    way: Way,
) -> Result<Settled, RecordStatusError> {
    let known = own_record(client, record).await?;
    if known.status != RecordStatus::Tombstoned {
        return Err(RecordStatusError::NotWithdrawn);
    }
    let tombstone = client.chain().tombstone(record).await?;
    if tombstone.liftable_until <= client.chain().now().await? {
        return Err(RecordStatusError::LiftPeriodOver);
    }
    let action = Action::LiftTombstone(LiftTombstone {
        patient: client.address(),
        record: record.0,
        epoch: tombstone.epoch,
        nonce: new_nonce(),
        deadline: new_deadline(client).await?,
    });
    Ok(carry_out(client, wallet, action, way).await?)
}

/// Says that what this uploader uploaded of a record must not be relied on. Nothing is deleted. Only the first uploader, on
/// the device that made the record, while it may still upload.
///
/// # Errors
/// [`RecordStatusError`]; refusals of wallet, server and chain.
pub async fn retract(
    client: &Client,
    wallet: &dyn Wallet,
    record: RecordId,
    way: Way,
) -> Result<Settled, RecordStatusError> {
    let known = client.chain().record(record).await?;
    if known.patient == client.address() {
        return Err(RecordStatusError::OwnRecord);
    }
    let salt = own_salt(client, record)?;
    if known.status == RecordStatus::Tombstoned {
        return Err(RecordStatusError::Withdrawn);
    }
    if known.retracted >= known.version {
        return Err(RecordStatusError::AlreadyRetracted);
    }
    let action = Action::Retract(Retract {
        uploader: client.address(),
        record: record.0,
        version: known.version,
        salt: salt.0,
        writeSalt: write_salt(client, known.patient, known.category).await?.0,
        nonce: new_nonce(),
        deadline: new_deadline(client).await?,
    });
    Ok(carry_out(client, wallet, action, way).await?)
}

async fn own_record(client: &Client, record: RecordId) -> Result<ChainRecord, RecordStatusError> {
    let known = client.chain().record(record).await?;
    if known.patient == client.address() {
        return Ok(known);
    }
    Err(RecordStatusError::NotPatient)
}
