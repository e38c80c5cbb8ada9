//! A mirror of the chain's events, for tests that run no indexer.

use alloy::{providers::Provider, rpc::types::Filter, sol_types::SolEvent};
use contracts::grant_registry::GrantRegistry::Granted;
use protocol::{
    deployment::ContractName,
    ids::GrantId,
    mirror::{EventDoc, GrantDoc, Place, collection},
};

use super::servers::Server;

/// Adds the events of the chain that the mirror does not have.
pub(crate) async fn mirror_events(server: &Server) {
    let app = &server.app;
    let addresses = [
        ContractName::Accreditation,
        ContractName::KeyRegistry,
        ContractName::RecordRegistry,
        ContractName::GrantRegistry,
        ContractName::AccessLog,
    ]
    .map(|name| app.deployment.address_of(name));
    let events = app.database.collection::<EventDoc>(collection::EVENTS);
    let filter = Filter::new().address(addresses.to_vec()).from_block(0);
    for log in app.chain.get_logs(&filter).await.expect("the chain answers") {
        let place = Place {
            block_number: log.block_number.expect("mined"),
            block_hash: log.block_hash.expect("mined"),
            block_time: app.clock.now(),
            tx_hash: log.transaction_hash.expect("mined"),
            log_index: log.log_index.expect("mined"),
        };
        if let Ok(granted) = Granted::decode_log(&log.inner) {
            // A grant that is there already is left alone.
            let _ = app.database.collection(collection::GRANTS).insert_one(grant_of(&granted, place.clone())).await;
        }
        let event = EventDoc {
            id: format!("{:#x}:{}", place.block_hash, place.log_index),
            place,
            contract: log.address(),
            name: String::new(),
            topics: log.topics().iter().map(|topic| format!("{topic:#x}")).collect(),
            data: log.data().data.clone(),
            about: Vec::new(),
        };
        // So is an event.
        let _ = events.insert_one(event).await;
    }
}

/// Returns the grant that the event makes. Its renewals and its end are left out.
fn grant_of(granted: &Granted, place: Place) -> GrantDoc {
    let terms = contracts::Terms::from(granted.terms);
    let kind = terms.kind.expect("a kind of scope");
    GrantDoc {
        id: GrantId::derive(granted.patient, granted.tag.into(), kind, granted.scopeId),
        patient: granted.patient,
        tag: granted.tag.into(),
        kind,
        scope_id: granted.scopeId,
        rights: terms.rights,
        purposes: terms.purposes,
        not_before: terms.not_before,
        not_after: terms.not_after,
        epoch: terms.epoch,
        patient_epoch: terms.patient_epoch,
        bundle_hash: granted.bundleHash,
        revoked: false,
        place,
    }
}
