//! The server tells only the sender that it already has an action, a record, a grant or a request.

use axum::http::StatusCode;
use localnet::Role;
use mongodb::bson::{Document, doc};
use protocol::messages::SignedAction;
use serde_json::json;

use crate::world::{
    actions::register_key,
    grants::{Terms, grant_body},
    network::Network,
    people::{Cast, User},
    records::prepare_record,
    servers::Server,
    waiting::eventually,
};

#[tokio::test]
async fn a_known_action_is_told_to_nobody_who_cannot_show_its_signature() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let stranger = server.sign_in(network.signer(Role::SecondPatient)).await;
    let (record, salt) = cast.shared_record().await;
    let key = register_key(&cast.patient, 1);
    let end = cast.revoke(record.id, salt);
    for (path, signed) in [("/v1/actions", &key), ("/v1/grants/revoke", &end)] {
        let body = |signed: &SignedAction| match path {
            "/v1/actions" => json!(signed),
            _ => json!({ "action": signed }),
        };
        cast.patient.post(path, &body(signed)).await.has(StatusCode::OK);
        let actions = server.app.database.collection::<Document>("api_actions");
        let before = actions.count_documents(doc! {}).await.unwrap();
        for signature in [vec![], vec![0; 65], signed.signature[..64].to_vec()] {
            let forged = SignedAction { action: signed.action.clone(), signature: signature.into() };
            for user in [&stranger, &cast.patient] {
                assert_eq!(user.post(path, &body(&forged)).await.code(), "invalid_signature", "{path}");
            }
        }
        // The signature stands on chain for everybody to copy: it opens nothing either.
        assert_eq!(stranger.post(path, &body(signed)).await.code(), "already_exists");
        assert_eq!(cast.patient.post(path, &body(signed)).await.status, StatusCode::OK);
        assert_eq!(actions.count_documents(doc! {}).await.unwrap(), before);
    }
}

/// Makes sure that only the sender learns that the server already has a body, and only with the signature.
async fn is_told_only_to_its_sender(server: &Server, path: &str, body: &serde_json::Value, place: &str, sender: &User) {
    let (stranger, known) = (server.newcomer().await, || async {
        let mut counts = Vec::new();
        for collection in
            ["api_actions", "api_release_shares", "api_bundles", "api_received", "api_requests", "api_feed"]
        {
            let collection = server.app.database.collection::<Document>(collection);
            counts.push(collection.count_documents(doc! {}).await.unwrap());
        }
        let pins = server.app.database.collection::<Document>("api_pins");
        let newest = pins.find_one(doc! {}).sort(doc! { "changed_at": -1 }).await.unwrap();
        (counts, newest)
    });
    let first = sender.post(path, body).await;
    assert_eq!(first.status, StatusCode::CREATED, "{first:?}");
    eventually("what follows is done", || async {
        let open = doc! { "is_followed_up": false };
        let actions = server.app.database.collection::<Document>("api_actions");
        (actions.count_documents(open).await.unwrap() == 0).then_some(())
    })
    .await;
    let before = known().await;
    let signature: String = body.pointer(place).unwrap().as_str().unwrap().to_owned();
    // A moment later, so that what is touched shows.
    server.app.clock.shift(5);
    for forged in ["0x".to_owned(), format!("0x{}", "00".repeat(65)), signature[..signature.len() - 2].to_owned()] {
        let mut forged_body = body.clone();
        *forged_body.pointer_mut(place).unwrap() = json!(forged);
        assert_eq!(sender.post(path, &forged_body).await.code(), "invalid_signature", "{path} {forged}");
        assert_eq!(stranger.post(path, &forged_body).await.code(), "forbidden", "{path} {forged}");
    }
    // The signature may stand where everybody can copy it.
    assert_eq!(stranger.post(path, body).await.code(), "forbidden", "{path}");
    assert_eq!(known().await, before, "{path}: nothing was written");
    let again = sender.post(path, body).await;
    assert_eq!((again.status, again.bytes()), (first.status, first.bytes()), "{path}");
}

#[tokio::test]
async fn a_known_record_grant_or_request_is_told_to_nobody_else() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let record = prepare_record(&cast.patient).await;
    is_told_only_to_its_sender(&server, "/v1/records", &json!(record.body), "/action/signature", &cast.patient).await;
    let grant = grant_body(&cast.patient, &cast.doctor, &record, &Terms::now(&server));
    is_told_only_to_its_sender(&server, "/v1/grants", &json!(grant), "/action/signature", &cast.patient).await;
    let request = cast.request_body(record.id);
    is_told_only_to_its_sender(&server, "/v1/requests", &json!(request), "/signed/signature", &cast.doctor).await;
}
