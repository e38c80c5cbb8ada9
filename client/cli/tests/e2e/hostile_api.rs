//! An API that lies about public keys: nobody seals anything to its key.

use client::{
    Failure,
    error::codes,
    unlock::{self},
};
use protocol::{bodies::people::PublishedKey, codes::Role, identity::IdentityKey};

use crate::{chance::document, proxy::Proxy, world};

#[test]
fn a_wrong_public_key_from_the_api_stops_everything() {
    world::run(async {
        let world = world::shared().await;
        let (patient, doctor) = tokio::join!(world.person(), world.practitioner(Role::Doctor));
        let content = document(2_000);
        let record = patient.upload("secret.txt", &content).await.record;

        // The API answers with a key of its own, consistently hashed, so that only the chain can tell.
        let api = Proxy::to(&world.place.api).await;
        let own = IdentityKey::derive(&[0x5a; 32]);
        let (own_key, own_hash) = (own.public_key().as_bytes().to_vec(), own.public_key().hash());
        api.tamper_answers(move |_, uri, body| {
            if !uri.path().starts_with("/v1/keys/") {
                return body;
            }
            let Ok(mut published) = serde_json::from_slice::<PublishedKey>(&body) else { return body };
            published.key = own_key.clone().into();
            published.key_hash = own_hash;
            serde_json::to_vec(&published).unwrap()
        });
        let lied_to = patient.through(&api.url());
        // An honest answer is accepted through the same server in the middle, so the refusal is about the key.
        let refused = patient.try_share(&lied_to, &[record], &doctor, 600).await.expect_err("the key is another one");
        assert_eq!(refused.code(), codes::WRONG_PUBLIC_KEY, "{refused}");
        assert!(patient.client.chain().grants_of(patient.address()).await.unwrap().is_empty(), "nothing was granted");

        // The command says so too, and ends with the code for something that is not genuine.
        let said = patient.device.medlock(&["key", &doctor.hex(), "--api", &api.url()]).await;
        assert_eq!(said.code, 5, "{said:?}");
        let said =
            patient.device.medlock(&["grant", &record.to_string(), "--to", &doctor.hex(), "--api", &api.url()]).await;
        assert_eq!(said.code, 5, "{said:?}");

        api.be_honest();
        patient.try_share(&lied_to, &[record], &doctor, 600).await.expect("the honest key is accepted");
        assert_eq!(doctor.open_soon(record).await, content);
    });
}

#[test]
fn a_device_refuses_keys_that_are_not_those_on_chain() {
    world::run(async {
        // Somebody swaps the keyring of a device for that of another person: it does not unlock as theirs.
        let world = world::shared().await;
        let (one, two) = tokio::join!(world.person(), world.person());
        std::fs::copy(two.device.home().join("keyring.json"), one.device.home().join("keyring.json")).unwrap();
        let passphrase = std::fs::read_to_string(one.device.path("passphrase")).unwrap().into();
        let refused = unlock::unlock(&one.client, unlock::Unlocker::Passphrase(&passphrase)).await.err().unwrap();
        assert!([codes::WRONG_KEYS, codes::NOT_UNLOCKED].contains(&refused.code()), "{}: {refused}", refused.code());
    });
}
