//! What is said about a whole record: its patient supersedes it, closes it for everybody (a tombstone), and opens it again
//! while there is time; its uploader retracts what it uploaded.

use protocol::{
    codes::RecordStatus,
    ids::RecordId,
    messages::{Action, LiftTombstone, Retract, Supersede, Tombstone},
};

use crate::{
    act::{Settled, Way, carry_out, new_deadline, new_nonce, new_revocation_deadline},
    chain::ChainRecord,
    client::Client,
    error::{ClientError, Kind},
    upload::authority::{own_salt, write_salt},
    wallet::Wallet,
};

/// Marks a record as replaced by something newer; it stays readable. Only its patient.
///
/// # Errors
/// [`Kind::NotAllowed`] for somebody else's record; what wallet, server and chain refuse.
pub async fn supersede(
    client: &Client,
    wallet: &dyn Wallet,
    record: RecordId,
    way: Way,
) -> Result<Settled, ClientError> {
    let known = own_record(client, record).await?;
    let action = Action::Supersede(Supersede {
        patient: client.address(),
        record: record.0,
        version: known.version,
        nonce: new_nonce(),
        deadline: new_deadline(client).await?,
    });
    carry_out(client, wallet, action, way).await
}

/// Closes a record for everybody: no read from the moment that the server has the message, destroyed once the lift period
/// is over. Only its patient. Of a record that is closed nothing is signed; sent directly it works all the same, and no lift
/// that was signed before can land.
///
/// # Errors
/// [`Kind::NotAllowed`] for somebody else's record, [`Kind::Tombstoned`] for one that is closed; what wallet, server and
/// chain refuse.
pub async fn tombstone(
    client: &Client,
    wallet: &dyn Wallet,
    record: RecordId,
    way: Way,
) -> Result<Settled, ClientError> {
    let known = own_record(client, record).await?;
    if known.status == RecordStatus::Tombstoned && way == Way::Relayed {
        return Err(ClientError::new(Kind::Tombstoned, "The record is withdrawn already.")
            .remedy("To take that back while there is time: medlock lift."));
    }
    let action = Action::Tombstone(Tombstone {
        patient: client.address(),
        record: record.0,
        epoch: client.chain().tombstone(record).await?.epoch,
        nonce: new_nonce(),
        deadline: new_revocation_deadline(client).await?,
    });
    carry_out(client, wallet, action, way).await
}

/// Opens a closed record again; grants that stand count again. Only its patient, while there is time.
///
/// # Errors
/// [`Kind::NotAllowed`] for somebody else's record, [`Kind::Usage`] for one that is not closed, [`Kind::LiftPeriodOver`];
/// what wallet, server and chain refuse.
pub async fn lift(client: &Client, wallet: &dyn Wallet, record: RecordId, way: Way) -> Result<Settled, ClientError> {
    let known = own_record(client, record).await?;
    if known.status != RecordStatus::Tombstoned {
        return Err(ClientError::new(Kind::Usage, "The record is not withdrawn."));
    }
    let tombstone = client.chain().tombstone(record).await?;
    if tombstone.liftable_until <= client.chain().now().await? {
        return Err(ClientError::new(Kind::LiftPeriodOver, "The time in which this could be taken back is over."));
    }
    let action = Action::LiftTombstone(LiftTombstone {
        patient: client.address(),
        record: record.0,
        epoch: tombstone.epoch,
        nonce: new_nonce(),
        deadline: new_deadline(client).await?,
    });
    carry_out(client, wallet, action, way).await
}

/// Says that what this uploader uploaded of a record must not be relied on. Nothing is deleted. Only the first uploader, on
/// the device that made the record, while it may still upload.
///
/// # Errors
/// [`Kind::NotAllowed`], [`Kind::NoGrant`], [`Kind::Tombstoned`], [`Kind::Usage`] where the newest version is retracted
/// already; what wallet, server and chain refuse.
pub async fn retract(client: &Client, wallet: &dyn Wallet, record: RecordId, way: Way) -> Result<Settled, ClientError> {
    let known = client.chain().record(record).await?;
    if known.patient == client.address() {
        return Err(ClientError::new(Kind::NotAllowed, "It is your own record.")
            .remedy("To close it for everybody: medlock withdraw."));
    }
    let salt = own_salt(client, record)?;
    if known.status == RecordStatus::Tombstoned {
        return Err(ClientError::new(Kind::Tombstoned, "The record was withdrawn."));
    }
    if known.retracted >= known.version {
        return Err(ClientError::new(Kind::Usage, "The record is retracted already."));
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
    carry_out(client, wallet, action, way).await
}

async fn own_record(client: &Client, record: RecordId) -> Result<ChainRecord, ClientError> {
    let known = client.chain().record(record).await?;
    if known.patient == client.address() {
        return Ok(known);
    }
    Err(ClientError::new(Kind::NotAllowed, "Only the patient of a record may do this.")
        .remedy("An uploader can say that it must not be relied on: medlock retract."))
}
