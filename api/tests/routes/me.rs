//! The caller's account.

use protocol::{
    bodies::account::Me,
    codes::Role,
    mirror::{PractitionerDoc, collection},
};

use crate::world::{
    mirror::{accreditor_doc, key_doc, practitioner_doc},
    servers::Server,
};

#[tokio::test]
async fn me_needs_a_session_and_tells_what_the_mirror_knows() {
    let server = Server::new().await;
    server.anon().get("/v1/me").await.refused("not_signed_in");
    let (doctor, accreditor) = (server.newcomer().await, server.newcomer().await);
    let now = server.app.clock.now();
    let active = accreditor_doc(accreditor.address(), true, 1);
    let roles = [Role::Doctor, Role::Auditor];
    let standing = practitioner_doc(doctor.address(), accreditor.address(), &roles);
    let practitioner = PractitionerDoc { valid_from: now - 10, valid_until: now + 10, ..standing };
    server.mirror(collection::ACCREDITORS, &active).await;
    server.mirror(collection::PRACTITIONERS, &practitioner).await;
    server.mirror(collection::KEYS, &key_doc(doctor.address(), 1)).await;
    server.mirror(collection::KEYS, &key_doc(doctor.address(), 2)).await;

    let me: Me = doctor.get("/v1/me").await.json();
    assert_eq!(me.roles, roles);
    assert_eq!((me.key_epoch, me.accreditor, me.stored_bytes), (2, false, 0));
    let me: Me = accreditor.get("/v1/me").await.json();
    assert!(me.accreditor && me.roles.is_empty());

    server.app.clock.shift(11);
    let me: Me = doctor.get("/v1/me").await.json();
    assert!(me.roles.is_empty(), "the accreditation has ended");
}
