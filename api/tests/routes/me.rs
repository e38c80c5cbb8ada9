//! Who one is, and published keys.

use alloy::primitives::{Address, Bytes, keccak256};
use axum::http::StatusCode;
use protocol::{
    bodies::{
        account::{Me, ServerInfo},
        people::PublishedKey,
    },
    codes::Role,
    mirror::{AccreditorDoc, KeyDoc, PractitionerDoc, collection, key_id},
};

use super::world::{World, place};

fn key(owner: Address, epoch: u32) -> KeyDoc {
    let key = Bytes::from(vec![4; 65]);
    let key_hash = keccak256(&key);
    KeyDoc { id: key_id(owner, 0, epoch), owner, slot: 0, epoch, kem: 0x16, key_hash, key, place: place() }
}

#[tokio::test]
async fn me_needs_a_session_and_tells_what_the_mirror_knows() {
    let world = World::new().await;
    world.nobody().get("/v1/me").await.refused("not_signed_in");
    let (doctor, accreditor) = (world.somebody().await, world.somebody().await);
    let now = world.app.clock.now();
    let active = AccreditorDoc { address: accreditor.address(), active: true, epoch: 1, place: place() };
    let practitioner = PractitionerDoc {
        address: doctor.address(),
        accreditor: accreditor.address(),
        roles: Role::mask(&[Role::Doctor, Role::Auditor]),
        valid_from: now - 10,
        valid_until: now + 10,
        suspended: false,
        epoch: 1,
        accreditor_epoch: 1,
        place: place(),
    };
    world.mirror(collection::ACCREDITORS, &active).await;
    world.mirror(collection::PRACTITIONERS, &practitioner).await;
    world.mirror(collection::KEYS, &key(doctor.address(), 1)).await;
    world.mirror(collection::KEYS, &key(doctor.address(), 2)).await;

    let me: Me = doctor.get("/v1/me").await.json();
    assert_eq!(me.roles, [Role::Doctor, Role::Auditor]);
    assert_eq!((me.key_epoch, me.accreditor, me.stored_bytes), (2, false, 0));
    let me: Me = accreditor.get("/v1/me").await.json();
    assert!(me.accreditor && me.roles.is_empty());

    world.app.clock.shift(11);
    let me: Me = doctor.get("/v1/me").await.json();
    assert!(me.roles.is_empty(), "the accreditation has ended");
}

#[tokio::test]
async fn the_newest_key_is_shown_to_whoever_is_signed_in() {
    let world = World::new().await;
    let (owner, other) = (world.somebody().await, world.somebody().await);
    let path = format!("/v1/keys/{}", owner.hex());
    world.nobody().get(&path).await.refused("not_signed_in");
    other.get(&path).await.refused("key_not_registered");
    world.mirror(collection::KEYS, &key(owner.address(), 1)).await;
    world.mirror(collection::KEYS, &key(owner.address(), 2)).await;
    let published: PublishedKey = other.get(&path).await.json();
    assert_eq!((published.owner, published.epoch), (owner.address(), 2));
    other.get("/v1/keys/0x12").await.refused("invalid_request");
    other.get("/v1/keys/nobody").await.refused("invalid_request");
}

#[tokio::test]
async fn anyone_may_ask_which_deployment_this_is() {
    let world = World::new().await;
    let answer = world.nobody().get("/v1/deployment").await;
    assert_eq!(answer.status, StatusCode::OK);
    let info: ServerInfo = answer.json();
    assert_eq!(info.deployment, *world.app.deployment);
    assert_eq!(info.deployment.operator_key().expect("signed by the operator").epoch, 1);
}
