//! The actions that people sign, other than records and grants.

use alloy::primitives::{Address, Bytes, U256, aliases::U40};
use axum::http::StatusCode;
use localnet::Role;
use protocol::{
    codes::KEM_X_WING,
    ids::RecordId,
    messages::{
        Accredit, Action, AddAccreditor, LiftTombstone, RegisterKey, RevokeAll, SignedAction, Suspend, Tombstone,
    },
};

use super::{network::Network, people::User, seeds, servers::Server};

impl User {
    /// Sends an action, which must be mined.
    pub(crate) async fn carry_out(&self, action: Action) {
        self.post("/v1/actions", &self.sign(action)).await.has(StatusCode::OK);
    }
}

/// Returns a deadline an hour from the server's now.
pub(crate) fn deadline(server: &Server) -> U256 {
    U256::from(server.app.clock.now() + 3_600)
}

/// Returns the signed publication of somebody's encryption key, on top of `epoch`.
pub(crate) fn register_key(user: &User, epoch: u32) -> SignedAction {
    user.sign(Action::RegisterKey(RegisterKey {
        owner: user.address(),
        slot: 0,
        epoch,
        kem: KEM_X_WING,
        key: Bytes::copy_from_slice(user.key().public_key().as_bytes()),
        nonce: seeds::nonce(),
        deadline: deadline(&user.server),
    }))
}

/// Makes somebody a practitioner in `roles` for a year: the first of this network, by an accreditor who is new too.
pub(crate) async fn accredit(network: &Network, server: &Server, practitioner: Address, roles: u8) {
    let owner = server.sign_in(network.signer(Role::Owner)).await;
    let accreditor = server.sign_in(network.signer(Role::Accreditor)).await;
    let add = AddAccreditor {
        owner: owner.address(),
        accreditor: accreditor.address(),
        epoch: 0,
        nonce: seeds::nonce(),
        deadline: deadline(server),
    };
    owner.carry_out(Action::AddAccreditor(add)).await;
    let vouched = vouch(&accreditor, practitioner, roles, 0);
    accreditor.post("/v1/actions", &vouched).await.has(StatusCode::OK);
}

/// Returns the accreditor's signed accreditation for a year, on top of the practitioner's `epoch`.
pub(crate) fn vouch(accreditor: &User, practitioner: Address, roles: u8, epoch: u32) -> SignedAction {
    let now = accreditor.server.app.clock.now();
    accreditor.sign(Action::Accredit(Accredit {
        accreditor: accreditor.address(),
        practitioner,
        roles,
        validFrom: U40::from(now - 3_600),
        validUntil: U40::from(now + 365 * 86_400),
        epoch,
        accreditorEpoch: 1,
        nonce: seeds::nonce(),
        deadline: deadline(&accreditor.server),
    }))
}

/// Returns the suspension of a practitioner.
pub(crate) fn suspend(accreditor: &User, practitioner: &User) -> Action {
    Action::Suspend(Suspend {
        accreditor: accreditor.address(),
        practitioner: practitioner.address(),
        nonce: seeds::nonce(),
        deadline: deadline(&accreditor.server),
    })
}

/// Returns the withdrawal of a record, on top of its tombstone's `epoch`.
pub(crate) fn tombstone(patient: &User, record: RecordId, epoch: u32) -> Action {
    Action::Tombstone(Tombstone {
        patient: patient.address(),
        record: record.0,
        epoch,
        nonce: seeds::nonce(),
        deadline: deadline(&patient.server),
    })
}

/// Returns the end of a withdrawal, on top of its tombstone's `epoch`.
pub(crate) fn lift(patient: &User, record: RecordId, epoch: u32) -> Action {
    Action::LiftTombstone(LiftTombstone {
        patient: patient.address(),
        record: record.0,
        epoch,
        nonce: seeds::nonce(),
        // A block can have a later time than the server's clock.
        deadline: deadline(&patient.server) + U256::from(10 * 86_400),
    })
}

/// Returns the end of everything that the patient has granted.
pub(crate) fn revoke_all(patient: &User) -> Action {
    let (nonce, deadline) = (seeds::nonce(), deadline(&patient.server));
    Action::RevokeAll(RevokeAll { patient: patient.address(), nonce, deadline })
}
