//! HTTP/2 from a hostile client: streams that are opened and reset, answers that nobody takes, heads that never end. The
//! server ends the connection or the stream, and serves others meanwhile.

use std::time::Duration;

use axum::http::{Request, StatusCode, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    frames::{
        CONTINUATION, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, PING, RST_STREAM, farewell, frame, get,
        greeted,
    },
    h2_client::{ask, ask_for_body, connect, request},
    served::Served,
};
use crate::world::{envelopes::envelope, seeds, servers::Server};

/// Makes sure that others are served, over HTTP/1.1 and over HTTP/2.
async fn others_are_served(served: &Served) {
    let mut plain = served.connect().await;
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.expect("written");
    let mut answer = String::new();
    plain.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (client, _driver) = connect(served, 65_535).await;
    assert_eq!(ask(&client, "/healthz", None).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn streams_that_are_opened_and_reset_end_the_connection() {
    let server = Server::new().await;
    let served = Served::new(&server).await;
    let mut connection = greeted(&served, &[]).await;
    let mut burst = Vec::new();
    for stream in (1..4_000).step_by(2) {
        burst.extend(frame(HEADERS, END_HEADERS | END_STREAM, stream, &get("/healthz")));
        burst.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    }
    // It may hang up before it has read everything.
    let _ = connection.write_all(&burst).await;
    assert_eq!(farewell(&mut connection).await, Some(ENHANCE_YOUR_CALM));
    others_are_served(&served).await;
    served.stop().await;
}

#[tokio::test]
async fn streams_that_are_reset_one_after_another_leave_nothing_behind() {
    let server = Server::with(|settings| {
        settings.limits.feeds_max = 2;
        settings.limits.rate_burst = 100_000;
        settings.limits.rate_per_second = 100_000;
    })
    .await;
    let user = server.newcomer().await;
    let served = Served::new(&server).await;
    let (mut client, driver) = connect(&served, 65_535).await;
    // A feed is a request that does not end by itself, and a session has two at most.
    for _ in 0..100 {
        client = client.ready().await.expect("the connection stands");
        let (answer, mut stream) = client.send_request(request("/v1/events", Some(&user)), true).expect("sent");
        tokio::task::yield_now().await;
        stream.send_reset(h2::Reason::CANCEL);
        drop(answer);
        if driver.is_finished() {
            break;
        }
    }
    others_are_served(&served).await;
    let (client, _driver) = connect(&served, 65_535).await;
    for _ in 0..100 {
        if ask(&client, "/v1/events", Some(&user)).await.status() == StatusCode::OK {
            served.stop().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("feeds that were reset are still counted");
}

#[tokio::test]
async fn an_answer_for_which_there_is_no_room_is_reset() {
    let server = Server::with(|settings| settings.limits.idle_seconds_max = 1).await;
    let user = server.newcomer().await;
    let record = seeds::record();
    let uploaded = user.upload(record, 1, envelope(record, 1, 1 << 20)).await;
    let cid = uploaded.json::<serde_json::Value>()["cid"].as_str().expect("a CID").to_owned();
    let served = Served::new(&server).await;
    let stored = format!("/v1/blobs/{cid}");
    // No byte, and fewer bytes than the answer has; the connection itself stays busy and alive.
    for (window, path) in [(0, "/version"), (0, stored.as_str()), (10, stored.as_str())] {
        let (client, driver) = connect(&served, window).await;
        let mut body = ask_for_body(&client, path, Some(&user)).await;
        let ended = async {
            // The client takes bytes and does not release the capacity.
            while let Some(piece) = body.data().await {
                if let Err(error) = piece {
                    return Some(error);
                }
            }
            None
        };
        let ended = tokio::time::timeout(Duration::from_secs(20), ended).await.expect("the server ends the stream");
        assert!(ended.is_some_and(|error| error.is_reset()), "{path} with room for {window}");
        assert!(!driver.is_finished(), "the connection is not at fault");
    }
    others_are_served(&served).await;
    served.stop().await;
}

#[tokio::test]
async fn a_short_answer_that_nobody_takes_whole_ends_with_its_connection() {
    let server = Server::with(|settings| {
        settings.limits.header_seconds_max = 1;
        settings.limits.idle_seconds_max = 1;
    })
    .await;
    let served = Served::new(&server).await;
    // It waits in the buffer of the connection, which is asked for nothing more.
    let (client, driver) = connect(&served, 10).await;
    let body = ask_for_body(&client, "/version", None).await;
    tokio::time::timeout(Duration::from_secs(20), driver).await.expect("the server ends it").expect("no panic");
    drop((body, client));
    others_are_served(&served).await;
    served.stop().await;
}

#[tokio::test]
async fn a_head_that_never_ends_ends_the_connection() {
    let server = Server::with(|settings| {
        settings.limits.header_seconds_max = 1;
        settings.limits.idle_seconds_max = 1;
    })
    .await;
    let served = Served::new(&server).await;
    // A head that begins and stops.
    let mut silent = greeted(&served, &[]).await;
    silent.write_all(&frame(HEADERS, END_STREAM, 1, &get("/healthz"))).await.expect("written");
    // Heads that go on for ever, in empty frames and in large ones.
    let mut empty = greeted(&served, &[]).await;
    let mut endless = frame(HEADERS, END_STREAM, 1, &get("/healthz"));
    endless.extend(frame(CONTINUATION, 0, 1, &[]).repeat(20_000));
    let _ = empty.write_all(&endless).await;
    let mut large = greeted(&served, &[]).await;
    let field = [&[0x00, 1, b'x', 0x7f, 0x81, 0x7e][..], &[b'y'; 16_000]].concat();
    let mut endless = frame(HEADERS, END_STREAM, 1, &get("/healthz"));
    endless.extend(frame(CONTINUATION, 0, 1, &field).repeat(100));
    let _ = large.write_all(&endless).await;
    others_are_served(&served).await;
    for mut connection in [silent, empty, large] {
        farewell(&mut connection).await;
    }
    served.stop().await;
}

#[tokio::test]
async fn a_body_that_stands_still_ends_its_stream() {
    let server = Server::with(|settings| settings.limits.idle_seconds_max = 1).await;
    let served = Served::new(&server).await;
    let (client, _driver) = connect(&served, 65_535).await;
    let mut ready = client.clone().ready().await.expect("the connection stands");
    let head =
        Request::post("http://a/v1/auth/login").version(Version::HTTP_2).header("content-type", "application/json");
    let (answer, mut body) = ready.send_request(head.body(()).expect("a request"), false).expect("sent");
    body.send_data(bytes::Bytes::from_static(b"{\""), false).expect("sent");
    let answer = tokio::time::timeout(Duration::from_secs(20), answer).await.expect("in time").expect("an answer");
    assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
    // Others on the same connection go on.
    assert_eq!(ask(&client, "/healthz", None).await.status(), StatusCode::OK);
    served.stop().await;
}

#[tokio::test]
async fn questions_whose_answers_nobody_reads_end_the_connection() {
    let server = Server::with(|settings| settings.limits.idle_seconds_max = 1).await;
    let served = Served::new(&server).await;
    let mut connection = greeted(&served, &[]).await;
    // Each is answered with as many bytes. Once the server cannot write, it stops to read, and hangs up.
    let pings = frame(PING, 0, 0, &[7; 8]).repeat(10_000);
    let sent = async { while connection.write_all(&pings).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(40), sent).await.expect("the server ends the connection");
    others_are_served(&served).await;
    served.stop().await;
}
