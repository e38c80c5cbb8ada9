//! Ordinary people: a patient and a doctor who use the SDK as every day, one operation after the other.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use alloy::primitives::{B256, aliases::U40};
use client::{
    AnyFailure,
    act::{new_deadline, new_nonce, new_revocation_deadline},
    api::ServerError,
    chain::unix_now,
    session::{self, Session},
    wallet::Wallet,
};
use protocol::{
    bodies::{
        grants::RevokeBody,
        reads::{ReadAnswer, ReadBody},
        records::RecordQuery,
        relay::ActionState,
    },
    codes::{MAX_SCOPES, Purpose, Right, ScopeKind},
    messages::{self, Action, GrantRef, SignedAction},
    reads::{READ_REQUEST_SECONDS_MAX, ReadRequest},
};
use tokio_util::sync::CancellationToken;

use crate::{purse::Purse, receipts::Promise, world::World};

/// The duration that is recorded for a refusal, an error or no answer.
pub(crate) const PENALTY: Duration = Duration::from_secs(60);
/// The pause between two operations of the same person.
const PAUSE: Duration = Duration::from_millis(50);
/// The number of grants that the patient can end, one after the other: more than the blocks of a measurement.
const REVOCABLE: usize = 6 * MAX_SCOPES;
/// The gas of a grant over the largest number of records.
const GRANTS_GAS: u64 = 6_000_000;
/// The pause between two checks whether an action was mined.
const POLL: Duration = Duration::from_millis(100);

/// An operation of ordinary people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deed {
    /// The patient's `GET /v1/me`.
    Me,
    /// The patient's `GET /v1/records`.
    List,
    /// The doctor's `GET /v1/records`.
    DoctorsList,
    /// The doctor's `POST /v1/reads`: logged, with a receipt.
    Read,
    /// The patient's `POST /v1/grants/revoke`, until it is mined.
    Revoke,
}

impl Deed {
    /// All operations, in the order of the table.
    pub(crate) const ALL: [Self; 5] = [Self::Me, Self::List, Self::DoctorsList, Self::Read, Self::Revoke];

    /// Returns the name of the row.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Me => "patient: me",
            Self::List => "patient: list",
            Self::DoctorsList => "doctor: list",
            Self::Read => "doctor: read",
            Self::Revoke => "patient: revoke, mined",
        }
    }
}

/// The durations of the operations, and the number of refusals.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    pub(crate) times: BTreeMap<Deed, Vec<Duration>>,
    pub(crate) refusals: BTreeMap<(Deed, String), usize>,
    pub(crate) promises: Vec<Promise>,
}

/// The patient and the doctor, signed in and ready to act.
pub(crate) struct Ordinary<'a> {
    world: &'a World,
    doctors_session: Session,
    /// The grants that the patient has not ended yet.
    revocable: Mutex<Vec<GrantRef>>,
    watched: Mutex<Watched>,
}

impl<'a> Ordinary<'a> {
    /// Prepares the people: the patient gives the grants to end, so that only ending them is measured.
    pub(crate) async fn new(world: &'a World, purse: &Purse) -> anyhow::Result<Self> {
        let (mut signed, mut revocable) = (Vec::new(), Vec::with_capacity(REVOCABLE));
        for _ in 0..REVOCABLE / MAX_SCOPES {
            let ids: Vec<B256> = (0..MAX_SCOPES).map(|_| B256::new(rand::random())).collect();
            signed.push(grant(world, &ids).await?);
            let named = |id: &B256| GrantRef { tag: world.tag.0, kind: ScopeKind::Record.code(), id: *id };
            revocable.extend(ids.iter().map(named));
        }
        // Another account pays, because this number of grants exceeds the relayer's daily budget for one patient.
        purse.carry_out(&signed, GRANTS_GAS).await?;
        Ok(Self {
            world,
            doctors_session: session::current(&world.doctor.client)?,
            revocable: Mutex::new(revocable),
            watched: Mutex::default(),
        })
    }

    /// Lets the people act until `over`. Waits for operations that have begun.
    pub(crate) async fn watch(&self, over: &CancellationToken) -> Watched {
        tokio::join!(self.patient_looks(over), self.doctor_works(over), self.patient_revokes(over));
        std::mem::take(&mut *self.watched.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn patient_looks(&self, over: &CancellationToken) {
        let query = RecordQuery::default();
        while !over.is_cancelled() {
            self.timed(Deed::Me, async { self.world.patient.client.api()?.me().await }).await;
            self.timed(Deed::List, async { self.world.patient.client.api()?.records(&query).await }).await;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn doctor_works(&self, over: &CancellationToken) {
        let query = RecordQuery::default();
        while !over.is_cancelled() {
            self.timed(Deed::DoctorsList, async { self.world.doctor.client.api()?.records(&query).await }).await;
            if let Some(answer) = self.timed(Deed::Read, self.read()).await {
                let receipt = answer.receipt.receipt;
                let promise = Promise { leaf: answer.leaf, received_at: unix_now(), anchor_by: receipt.anchorBy };
                self.watched.lock().unwrap_or_else(PoisonError::into_inner).promises.push(promise);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn patient_revokes(&self, over: &CancellationToken) {
        while !over.is_cancelled() {
            let next = self.revocable.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(grant) = next else { return };
            // Signing is not part of the server's work, so it is not measured.
            let Ok(deadline) = new_revocation_deadline(&self.world.patient.client).await else { continue };
            let action = Action::Revoke(messages::Revoke {
                patient: self.world.patient.wallet.address(),
                grants: vec![grant],
                nonce: new_nonce(),
                deadline,
            });
            self.timed(Deed::Revoke, self.revoke(action)).await;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Runs one operation and records its duration. Every failure is recorded as [`PENALTY`].
    async fn timed<T>(&self, deed: Deed, doing: impl Future<Output = Result<T, impl Into<AnyFailure>>>) -> Option<T> {
        let begun = Instant::now();
        let outcome = tokio::time::timeout(PENALTY, doing).await;
        let took = begun.elapsed();
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let (time, refusal, value) = match outcome {
            Ok(Ok(value)) => (took, None, Some(value)),
            Ok(Err(error)) => (PENALTY, Some(error.into().code().to_string()), None),
            Err(_) => (PENALTY, Some("no answer".to_owned()), None),
        };
        watched.times.entry(deed).or_default().push(time);
        if let Some(refusal) = refusal {
            *watched.refusals.entry((deed, refusal)).or_default() += 1;
        }
        value
    }

    async fn read(&self) -> Result<ReadAnswer, AnyFailure> {
        let doctor = &self.world.doctor;
        let request = ReadRequest {
            login_hash: self.doctors_session.login_hash(),
            record: self.world.record,
            version: 1,
            purpose: Purpose::Treatment,
            grantee: doctor.wallet.address(),
            salt: self.world.salt,
            nonce: B256::new(rand::random()),
            deadline: unix_now() + READ_REQUEST_SECONDS_MAX / 2,
        };
        let signature = self.doctors_session.sign(&request.signed_bytes(doctor.client.deployment()));
        Ok(doctor.client.api()?.read(&ReadBody { request, signature: signature.to_vec().into() }).await?)
    }

    async fn revoke(&self, action: Action) -> Result<(), AnyFailure> {
        let patient = &self.world.patient;
        let signed = patient.wallet.sign_action(action, patient.client.deployment()).await?;
        let body = RevokeBody { action: signed };
        let id = body.action.action.id(patient.client.deployment());
        let mut view = patient.client.api()?.revoke(&body).await?;
        loop {
            match view.map(|view| (view.state, view.problem)) {
                Some((ActionState::Mined, _)) => return Ok(()),
                Some((ActionState::Failed, Some(problem))) => return Err(ServerError::from(problem).into()),
                _ => tokio::time::sleep(POLL).await,
            }
            view = Some(patient.client.api()?.action(id).await?);
        }
    }
}

/// Signs a grant to the doctor over these records, which need not exist.
async fn grant(world: &World, ids: &[B256]) -> anyhow::Result<SignedAction> {
    let patient = &world.patient;
    let scope = |id: &B256| messages::Scope {
        kind: ScopeKind::Record.code(),
        id: *id,
        epoch: 0,
        bundleHash: B256::new(rand::random()),
    };
    let action = Action::Grant(messages::Grant {
        patient: patient.wallet.address(),
        tag: world.tag.0,
        rights: Right::Read.bit(),
        purposes: Purpose::Treatment.bit(),
        notBefore: U40::from(1),
        notAfter: U40::from(unix_now() + 86_400),
        patientEpoch: 0,
        scopes: ids.iter().map(scope).collect(),
        nonce: new_nonce(),
        deadline: new_deadline(&patient.client).await?,
    });
    Ok(patient.wallet.sign_action(action, patient.client.deployment()).await?)
}
