//! A server in the middle that changes what passes: a store that lies, an API that lies.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{Method, StatusCode, Uri, header},
    response::Response,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// Changes a body; gets the method and the path with query.
pub(crate) type Tamper = Box<dyn FnMut(&Method, &Uri, Vec<u8>) -> Vec<u8> + Send>;

/// Answers in place of the server; gets the method and the path with query.
pub(crate) type Instead = Box<dyn FnMut(&Method, &Uri) -> Option<StatusCode> + Send>;

/// A server in the middle. Ends when dropped.
pub(crate) struct Proxy {
    url: String,
    inside: Arc<Inside>,
    serving: JoinHandle<()>,
}

struct Inside {
    target: String,
    http: reqwest::Client,
    requests: Mutex<Tamper>,
    answers: Mutex<Tamper>,
    refusals: Mutex<Instead>,
}

impl Proxy {
    /// Passes everything on to `target` unchanged, for now.
    pub(crate) async fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let inside = Arc::new(Inside {
            target: target.to_owned(),
            http: reqwest::Client::new(),
            requests: Mutex::new(Box::new(|_, _, body| body)),
            answers: Mutex::new(Box::new(|_, _, body| body)),
            refusals: Mutex::new(Box::new(|_, _| None)),
        });
        let app = Router::new().fallback(pass).with_state(Arc::clone(&inside));
        let serving = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("the proxy serves");
        });
        Self { url, inside, serving }
    }

    /// The URL of the proxy.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Changes answers from now on.
    pub(crate) fn tamper_answers(&self, tamper: impl FnMut(&Method, &Uri, Vec<u8>) -> Vec<u8> + Send + 'static) {
        *self.inside.answers.lock().expect("nobody panics while changing a body") = Box::new(tamper);
    }

    /// Changes requests from now on.
    pub(crate) fn tamper_requests(&self, tamper: impl FnMut(&Method, &Uri, Vec<u8>) -> Vec<u8> + Send + 'static) {
        *self.inside.requests.lock().expect("nobody panics while changing a body") = Box::new(tamper);
    }

    /// Answers some requests with a status and nothing else from now on, without passing them on.
    pub(crate) fn refuse(&self, refuse: impl FnMut(&Method, &Uri) -> Option<StatusCode> + Send + 'static) {
        *self.inside.refusals.lock().expect("nobody panics while refusing") = Box::new(refuse);
    }

    /// Passes everything on unchanged again.
    pub(crate) fn be_honest(&self) {
        self.refuse(|_, _| None);
        self.tamper_answers(|_, _, body| body);
        self.tamper_requests(|_, _, body| body);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn pass(State(inside): State<Arc<Inside>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let refused = inside.refusals.lock().expect("nobody panics while refusing")(&parts.method, &parts.uri);
    if let Some(status) = refused {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        return response;
    }
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default().to_vec();
    let body = inside.requests.lock().expect("nobody panics while changing a body")(&parts.method, &parts.uri, body);
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers = parts.headers;
    for name in [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
        headers.remove(name);
    }
    let sent = inside
        .http
        .request(parts.method.clone(), format!("{}{path}", inside.target))
        .headers(headers)
        .body(body)
        .send();
    let Ok(answer) = sent.await else { return unreachable_answer() };
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
        headers.remove(name);
    }
    let Ok(body) = answer.bytes().await else { return unreachable_answer() };
    let body =
        inside.answers.lock().expect("nobody panics while changing a body")(&parts.method, &parts.uri, body.to_vec());
    let mut response = Response::new(Body::from(Bytes::from(body)));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn unreachable_answer() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}
