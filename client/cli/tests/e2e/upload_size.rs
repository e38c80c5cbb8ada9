//! A document whose size is refused leaves nothing that would have to be completed.

use axum::http::{Method, StatusCode};
use client::{Client, Failure, error::codes, upload};
use protocol::bodies::account::ServerInfo;

use crate::{chance::document, proxy::Proxy, world};

fn pending(client: &Client) -> usize {
    let (pending, damaged) = upload::pending(client).unwrap();
    assert!(damaged.is_empty(), "{damaged:?}");
    pending.len()
}

/// From now on the server says that it takes envelopes of at most 10,000 bytes.
fn lower_the_limit(api: &Proxy) {
    api.tamper_answers(|_, uri, body| {
        if uri.path() != "/v1/deployment" {
            return body;
        }
        let mut info: ServerInfo = serde_json::from_slice(&body).unwrap();
        info.envelope_bytes_max = 10_000;
        serde_json::to_vec(&info).unwrap()
    });
}

#[test]
fn an_upload_that_is_refused_for_its_size_leaves_no_journal_entry() {
    world::run(async {
        let world = world::shared().await;
        let patient = world.person().await;
        let api = Proxy::to(&world.place.api).await;
        lower_the_limit(&api);
        let client = patient.through(&api.url());
        for (content, code) in [(document(20_000), codes::TOO_LARGE), (Vec::new(), codes::EMPTY_FILE)] {
            let refused = patient.try_upload(&client, patient.address(), "scan.bin", &content).await;
            assert_eq!(refused.expect_err("it has no size that is taken").code(), code);
            assert_eq!(pending(&client), 0, "{code}");
        }

        // The command says so too, of a file and of a pipe, and the doctor finds nothing to complete.
        let file = patient.device.file("large.bin", &document(20_000));
        let said = patient.device.medlock(&["upload", file.to_str().unwrap(), "--json", "--api", &api.url()]).await;
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains(r#""code":"too_large""#), "{said:?}");
        let said = patient.device.medlock(&["upload", "-", "--name", "none.txt", "--json"]).await;
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains(r#""code":"empty_file""#), "{said:?}");
        let doctor = patient.device.medlock(&["doctor"]).await.text();
        assert!(doctor.contains("No upload is unfinished."), "{doctor}");

        patient
            .try_upload(&client, patient.address(), "small.bin", &document(2_000))
            .await
            .expect("it is small enough");
    });
}

#[test]
fn an_interrupted_upload_ends_when_the_server_no_longer_takes_its_size() {
    world::run(async {
        let world = world::shared().await;
        let patient = world.person().await;
        let api = Proxy::to(&world.place.api).await;
        let client = patient.through(&api.url());
        api.refuse(|method, uri| {
            (method != Method::GET && uri.path().starts_with("/v1/blobs")).then_some(StatusCode::SERVICE_UNAVAILABLE)
        });
        let content = document(20_000);
        patient.try_upload(&client, patient.address(), "scan.bin", &content).await.expect_err("nothing is stored");
        assert_eq!(pending(&client), 1);

        lower_the_limit(&api);
        let refused = patient.try_upload(&client, patient.address(), "scan.bin", &content).await;
        assert_eq!(refused.expect_err("it is too large now").code(), codes::TOO_LARGE);
        assert_eq!(pending(&client), 0);
    });
}
