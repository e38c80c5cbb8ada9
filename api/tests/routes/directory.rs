//! The directory of accredited people.

use alloy::{
    primitives::{Address, aliases::U40},
    providers::ProviderBuilder,
};
use axum::http::StatusCode;
use contracts::accreditation::Accreditation;
use localnet::Role as Actor;
use mongodb::bson::doc;
use protocol::{
    bodies::{Page, people::DirectoryEntry},
    codes::Role,
    deployment::ContractName,
    mirror::{PractitionerDoc, collection},
    statements::{Profile, SignedProfile},
};
use serde_json::json;

use crate::world::{
    mirror::{accreditor_doc, practitioner_doc},
    network::Network,
    people::User,
    seeds,
    servers::Server,
    statements::{profile, sign_profile},
};

/// Adds the accreditor again and accredits `practitioner` on chain, from the accounts that Anvil signs for; returns the
/// accreditor and its epoch.
async fn vouch_on_chain(server: &Server, practitioner: Address, roles: u8) -> (User, u32) {
    let localnet = &Network::shared().stack.localnet();
    let (owner, accreditor) = (localnet.person(Actor::Owner), localnet.person(Actor::Accreditor));
    let chain = ProviderBuilder::new().connect(&localnet.rpc_url()).await.expect("the chain answers");
    let registry = Accreditation::new(server.app.deployment.address_of(ContractName::Accreditation), chain);
    let epoch = registry.accreditorEpochOf(accreditor.address).call().await.expect("the chain answers");
    let active = registry.addAccreditor(accreditor.address, epoch).from(owner.address);
    active.send().await.expect("sent").get_receipt().await.expect("mined");
    let own_epoch = epoch + 1;
    let epoch = registry.practitionerOf(practitioner).call().await.expect("the chain answers").epoch;
    let until = U40::from(4_000_000_000_u64);
    let vouch = registry.accredit(practitioner, roles, U40::ZERO, until, epoch, own_epoch).from(accreditor.address);
    vouch.send().await.expect("sent").get_receipt().await.expect("mined");
    (server.holder_of(accreditor.signer), own_epoch)
}

#[tokio::test]
async fn the_list_is_filtered_and_paged() {
    let server = Server::new().await;
    server.anon().get("/v1/directory").await.refused("not_signed_in");
    let user = server.newcomer().await;
    let (accreditor, gone) = (seeds::address(), seeds::address());
    server.mirror(collection::ACCREDITORS, &accreditor_doc(accreditor, true, 1)).await;
    server.mirror(collection::ACCREDITORS, &accreditor_doc(gone, false, 2)).await;
    let mut doctors: Vec<Address> = (0..5).map(|_| seeds::address()).collect();
    doctors.sort_unstable();
    for doctor in &doctors {
        server.mirror(collection::PRACTITIONERS, &practitioner_doc(*doctor, accreditor, &[Role::Doctor])).await;
    }
    let lab = seeds::address();
    server.mirror(collection::PRACTITIONERS, &practitioner_doc(lab, gone, &[Role::Lab])).await;

    let labs: Page<DirectoryEntry> = user.get("/v1/directory?role=lab").await.json();
    assert_eq!(labs.items.len(), 1);
    assert!(labs.items[0].suspended, "its accreditor may not vouch any more");

    let mut listed = Vec::new();
    let mut path = "/v1/directory?role=doctor&limit=2".to_owned();
    loop {
        let page: Page<DirectoryEntry> = user.get(&path).await.json();
        assert!(page.items.len() <= 2);
        listed.extend(page.items.iter().map(|entry| entry.address));
        let Some(next) = page.next else { break };
        path = format!("/v1/directory?role=doctor&limit=2&cursor={next}");
    }
    assert_eq!(listed, doctors);
}

#[tokio::test]
async fn a_profile_counts_with_its_accreditors_signature() {
    let server = Server::new().await;
    let (doctor, stranger) = (server.newcomer().await, server.newcomer().await);
    let (accreditor, epoch) = vouch_on_chain(&server, doctor.address(), Role::Doctor.bit()).await;
    let path = format!("/v1/directory/{}", doctor.hex());
    let profile = Profile { accreditorEpoch: epoch, ..profile(&accreditor, &doctor) };
    let signed = sign_profile(&accreditor, profile.clone());
    let put = |user: &User, signed: &SignedProfile| {
        let (user, body, path) = (user.clone(), json!(signed), path.clone());
        async move { user.put(&path, body).await }
    };

    put(&server.anon(), &signed).await.refused("not_signed_in");
    put(&stranger, &signed).await.refused("forbidden");
    put(&doctor, &sign_profile(&doctor, profile.clone())).await.refused("invalid_signature");
    let future = Profile { issued: profile.issued + 1000, ..profile.clone() };
    put(&doctor, &sign_profile(&accreditor, future)).await.refused("clock_skew");
    let long = Profile { name: "x".repeat(201), ..profile.clone() };
    put(&doctor, &sign_profile(&accreditor, long)).await.refused("out_of_range");
    let empty = Profile { name: " ".to_owned(), ..profile.clone() };
    put(&doctor, &sign_profile(&accreditor, empty)).await.refused("out_of_range");
    let control = Profile { name: "a\nb".to_owned(), ..profile.clone() };
    put(&doctor, &sign_profile(&accreditor, control)).await.refused("invalid_request");
    let more = Profile { roles: Role::mask(&[Role::Doctor, Role::Auditor]), ..profile.clone() };
    put(&doctor, &sign_profile(&accreditor, more)).await.refused("not_accredited");
    let other = Profile { practitioner: stranger.address(), ..profile.clone() };
    put(&doctor, &sign_profile(&accreditor, other)).await.refused("invalid_request");
    let own = Profile { accreditor: doctor.address(), ..profile.clone() };
    put(&doctor, &sign_profile(&doctor, own)).await.refused("forbidden");
    let earlier = Profile { accreditorEpoch: epoch - 1, ..profile.clone() };
    put(&doctor, &sign_profile(&accreditor, earlier)).await.refused("stale_state");
    assert_eq!(server.count(api::store::collection::PROFILES).await, 0, "nothing was changed");

    put(&doctor, &signed).await.has(StatusCode::NO_CONTENT);
    assert_eq!(put(&doctor, &signed).await.status, StatusCode::NO_CONTENT, "the same again changes nothing");
    let older = Profile { issued: profile.issued - 1, ..profile.clone() };
    put(&doctor, &sign_profile(&accreditor, older)).await.refused("stale_state");

    let active = accreditor_doc(accreditor.address(), true, epoch);
    server.mirror(collection::ACCREDITORS, &active).await;
    let vouched = practitioner_doc(doctor.address(), accreditor.address(), &[Role::Doctor]);
    let vouched = PractitionerDoc { accreditor_epoch: epoch, ..vouched };
    server.mirror(collection::PRACTITIONERS, &vouched).await;
    for (query, found) in [("dr. ada", 1), ("DR.%20ADA%20%C3%96", 1), ("ada", 0), ("dr. b", 0)] {
        let path = format!("/v1/directory?name={}", query.replace(' ', "%20"));
        let page: Page<DirectoryEntry> = stranger.get(&path).await.json();
        assert_eq!(page.items.len(), found, "{query}");
        assert!(page.items.iter().all(|entry| entry.profile.as_ref() == Some(&signed)));
    }
}

#[tokio::test]
async fn nothing_of_an_accreditors_earlier_epoch_counts_in_the_list() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    let (accreditor, doctor) = (server.anon(), seeds::address());
    let vouched = practitioner_doc(doctor, accreditor.address(), &[Role::Doctor]);
    server.mirror(collection::PRACTITIONERS, &vouched).await;
    let profile = Profile {
        accreditor: accreditor.address(),
        accreditorEpoch: 1,
        practitioner: doctor,
        name: "Dr. Before".to_owned(),
        organisation: String::new(),
        specialty: String::new(),
        roles: Role::Doctor.bit(),
        issued: 1,
    };
    let signed = serde_json::to_string(&sign_profile(&accreditor, profile)).expect("text");
    let stored = doc! { "_id": format!("{doctor:#x}"), "name": "dr. before", "issued": 1_i64, "signed": signed };
    server.mirror(api::store::collection::PROFILES, &stored).await;
    // Named, removed, named again.
    for (epoch, active, counts) in [(1, true, true), (2, false, false), (3, true, false)] {
        let doc = accreditor_doc(accreditor.address(), active, epoch);
        server.replace(collection::ACCREDITORS, &doc).await;
        let page: Page<DirectoryEntry> = user.get("/v1/directory").await.json();
        let entry = page.items.iter().find(|entry| entry.address == doctor).expect("it is listed");
        assert_eq!((!entry.suspended, entry.profile.is_some()), (counts, counts), "epoch {epoch}");
    }
}
