//! The web app: the files of one build. They are read once at the start and served from memory. A page therefore never
//! gets files of two builds, and no path can lead to a file outside the build.
//!
//! The policy on every file lets the app run its own scripts, styles and workers, and connect to this server and to the
//! chain nodes in the settings. It allows no inline code, nothing from other origins, and no strings that become
//! scripts. Workers that parse other people's documents have a stricter policy: they may not connect to anything.

use std::{collections::HashMap, path::Path};

use anyhow::{Context, bail};
use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{conditional, error::ApiError};

/// The page of the app. Every build has it, and deep links return it.
const PAGE: &str = "index.html";
/// Folder of the files whose name contains the hash of their content.
const HASHED: &str = "assets/";
/// Prefix of the workers that parse other people's documents. They may run their own script and nothing else; above
/// all, they may not connect.
const PARSERS: &str = "assets/parse-";
const PARSER_POLICY: &str =
    "default-src 'none'; script-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'";
/// File of a build with the list of its hashes.
const HASHES: &str = "HASHES";
/// File with the app's settings that depend on the server.
const CONFIG: &str = "config.json";
/// First path segments of the API and the operator's routes. They are never deep links, even if no such route exists.
const NOT_PAGES: [&str; 7] = ["v1", "docs", "openapi.json", "healthz", "readyz", "version", "metrics"];
/// Largest build. A build is small; a larger folder is a mistake.
const BUILD_BYTES_MAX: u64 = 64 << 20;

/// One file of the build.
struct WebFile {
    body: Bytes,
    /// The compressed body, if the build contains one.
    gzip: Option<Bytes>,
    /// Its entity tag: SHA-256 of the body, hex.
    tag: String,
    /// Entity tag of the compressed form, which is a different sequence of bytes (RFC 9110, section 8.8.3.3).
    gzip_tag: String,
    content_type: HeaderValue,
    cache: HeaderValue,
}

/// A build of the web app, and the policy under which it is served.
pub struct WebApp {
    files: HashMap<String, WebFile>,
    policy: HeaderValue,
    config: Bytes,
}

impl WebApp {
    /// Reads a build. `nodes` are URLs of chain nodes that the app may call and may recommend to wallets.
    ///
    /// # Errors
    /// Returns an error when the folder is not a build, or a node is not an http(s) URL.
    pub fn read(folder: &Path, nodes: &[String]) -> anyhow::Result<Self> {
        let mut files = HashMap::new();
        let mut left = BUILD_BYTES_MAX;
        read_folder(folder, "", &mut left, &mut files)
            .with_context(|| format!("cannot read the web app in {}", folder.display()))?;
        if !files.contains_key(PAGE) {
            bail!("{} is not a build of the web app: it has no {PAGE}", folder.display());
        }
        let config = serde_json::to_vec(&json!({ "rpc_urls": nodes })).context("URLs can be written as JSON")?;
        Ok(Self { files: with_compressed(files), policy: policy(nodes)?, config: config.into() })
    }

    /// Returns the file for a path.
    fn find(&self, path: &str, headers: &HeaderMap) -> Option<&WebFile> {
        match self.files.get(if path.is_empty() { PAGE } else { path }) {
            Some(file) => Some(file),
            // A deep link: the app routes it itself.
            None if is_navigation(path, headers) => self.files.get(PAGE),
            None => None,
        }
    }

    /// Answers a request for one of the files.
    ///
    /// # Errors
    /// Returns `not_found` when the path is neither a file nor a page of the app.
    pub(crate) fn answer(&self, request: &Request) -> Result<Response, ApiError> {
        let path = request.uri().path().trim_start_matches('/');
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let first = path.split('/').next().unwrap_or_default();
        if !is_read || NOT_PAGES.contains(&first) {
            return Err(no_route());
        }
        if path == CONFIG {
            let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")];
            return Ok((headers, self.config.clone()).into_response());
        }
        let file = self.find(path, request.headers()).ok_or_else(no_route)?;
        let is_parser = path.starts_with(PARSERS);
        let policy = if is_parser { HeaderValue::from_static(PARSER_POLICY) } else { self.policy.clone() };
        Ok(answer(file, policy, request.headers()))
    }
}

/// Returns the error for a path that is neither a route nor a file.
pub(crate) fn no_route() -> ApiError {
    ApiError::not_found("there is no such route")
}

fn answer(file: &WebFile, policy: HeaderValue, asked: &HeaderMap) -> Response {
    let gzip = file.gzip.as_ref().filter(|_| conditional::takes_gzip(asked));
    let (tag, other) = if gzip.is_some() { (&file.gzip_tag, &file.tag) } else { (&file.tag, &file.gzip_tag) };
    // A client that has either form has the file. The answer 304 names the form that it has.
    let known = [tag, other].into_iter().find(|tag| conditional::is_known(asked, tag));
    let gzip = gzip.filter(|_| known.is_none());
    let body = match (known, gzip) {
        (Some(_), _) => Bytes::new(),
        (None, Some(gzip)) => gzip.clone(),
        (None, None) => file.body.clone(),
    };
    let mut response = Response::new(Body::from(body));
    if known.is_some() {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, file.content_type.clone());
    headers.insert(header::ETAG, conditional::etag(known.unwrap_or(tag)));
    headers.insert(header::CACHE_CONTROL, file.cache.clone());
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::VARY, "accept-encoding"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(self), geolocation=(), microphone=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if gzip.is_some() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Returns whether a request is a navigation to a page: the browser says so, and the path has no file extension.
fn is_navigation(path: &str, headers: &HeaderMap) -> bool {
    let is = |name: &str, word: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|text| text.contains(word))
    };
    let last = path.rsplit('/').next().unwrap_or_default();
    !last.contains('.') && (is("sec-fetch-mode", "navigate") || is("accept", "text/html"))
}

/// Reads a folder and its subfolders. The keys are paths with slashes. Anything that is neither a file nor a folder is
/// left out.
fn read_folder(
    folder: &Path,
    prefix: &str,
    left: &mut u64,
    files: &mut HashMap<String, (Bytes, String)>,
) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { bail!("a file name is not text") };
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            read_folder(&entry.path(), &format!("{path}/"), left, files)?;
        } else if kind.is_file() {
            let length = entry.metadata()?.len();
            *left = left.checked_sub(length).context("the folder is too large for a build")?;
            let body = Bytes::from(std::fs::read(entry.path())?);
            let hash = hex::encode(Sha256::digest(&body));
            files.insert(path, (body, hash));
        }
    }
    Ok(())
}

/// Joins each file with its compressed form.
fn with_compressed(read: HashMap<String, (Bytes, String)>) -> HashMap<String, WebFile> {
    let gzip = |path: &str| read.get(&format!("{path}.gz")).map(|(body, _)| body.clone());
    let plain = read.iter().filter(|(path, _)| !path.ends_with(".gz"));
    plain
        .map(|(path, (body, hash))| {
            let is_hashed = path.starts_with(HASHED);
            let cache = if is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
            let file = WebFile {
                body: body.clone(),
                gzip: gzip(path),
                tag: hash.clone(),
                gzip_tag: format!("{hash}-gzip"),
                content_type: HeaderValue::from_static(content_type(path)),
                cache: HeaderValue::from_static(cache),
            };
            (path.clone(), file)
        })
        .collect()
}

fn content_type(path: &str) -> &'static str {
    if path == HASHES {
        return "text/plain; charset=utf-8";
    }
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

/// Returns the content security policy of the app. Decrypted documents are hostile: they are shown in frames from
/// `blob:`, which inherit this policy.
fn policy(nodes: &[String]) -> anyhow::Result<HeaderValue> {
    let mut connect = String::from("'self'");
    for node in nodes {
        let url: alloy::transports::http::reqwest::Url =
            node.parse().with_context(|| format!("{node} is not a URL of a chain node"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            bail!("{node} is not an http or https URL");
        }
        connect.push(' ');
        connect.push_str(&url.origin().ascii_serialization());
    }
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self'; img-src 'self' blob: data:; \
         font-src 'self'; media-src blob:; connect-src {connect}; frame-src blob:; manifest-src 'self'; \
         require-trusted-types-for 'script'; trusted-types default dompurify; frame-ancestors 'none'; base-uri 'none'; \
         form-action 'none'"
    );
    HeaderValue::from_str(&policy).context("the policy is visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_contains_only_origins() {
        let nodes = ["https://node.example/key?a=b".to_owned(), "http://127.0.0.1:8545".to_owned()];
        let text = policy(&nodes).unwrap().to_str().unwrap().to_owned();
        assert!(text.contains("connect-src 'self' https://node.example http://127.0.0.1:8545; frame-src"), "{text}");
        assert!(!text.contains("unsafe"), "{text}");
        for bad in ["ftp://node.example", "node.example", "javascript:alert(1)", "https://a; script-src *"] {
            assert!(policy(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_folder_without_a_page_is_not_a_build() {
        let folder = tempfile::tempdir().unwrap();
        assert!(WebApp::read(folder.path(), &[]).is_err());
        assert!(WebApp::read(&folder.path().join("missing"), &[]).is_err());
        std::fs::write(folder.path().join(PAGE), "<!doctype html>").unwrap();
        assert!(WebApp::read(folder.path(), &[]).is_ok());
    }
}
