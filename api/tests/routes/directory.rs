//! The directory of accredited people.

use alloy::{
    primitives::{Address, Bytes, aliases::U40},
    providers::ProviderBuilder,
    signers::{SignerSync, local::PrivateKeySigner},
};
use axum::http::{Method, StatusCode};
use contracts::accreditation::Accreditation;
use localnet::Role as Actor;
use mongodb::bson::doc;
use protocol::{
    bodies::{Page, people::DirectoryEntry},
    codes::Role,
    deployment::ContractName,
    mirror::{AccreditorDoc, PractitionerDoc, collection},
    statements::{Profile, SignedProfile},
};
use serde_json::json;

use super::world::{World, network, place};

fn practitioner(address: Address, accreditor: Address, roles: &[Role]) -> PractitionerDoc {
    PractitionerDoc {
        address,
        accreditor,
        roles: Role::mask(roles),
        valid_from: 0,
        valid_until: 4_000_000_000,
        suspended: false,
        epoch: 1,
        accreditor_epoch: 1,
        place: place(),
    }
}

fn sign(world: &World, accreditor: &PrivateKeySigner, profile: Profile) -> SignedProfile {
    let hash = SignedProfile::signing_hash(&profile, &world.app.deployment);
    let signature = accreditor.sign_hash_sync(&hash).expect("a local key signs");
    SignedProfile { profile, signature: Bytes::copy_from_slice(&signature.as_bytes()) }
}

/// Makes the accreditor, named anew, vouch for `practitioner` on chain, from the accounts that Anvil signs for; gives it
/// and its epoch.
async fn vouch_on_chain(world: &World, practitioner: Address, roles: u8) -> (PrivateKeySigner, u32) {
    let localnet = &network().localnet;
    let (owner, accreditor) = (localnet.person(Actor::Owner), localnet.person(Actor::Accreditor));
    let chain = ProviderBuilder::new().connect(&localnet.rpc_url()).await.expect("the chain answers");
    let registry = Accreditation::new(world.app.deployment.address_of(ContractName::Accreditation), chain);
    let epoch = registry.accreditorEpochOf(accreditor.address).call().await.expect("the chain answers");
    let active = registry.addAccreditor(accreditor.address, epoch).from(owner.address);
    active.send().await.expect("sent").get_receipt().await.expect("mined");
    let own_epoch = epoch + 1;
    let epoch = registry.practitionerOf(practitioner).call().await.expect("the chain answers").epoch;
    let until = U40::from(4_000_000_000_u64);
    let vouch = registry.accredit(practitioner, roles, U40::ZERO, until, epoch, own_epoch).from(accreditor.address);
    vouch.send().await.expect("sent").get_receipt().await.expect("mined");
    (accreditor.signer, own_epoch)
}

#[tokio::test]
async fn the_list_is_filtered_and_paged() {
    let world = World::new().await;
    world.nobody().get("/v1/directory").await.refused("not_signed_in");
    let user = world.somebody().await;
    let (accreditor, gone) = (PrivateKeySigner::random().address(), PrivateKeySigner::random().address());
    world
        .mirror(collection::ACCREDITORS, &AccreditorDoc { address: accreditor, active: true, epoch: 1, place: place() })
        .await;
    world
        .mirror(collection::ACCREDITORS, &AccreditorDoc { address: gone, active: false, epoch: 2, place: place() })
        .await;
    let mut doctors: Vec<Address> = (0..5).map(|_| PrivateKeySigner::random().address()).collect();
    doctors.sort_unstable();
    for doctor in &doctors {
        world.mirror(collection::PRACTITIONERS, &practitioner(*doctor, accreditor, &[Role::Doctor])).await;
    }
    let lab = PrivateKeySigner::random().address();
    world.mirror(collection::PRACTITIONERS, &practitioner(lab, gone, &[Role::Lab])).await;

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
    let world = World::new().await;
    let (doctor, stranger) = (world.somebody().await, world.somebody().await);
    let (accreditor, epoch) = vouch_on_chain(&world, doctor.address(), Role::Doctor.bit()).await;
    let path = format!("/v1/directory/{}", doctor.hex());
    let profile = Profile {
        accreditor: accreditor.address(),
        accreditorEpoch: epoch,
        practitioner: doctor.address(),
        name: "Dr. Ada Öz".to_owned(),
        organisation: "St. Mary".to_owned(),
        specialty: "Cardiology".to_owned(),
        roles: Role::Doctor.bit(),
        issued: world.app.clock.now(),
    };
    let signed = sign(&world, &accreditor, profile.clone());
    let put = |user: &super::world::User, signed: &SignedProfile| {
        let (user, body, path) = (user.clone(), json!(signed), path.clone());
        async move { user.call(Method::PUT, &path, body).await }
    };

    put(&world.nobody(), &signed).await.refused("not_signed_in");
    put(&stranger, &signed).await.refused("forbidden");
    put(&doctor, &sign(&world, &doctor.signer, profile.clone())).await.refused("invalid_signature");
    let future = Profile { issued: profile.issued + 1000, ..profile.clone() };
    put(&doctor, &sign(&world, &accreditor, future)).await.refused("clock_skew");
    let long = Profile { name: "x".repeat(201), ..profile.clone() };
    put(&doctor, &sign(&world, &accreditor, long)).await.refused("out_of_range");
    let empty = Profile { name: " ".to_owned(), ..profile.clone() };
    put(&doctor, &sign(&world, &accreditor, empty)).await.refused("out_of_range");
    let control = Profile { name: "a\nb".to_owned(), ..profile.clone() };
    put(&doctor, &sign(&world, &accreditor, control)).await.refused("invalid_request");
    let more = Profile { roles: Role::mask(&[Role::Doctor, Role::Auditor]), ..profile.clone() };
    put(&doctor, &sign(&world, &accreditor, more)).await.refused("not_accredited");
    let other = Profile { practitioner: stranger.address(), ..profile.clone() };
    put(&doctor, &sign(&world, &accreditor, other)).await.refused("invalid_request");
    let own = Profile { accreditor: doctor.address(), ..profile.clone() };
    put(&doctor, &sign(&world, &doctor.signer, own)).await.refused("forbidden");
    let earlier = Profile { accreditorEpoch: epoch - 1, ..profile.clone() };
    put(&doctor, &sign(&world, &accreditor, earlier)).await.refused("stale_state");
    assert_eq!(world.count(api::store::collection::PROFILES).await, 0, "nothing was changed");

    let answer = put(&doctor, &signed).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    assert_eq!(put(&doctor, &signed).await.status, StatusCode::NO_CONTENT, "the same again changes nothing");
    let older = Profile { issued: profile.issued - 1, ..profile.clone() };
    put(&doctor, &sign(&world, &accreditor, older)).await.refused("stale_state");

    let active = AccreditorDoc { address: accreditor.address(), active: true, epoch, place: place() };
    world.mirror(collection::ACCREDITORS, &active).await;
    let vouched = practitioner(doctor.address(), accreditor.address(), &[Role::Doctor]);
    let vouched = PractitionerDoc { accreditor_epoch: epoch, ..vouched };
    world.mirror(collection::PRACTITIONERS, &vouched).await;
    for (query, found) in [("dr. ada", 1), ("DR.%20ADA%20%C3%96", 1), ("ada", 0), ("dr. b", 0)] {
        let path = format!("/v1/directory?name={}", query.replace(' ', "%20"));
        let page: Page<DirectoryEntry> = stranger.get(&path).await.json();
        assert_eq!(page.items.len(), found, "{query}");
        assert!(page.items.iter().all(|entry| entry.profile.as_ref() == Some(&signed)));
    }
}

#[tokio::test]
async fn nothing_of_an_accreditors_earlier_epoch_counts_in_the_list() {
    let world = World::new().await;
    let user = world.somebody().await;
    let (accreditor, doctor) = (PrivateKeySigner::random(), PrivateKeySigner::random().address());
    let vouched = practitioner(doctor, accreditor.address(), &[Role::Doctor]);
    world.mirror(collection::PRACTITIONERS, &vouched).await;
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
    let signed = serde_json::to_string(&sign(&world, &accreditor, profile)).expect("text");
    let stored = doc! { "_id": format!("{doctor:#x}"), "name": "dr. before", "issued": 1_i64, "signed": signed };
    world.mirror(api::store::collection::PROFILES, &stored).await;
    // Named, removed, named again.
    for (epoch, active, counts) in [(1, true, true), (2, false, false), (3, true, false)] {
        let doc = AccreditorDoc { address: accreditor.address(), active, epoch, place: place() };
        world.replace(collection::ACCREDITORS, &doc).await;
        let page: Page<DirectoryEntry> = user.get("/v1/directory").await.json();
        let entry = page.items.iter().find(|entry| entry.address == doctor).expect("it is listed");
        assert_eq!((!entry.suspended, entry.profile.is_some()), (counts, counts), "epoch {epoch}");
    }
}
