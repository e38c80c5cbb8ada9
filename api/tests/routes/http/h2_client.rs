//! A client of HTTP/2 that keeps the rules and decides how much it takes.

use std::time::Duration;

use axum::http::{Request, Response, StatusCode, Version};
use bytes::Bytes;
use h2::{RecvStream, client::SendRequest};
use tokio::task::JoinHandle;

use super::served::Served;
use crate::world::people::User;

/// Opens a connection whose streams take `window` bytes each before they must be given more room. The task ends with the
/// connection.
pub(crate) async fn connect(served: &Served, window: u32) -> (SendRequest<Bytes>, JoinHandle<()>) {
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(window).initial_connection_window_size(16 << 20);
    let (client, connection) = builder.handshake(served.connect().await).await.expect("the server speaks HTTP/2");
    (client, tokio::spawn(async { drop(connection.await) }))
}

/// Returns a request with the user's session.
pub(crate) fn request(path: &str, user: Option<&User>) -> Request<()> {
    let mut request = Request::get(format!("http://a{path}")).version(Version::HTTP_2);
    if let Some(user) = user {
        request = request.header("authorization", format!("Bearer {}", user.token()));
    }
    request.body(()).expect("a request")
}

/// Sends a request on a stream of its own and returns the answer, while its body is still on its way.
pub(crate) async fn ask(client: &SendRequest<Bytes>, path: &str, user: Option<&User>) -> Response<RecvStream> {
    let mut client = client.clone().ready().await.expect("the connection stands");
    let (answer, _) = client.send_request(request(path, user), true).expect("sent");
    tokio::time::timeout(Duration::from_secs(20), answer).await.expect("in time").expect("an answer")
}

/// Returns the body of a successful answer.
pub(crate) async fn ask_for_body(client: &SendRequest<Bytes>, path: &str, user: Option<&User>) -> RecvStream {
    let answer = ask(client, path, user).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.into_body()
}
