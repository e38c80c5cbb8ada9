//! Uploads and downloads of blobs.

mod access;
mod pins;

use api::store::collection as ours;
use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use bytes::Bytes;
use protocol::{bodies::account::Me, envelope::HEADER_LEN};

use self::pins::is_pinned;
use crate::world::{
    calls::request,
    envelopes::{cid_of, envelope, stored},
    seeds,
    servers::Server,
};

#[tokio::test]
async fn an_envelope_comes_back_as_it_went_in() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    for length in [HEADER_LEN, 4096, 1 << 20, (3 << 20) + 17] {
        let record = seeds::record();
        let bytes = envelope(record, 1, length);
        let blob = stored(&user, record, &bytes).await;
        assert_eq!(blob.size, length as u64);
        let cid: cid::Cid = blob.cid.parse().expect("a CID");
        assert_eq!(cid.version(), cid::Version::V1);
        let codec = if length <= 1 << 20 { 0x55 } else { 0x70 };
        assert_eq!(cid.codec(), codec, "one raw block up to 1 MiB, a tree above");
        let answer = user.download(&blob.cid).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        assert_eq!(answer.header("content-length"), length.to_string());
        assert!(answer.bytes() == bytes, "identical bytes");
    }
    let me: Me = user.get("/v1/me").await.json();
    assert_eq!(me.stored_bytes, HEADER_LEN as u64 + 4096 + (1 << 20) + (3 << 20) + 17);
}

#[tokio::test]
async fn the_cid_is_the_one_that_clients_compute() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    let record = seeds::record();
    let bytes = envelope(record, 1, (2 << 20) + 5);
    assert_eq!(stored(&user, record, &bytes).await.cid, cid_of(&bytes));
}

#[tokio::test]
async fn a_range_gets_its_bytes_and_a_known_tag_gets_none() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    let record = seeds::record();
    let bytes = envelope(record, 1, (1 << 20) + 1000);
    let cid = stored(&user, record, &bytes).await.cid;
    let path = format!("/v1/blobs/{cid}");
    let size = bytes.len();
    for (range, from, to) in [
        ("bytes=0-0".to_owned(), 0, 1),
        ("bytes=1048570-1048585".to_owned(), 1_048_570, 1_048_586),
        (format!("bytes={}-", size - 1), size - 1, size),
        ("bytes=-100".to_owned(), size - 100, size),
        ("bytes=5-99999999999".to_owned(), 5, size),
    ] {
        let answer = user.get_with(&path, &[("range", &range)]).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(answer.header("content-range"), format!("bytes {from}-{}/{size}", to - 1));
        assert!(answer.bytes() == &bytes[from..to], "{range}");
    }
    user.get_with(&path, &[("range", &format!("bytes={size}-"))]).await.refused("invalid_range");
    assert_eq!(user.get_with(&path, &[("range", "bytes=0-1,5-6")]).await.status, StatusCode::OK);

    let etag = format!("\"{cid}\"");
    assert_eq!(user.get_with(&path, &[("if-none-match", &etag)]).await.status, StatusCode::NOT_MODIFIED);
    let head = user.head(&path).await;
    assert_eq!((head.status, head.header("content-length")), (StatusCode::OK, size.to_string().as_str()));
    assert_eq!(head.header("etag"), etag);
    assert!(head.bytes().is_empty());
}

#[tokio::test]
async fn a_body_that_is_no_envelope_for_this_version_is_refused() {
    let server = Server::with(|settings| settings.limits.envelope_bytes_max = 10_000).await;
    let user = server.newcomer().await;
    let (ours, theirs) = (seeds::record(), seeds::record());
    server.anon().upload(ours, 1, envelope(ours, 1, 1_500)).await.refused("not_signed_in");
    user.upload(ours, 1, envelope(theirs, 1, 1_500)).await.refused("invalid_envelope");
    user.upload(ours, 2, envelope(ours, 1, 1_500)).await.refused("invalid_envelope");
    user.upload(ours, 1, vec![0; 1_500]).await.refused("invalid_envelope");
    user.upload(ours, 1, Vec::new()).await.refused("invalid_envelope");
    user.upload(ours, 1, envelope(ours, 1, HEADER_LEN)[..HEADER_LEN - 1].to_vec()).await.refused("invalid_envelope");
    user.upload(ours, 1, envelope(ours, 1, 10_001)).await.refused("too_large");

    let post = async |path: String, headers: &[(&str, &str)]| {
        user.send(request(Method::POST, &path, headers, Body::from(envelope(ours, 1, 1_500)))).await
    };
    let path = format!("/v1/blobs?record={ours}&version=1");
    let bytes = ("content-type", "application/octet-stream");
    post(path.clone(), &[bytes]).await.refused("invalid_request");
    post(path.clone(), &[bytes, ("content-length", "-1")]).await.refused("invalid_request");
    post(path.clone(), &[("content-length", "1500")]).await.refused("unsupported_media_type");
    post(format!("{path}&more=1"), &[bytes, ("content-length", "1500")]).await.refused("invalid_request");
    post("/v1/blobs?record=0x12&version=1".to_owned(), &[bytes]).await.refused("invalid_request");
    post(format!("/v1/blobs?record={ours}&version=65536"), &[bytes]).await.refused("invalid_request");
    assert_eq!(server.count(ours::PINS).await, 0, "nothing was kept");
}

#[tokio::test]
async fn a_truncated_upload_leaves_nothing() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    let record = seeds::record();
    let whole = envelope(record, 1, 2 << 20);
    let sent = whole[..(1 << 20) + 100].to_vec();
    let cid_of_part = cid_of(&sent);
    let send = |pieces: Vec<Result<Bytes, std::io::Error>>, announced: usize| {
        let request = Request::post(format!("/v1/blobs?record={record}&version=1"))
            .header("content-type", "application/octet-stream")
            .header("content-length", announced)
            .body(Body::from_stream(futures::stream::iter(pieces)))
            .expect("a request");
        user.send(request)
    };
    let broken = || Err(std::io::ErrorKind::ConnectionReset.into());
    send(vec![Ok(sent.clone().into()), broken()], whole.len()).await.refused("truncated_upload");
    send(vec![Ok(sent.clone().into())], whole.len()).await.refused("truncated_upload");
    send(vec![Ok(sent[..100].to_vec().into())], whole.len()).await.refused("truncated_upload");
    send(vec![Ok(whole.clone().into())], whole.len() - 1).await.refused("truncated_upload");
    assert_eq!(server.count(ours::PINS).await, 0);
    assert!(!is_pinned(&cid_of_part).await);
    let me: Me = user.get("/v1/me").await.json();
    assert_eq!(me.stored_bytes, 0);
}

#[tokio::test]
async fn a_quota_is_an_accounts_own() {
    let server = Server::with(|settings| settings.limits.quota_bytes = 3_000).await;
    let (user, other) = (server.newcomer().await, server.newcomer().await);
    let (first, second) = (seeds::record(), seeds::record());
    let bytes = envelope(first, 1, 1_600);
    stored(&user, first, &bytes).await;
    user.upload(second, 1, envelope(second, 1, 1_600)).await.refused("quota_exceeded");
    stored(&other, second, &envelope(second, 1, 1_600)).await;
    // The same bytes again count once.
    let answer = user.upload(first, 1, envelope(first, 1, 1_400)).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_cid_that_is_not_ours_is_refused() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    for cid in ["x", "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG", "bafkreiab%26arg=x"] {
        user.download(cid).await.refused("invalid_request");
    }
    let unknown = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
    user.download(unknown).await.refused("not_found");
    user.call(Method::DELETE, &format!("/v1/blobs/{unknown}"), serde_json::Value::Null)
        .await
        .refused("method_not_allowed");
}

#[tokio::test]
async fn if_none_match_and_if_range_follow_the_entity_tag() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    let record = seeds::record();
    let blob = stored(&user, record, &envelope(record, 1, 5_000)).await;
    let ask = async |method: Method, headers: &[(&str, &str)]| {
        user.send(request(method, &format!("/v1/blobs/{}", blob.cid), headers, Body::empty())).await
    };
    let etag = format!("\"{}\"", blob.cid);
    let weak = format!("W/{etag}");
    let list = format!("\"x\", {weak}");
    for known in [etag.as_str(), weak.as_str(), list.as_str(), "*"] {
        for method in [Method::GET, Method::HEAD] {
            let answer = ask(method, &[("if-none-match", known), ("range", "bytes=0-3")]).await;
            assert_eq!((answer.status, answer.bytes().len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
            assert_eq!(answer.header("etag"), etag);
            assert_eq!(answer.header("cache-control"), "private, no-cache");
        }
    }
    assert_eq!(ask(Method::GET, &[("if-none-match", "\"x\"")]).await.status, StatusCode::OK);
    let range = ("range", "bytes=0-3");
    assert_eq!(ask(Method::GET, &[range, ("if-range", &etag)]).await.status, StatusCode::PARTIAL_CONTENT);
    for other in [weak.as_str(), "\"x\"", "*", "Sun, 29 Nov 2026 00:00:00 GMT"] {
        let answer = ask(Method::GET, &[range, ("if-range", other)]).await;
        assert_eq!((answer.status, answer.bytes().len()), (StatusCode::OK, 5_000), "{other}");
    }
    // `If-Range` names another envelope, so the range is ignored, and even one beyond the end is not refused.
    assert_eq!(ask(Method::GET, &[("range", "bytes=9000-"), ("if-range", "\"x\"")]).await.status, StatusCode::OK);
}
