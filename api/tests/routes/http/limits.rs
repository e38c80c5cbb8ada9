//! Limits for accounts and networks: requests, bytes and connections.

use std::{net::SocketAddr, time::Duration};

use axum::http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::served::{Served, is_problem, read_to_the_end, told};
use crate::world::{people::User, servers::Server};

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_back() {
    let server = Server::with(|settings| {
        settings.limits.rate_per_second = 1;
        settings.limits.rate_burst = 3;
    })
    .await;
    let (user, other) = (server.newcomer().await, server.newcomer().await);
    for _ in 0..3 {
        assert_eq!(user.get("/v1/me").await.status, StatusCode::OK);
    }
    let refused = user.get("/v1/me").await;
    refused.refused("rate_limited");
    assert!(refused.header("retry-after").parse::<u64>().expect("seconds") >= 1);
    assert_eq!(other.get("/v1/me").await.status, StatusCode::OK, "others are not held back");
}

#[tokio::test]
async fn one_network_has_so_many_connections_and_others_have_theirs() {
    let server = Server::with(|settings| settings.limits.connections_per_network_max = 3).await;
    let served = Served::new(&server).await;
    let from = |last: u8| async move {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).expect("loopback is a whole network");
        socket.connect(served.address).await.expect("the server listens")
    };
    let _held = [from(2).await, from(2).await, from(2).await];
    let ask = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut fourth = from(2).await;
    let mut said = Vec::new();
    let _ =
        tokio::time::timeout(Duration::from_secs(5), fourth.read_to_end(&mut said)).await.expect("it is turned away");
    is_problem(&String::from_utf8_lossy(&said), "rate_limited");
    let mut other = from(3).await;
    other.write_all(ask).await.expect("written");
    assert!(read_to_the_end(&mut other).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn behind_a_proxy_the_requests_of_each_network_are_counted() {
    let server = Server::with(|settings| {
        settings.limits.forwarded_header = Some("x-forwarded-for".to_owned());
        settings.limits.connections_per_network_max = 1;
        settings.limits.requests_per_network_max = 2;
    })
    .await;
    let user = server.newcomer().await;
    let served = Served::new(&server).await;
    let ask = async |path: &str, from: &str| {
        let mut connection = served.connect().await;
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {from}\r\nAuthorization: Bearer {}\r\n\r\n",
            user.token()
        );
        connection.write_all(head.as_bytes()).await.expect("written");
        let mut first = [0; 12];
        connection.read_exact(&mut first).await.expect("an answer");
        (connection, String::from_utf8_lossy(&first).into_owned())
    };
    // Feeds are requests that do not end.
    let (one, first) = ask("/v1/events", "192.0.2.1").await;
    let (_two, second) = ask("/v1/events", "192.0.2.1").await;
    assert_eq!((first.as_str(), second.as_str()), ("HTTP/1.1 200", "HTTP/1.1 200"));
    assert_eq!(ask("/healthz", "192.0.2.1").await.1, "HTTP/1.1 429");
    assert_eq!(ask("/healthz", "192.0.2.2").await.1, "HTTP/1.1 200");
    drop(one);
    for _ in 0..100 {
        if ask("/healthz", "192.0.2.1").await.1 == "HTTP/1.1 200" {
            served.stop().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the place of a feed that was closed is never free again");
}

#[tokio::test]
async fn a_user_who_has_sent_many_bytes_waits_and_others_do_not() {
    let server = Server::with(|settings| {
        settings.limits.bytes_per_second = 1 << 10;
        settings.limits.bytes_burst = 64 << 10;
        settings.limits.refusal_milliseconds = 0;
    })
    .await;
    let (much, other) = (server.newcomer().await, server.newcomer().await);
    let served = Served::new(&server).await;
    let call = async |user: &User, line: &str, body: &str| {
        let token = user.token();
        let kind = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        let head =
            format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{kind}");
        told(&served, format!("{head}\r\n{body}").as_bytes()).await[..12].to_owned()
    };
    // Short requests are not counted.
    for _ in 0..100 {
        assert_eq!(call(&much, "GET /v1/me", "").await, "HTTP/1.1 200");
    }
    let long = format!("\"{}\"", "a".repeat(200 << 10));
    assert_eq!(call(&much, "POST /v1/grants", &long).await, "HTTP/1.1 400");
    assert_eq!(call(&much, "GET /v1/me", "").await, "HTTP/1.1 429");
    assert_eq!(call(&other, "GET /v1/me", "").await, "HTTP/1.1 200");
    served.stop().await;
}

#[tokio::test]
async fn the_forwarded_header_counts_only_from_a_proxy_and_only_when_it_names_an_address() {
    let server = Server::with(|settings| {
        settings.limits.forwarded_header = Some("x-forwarded-for".to_owned());
        settings.limits.proxy = vec!["127.0.0.2".parse().expect("an address")];
        settings.limits.requests_per_network_max = 1;
    })
    .await;
    let user = server.newcomer().await;
    let served = Served::new(&server).await;
    let ask = async |from: [u8; 4], path: &str, header: &str| {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from((from, 0))).expect("loopback is a whole network");
        let mut connection = socket.connect(served.address).await.expect("the server listens");
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{header}Authorization: Bearer {}\r\n\r\n", user.token());
        connection.write_all(head.as_bytes()).await.expect("written");
        let mut first = vec![0; 64 << 10];
        let length = connection.read(&mut first).await.expect("an answer");
        (connection, String::from_utf8_lossy(&first[..length]).into_owned())
    };
    let (proxy, other) = ([127, 0, 0, 2], [127, 0, 0, 3]);
    let said = async |from, header: &str| ask(from, "/healthz", header).await.1[..12].to_owned();
    // Feeds are requests that do not end: one for each of these networks.
    let mut held = Vec::new();
    for (from, header) in [
        (proxy, "X-Forwarded-For: 192.0.2.1:5678\r\n"),
        (proxy, "X-Forwarded-For: 192.0.2.1, [2001:db8::1]:80\r\n"),
        // These two count by the addresses from which they come.
        (proxy, "X-Forwarded-For: unknown\r\n"),
        (other, "X-Forwarded-For: 192.0.2.2\r\n"),
    ] {
        let (connection, answer) = ask(from, "/v1/events", header).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{header}: {answer}");
        held.push(connection);
    }
    for (from, header) in [
        (proxy, "X-Forwarded-For: 192.0.2.1\r\n"),
        (proxy, "X-Forwarded-For: 2001:db8::7\r\n"),
        (proxy, ""),
        (other, "X-Forwarded-For: 192.0.2.3\r\n"),
        (other, ""),
    ] {
        assert_eq!(said(from, header).await, "HTTP/1.1 429", "{header}");
    }
    assert_eq!(said(proxy, "X-Forwarded-For: 192.0.2.2\r\n").await, "HTTP/1.1 200");
    let last = "X-Forwarded-For: 192.0.2.2\r\nConnection: close\r\n";
    let (mut connection, mut metrics) = ask(proxy, "/metrics", last).await;
    metrics += &read_to_the_end(&mut connection).await;
    assert!(metrics.contains("medlock_api_forwarded_ignored_total 4\n"), "{metrics}");
    served.stop().await;
}

#[tokio::test]
async fn addresses_of_one_range_have_so_many_connections_together() {
    let server = Server::with(|settings| settings.limits.connections_per_wide_network_max = 2).await;
    let served = Served::new(&server).await;
    let from = |address: [u8; 4]| async move {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from((address, 0))).expect("loopback is a whole network");
        socket.connect(served.address).await.expect("the server listens")
    };
    let _held = [from([127, 0, 1, 1]).await, from([127, 0, 1, 2]).await];
    let mut third = from([127, 0, 1, 3]).await;
    is_problem(&read_to_the_end(&mut third).await, "rate_limited");
    let mut other = from([127, 0, 2, 1]).await;
    other.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.expect("written");
    assert!(read_to_the_end(&mut other).await.starts_with("HTTP/1.1 200"));
}
