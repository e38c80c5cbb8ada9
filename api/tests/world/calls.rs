//! The requests that people send.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header},
};
use futures::StreamExt;
use protocol::ids::RecordId;
use serde::Serialize;

use super::{answers::Answer, people::User};

impl User {
    /// Sends a request with the user's session, if there is one and the request has no other.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        self.send_bare(self.signed_in(request)).await
    }

    /// Sends a request as it is, without the session.
    pub(crate) async fn send_bare(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.server.respond(request).await.into_parts();
        let body = to_bytes(body, usize::MAX).await.map_err(|error| error.to_string());
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a request with the user's session and returns the answer while its body is still on its way.
    pub(crate) async fn respond(&self, request: Request<Body>) -> axum::response::Response {
        self.server.respond(self.signed_in(request)).await
    }

    fn signed_in(&self, mut request: Request<Body>) -> Request<Body> {
        if let Some(session) = &self.session {
            let value = format!("Bearer {}", session.token).parse().expect("a header value");
            request.headers_mut().entry(header::AUTHORIZATION).or_insert(value);
        }
        request
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(request(Method::GET, path, headers, Body::empty())).await
    }

    pub(crate) async fn head(&self, path: &str) -> Answer {
        self.send(request(Method::HEAD, path, &[], Body::empty())).await
    }

    pub(crate) async fn download(&self, cid: &str) -> Answer {
        self.get(&format!("/v1/blobs/{cid}")).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Serialize) -> Answer {
        self.call(Method::POST, path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: impl Serialize) -> Answer {
        self.call(Method::PUT, path, body).await
    }

    /// Sends a JSON body.
    pub(crate) async fn call(&self, method: Method, path: &str, body: impl Serialize) -> Answer {
        self.call_with(method, path, body, &[]).await
    }

    pub(crate) async fn call_with(
        &self,
        method: Method,
        path: &str,
        body: impl Serialize,
        headers: &[(&str, &str)],
    ) -> Answer {
        self.send(json_request(method, path, body, headers)).await
    }

    /// Uploads an envelope.
    pub(crate) async fn upload(&self, record: RecordId, version: u16, bytes: Vec<u8>) -> Answer {
        let length = bytes.len().to_string();
        let headers = [("content-type", "application/octet-stream"), ("content-length", &*length)];
        let path = format!("/v1/blobs?record={record}&version={version}");
        self.send(request(Method::POST, &path, &headers, Body::from(bytes))).await
    }

    /// Opens the user's feed and closes it after its first heartbeat.
    pub(crate) async fn open_feed(&self) {
        let first = format!("{:016x}", 0);
        let request = request(Method::GET, "/v1/events", &[("last-event-id", &first)], Body::empty());
        let response = self.respond(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        let mut pieces = response.into_body().into_data_stream();
        let _ = tokio::time::timeout(Duration::from_secs(20), pieces.next()).await;
    }
}

/// Returns a request with these headers.
pub(crate) fn request(method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).expect("a request")
}

/// Returns a request with a JSON body and these headers.
pub(crate) fn json_request(
    method: Method,
    path: &str,
    body: impl Serialize,
    headers: &[(&str, &str)],
) -> Request<Body> {
    let headers = [&[("content-type", "application/json")], headers].concat();
    request(method, path, &headers, Body::from(serde_json::to_vec(&body).expect("it has a JSON form")))
}
