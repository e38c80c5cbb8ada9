//! The web app beside the API.

use axum::{
    body::Body,
    http::{Method, StatusCode},
};

use crate::world::{answers::Answer, calls::request, people::User, servers::Server};

/// Opens a server with a small build of the web app.
async fn with_build() -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let build = folder.path().join("dist");
    std::fs::create_dir_all(build.join("assets")).expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(build.join(name), text).expect("a file");
    write("index.html", "<!doctype html><title>medlock</title>");
    write("assets/index-abc.js", "console.info('hello')");
    write("assets/index-abc.js.gz", "compressed");
    write("assets/parse-pdf.worker-abc.js", "console.info('reads documents')");
    write("HASHES", "00  index.html\n");
    std::fs::write(folder.path().join("secret"), "not for anyone").expect("a file");
    let server = Server::with(|settings| {
        settings.web_dir = Some(build);
        settings.web_rpc = vec!["http://127.0.0.1:8545".into()];
    })
    .await;
    (server, folder)
}

async fn ask(user: &User, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    user.send(request(method, path, headers, Body::empty())).await
}

async fn get(user: &User, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask(user, Method::GET, path, headers).await
}

const BROWSER: &[(&str, &str)] = &[("sec-fetch-mode", "navigate"), ("accept", "text/html,*/*")];

#[tokio::test]
async fn page_and_files_come_with_the_strict_policy() {
    let (server, _folder) = with_build().await;
    let nobody = server.anon();
    for path in ["/", "/index.html", "/assets/index-abc.js", "/HASHES"] {
        let answer = get(&nobody, path, BROWSER).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("script-src 'self';") && policy.contains("require-trusted-types-for 'script'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("connect-src 'self' http://127.0.0.1:8545;"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
    }
}

#[tokio::test]
async fn the_document_worker_may_run_and_connect_to_nobody() {
    let (server, _folder) = with_build().await;
    let answer = get(&server.anon(), "/assets/parse-pdf.worker-abc.js", &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    for allowed in ["connect-src", "worker-src", "img-src", "unsafe", "127.0.0.1"] {
        assert!(!policy.contains(allowed), "{policy}");
    }
}

#[tokio::test]
async fn hashed_files_are_kept_for_ever_and_the_page_is_asked_for_again() {
    let (server, _folder) = with_build().await;
    let nobody = server.anon();
    let asset = get(&nobody, "/assets/index-abc.js", &[]).await;
    assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(asset.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(asset.text(), "console.info('hello')");
    let page = get(&nobody, "/", &[]).await;
    assert_eq!(page.header("cache-control"), "no-cache");
    let again = get(&nobody, "/", &[("if-none-match", page.header("etag"))]).await;
    assert_eq!((again.status, again.text().as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(again.header("etag"), page.header("etag"));
    for known in ["*".to_owned(), format!("W/{}", page.header("etag")), format!("\"x\", {}", page.header("etag"))] {
        assert_eq!(get(&nobody, "/", &[("if-none-match", &known)]).await.status, StatusCode::NOT_MODIFIED, "{known}");
    }
}

#[tokio::test]
async fn a_compressed_file_is_sent_to_clients_that_accept_it() {
    let (server, _folder) = with_build().await;
    let nobody = server.anon();
    let gzip = get(&nobody, "/assets/index-abc.js", &[("accept-encoding", "br, gzip;q=0.8")]).await;
    assert_eq!((gzip.header("content-encoding"), gzip.text().as_str()), ("gzip", "compressed"));
    for refused in ["gzip;q=0", "gzip;q=0, *", "identity", ""] {
        let plain = get(&nobody, "/assets/index-abc.js", &[("accept-encoding", refused)]).await;
        assert_eq!((plain.headers.get("content-encoding"), plain.text().as_str()), (None, "console.info('hello')"));
    }
    assert_eq!(get(&nobody, "/assets/index-abc.js.gz", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn each_form_of_a_file_has_a_tag_of_its_own_and_either_is_known() {
    let (server, _folder) = with_build().await;
    let nobody = server.anon();
    let ask = async |coding: &str, known: &str| {
        get(&nobody, "/assets/index-abc.js", &[("accept-encoding", coding), ("if-none-match", known)]).await
    };
    let [plain, gzip] = [ask("identity", "\"x\"").await, ask("gzip", "\"x\"").await];
    assert_eq!((plain.text().as_str(), gzip.text().as_str()), ("console.info('hello')", "compressed"));
    let [plain, gzip] = [plain, gzip].map(|answer| answer.header("etag").to_owned());
    assert_ne!(plain, gzip);
    for coding in ["identity", "gzip"] {
        for known in [&plain, &gzip] {
            let answer = ask(coding, known).await;
            assert_eq!((answer.status, answer.header("etag")), (StatusCode::NOT_MODIFIED, known.as_str()), "{coding}");
            assert!(answer.headers.get("content-encoding").is_none());
        }
    }
}

#[tokio::test]
async fn deep_links_are_the_page_for_people_and_problems_for_programs() {
    let (server, _folder) = with_build().await;
    let nobody = server.anon();
    for path in ["/records", "/records/0x01", "/share/a/b"] {
        let answer = get(&nobody, path, BROWSER).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(answer.text().contains("<title>medlock</title>"), "{path}");
        get(&nobody, path, &[("accept", "application/json")]).await.refused("not_found");
    }
    for path in ["/v1/nothing", "/v1", "/healthz/x", "/assets/missing.js", "/missing.html"] {
        get(&nobody, path, BROWSER).await.refused("not_found");
    }
    ask(&nobody, Method::POST, "/records", BROWSER).await.refused("not_found");
}

#[tokio::test]
async fn no_path_leads_out_of_the_build() {
    let (server, _folder) = with_build().await;
    let nobody = server.anon();
    for path in
        ["/../secret", "/assets/../../secret", "/%2e%2e/secret", "/..%2fsecret", "/assets/..%5c..%5csecret", "//secret"]
    {
        let answer = get(&nobody, path, &[]).await;
        assert!(!answer.text().contains("not for anyone"), "{path}");
        answer.refused("not_found");
    }
}

#[tokio::test]
async fn the_app_is_told_which_nodes_it_may_recommend() {
    let (server, _folder) = with_build().await;
    let config: serde_json::Value = server.anon().get("/config.json").await.json();
    assert_eq!(config["rpc_urls"][0], "http://127.0.0.1:8545");
}

#[tokio::test]
async fn without_a_build_there_are_no_pages() {
    let server = Server::new().await;
    get(&server.anon(), "/", BROWSER).await.refused("not_found");
    get(&server.anon(), "/config.json", BROWSER).await.refused("not_found");
}
