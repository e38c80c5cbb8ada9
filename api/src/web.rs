//! The web app: the files of one build, read once at the start and served from memory, so that a page never gets half
//! of one build and half of the next, and no path leads anywhere but to a file of the build.
//!
//! The policy on every file lets the app run its own scripts, styles and workers, and talk to this server and to the
//! chain's nodes that the settings name. Nothing inline, nothing from elsewhere, no strings that become scripts. Workers
//! that read documents of strangers have a stricter one: they connect to nobody.

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

/// Every build has it; it is also what a deep link gets.
const PAGE: &str = "index.html";
/// Files whose name holds the hash of their content.
const HASHED: &str = "assets/";
/// Workers that read documents of strangers: they may run their own script and do nothing else, above all not connect.
const PARSERS: &str = "assets/parse-";
const PARSER_POLICY: &str =
    "default-src 'none'; script-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'";
/// Where a build's own list of hashes lies.
const HASHES: &str = "HASHES";
/// The app's settings that depend on the server.
const CONFIG: &str = "config.json";
/// What is the API's or the operator's, whether or not such a route exists: no deep links there.
const NOT_PAGES: [&str; 7] = ["v1", "docs", "openapi.json", "healthz", "readyz", "version", "metrics"];
/// A build is small; a wrong folder is not.
const BUILD_BYTES_MAX: u64 = 64 << 20;

/// One file of the build.
struct WebFile {
    body: Bytes,
    /// The same compressed, where the build has it beside.
    gzip: Option<Bytes>,
    /// Its entity tag: SHA-256 of the body, hex.
    tag: String,
    /// And that of the compressed form, whose bytes are others (RFC 9110, section 8.8.3.3).
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
    /// Reads a build. `nodes` are URLs of chain nodes that the app may ask and may recommend to wallets.
    ///
    /// # Errors
    /// Returns an error when the folder is not a build, or a node is not an http(s) URL.
    pub fn read(folder: &Path, nodes: &[String]) -> anyhow::Result<Self> {
        let mut files = HashMap::new();
        let mut left = BUILD_BYTES_MAX;
        read_folder(folder, "", &mut left, &mut files)
            .with_context(|| format!("cannot read the web app in {}", folder.display()))?;
        if !files.contains_key(PAGE) {
            bail!("{} is no build of the web app: it has no {PAGE}", folder.display());
        }
        let config = serde_json::to_vec(&json!({ "rpc_urls": nodes })).context("URLs are plain text")?;
        Ok(Self { files: with_compressed(files), policy: policy(nodes)?, config: config.into() })
    }

    /// Returns the file of a path, and whether the path is its own.
    fn find(&self, path: &str, headers: &HeaderMap) -> Option<&WebFile> {
        match self.files.get(if path.is_empty() { PAGE } else { path }) {
            Some(file) => Some(file),
            // A deep link: the app itself knows its pages.
            None if is_navigation(path, headers) => self.files.get(PAGE),
            None => None,
        }
    }

    /// Answers a request for one of the files.
    ///
    /// # Errors
    /// `not_found` where the path is neither a file nor a page of the app.
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
    // Whoever has either form has the file; 304 names the form that it has.
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

/// A page that a person goes to: what browsers ask so, and has no file's ending.
fn is_navigation(path: &str, headers: &HeaderMap) -> bool {
    let is = |name: &str, word: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|text| text.contains(word))
    };
    let last = path.rsplit('/').next().unwrap_or_default();
    !last.contains('.') && (is("sec-fetch-mode", "navigate") || is("accept", "text/html"))
}

/// Reads a folder and those below, as paths with slashes. What is neither file nor folder is left out.
fn read_folder(
    folder: &Path,
    prefix: &str,
    left: &mut u64,
    files: &mut HashMap<String, (Bytes, String)>,
) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { bail!("a file name is no text") };
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

/// Joins each file with its compressed twin.
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

/// What the app may do. Decrypted documents are hostile: they are shown in frames from `blob:`, which inherit this.
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
    fn the_policy_names_origins_and_nothing_that_could_end_a_directive() {
        let nodes = ["https://node.example/key?a=b".to_owned(), "http://127.0.0.1:8545".to_owned()];
        let text = policy(&nodes).unwrap().to_str().unwrap().to_owned();
        assert!(text.contains("connect-src 'self' https://node.example http://127.0.0.1:8545; frame-src"), "{text}");
        assert!(!text.contains("unsafe"), "{text}");
        for bad in ["ftp://node.example", "node.example", "javascript:alert(1)", "https://a; script-src *"] {
            assert!(policy(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_folder_without_a_page_is_no_build() {
        let folder = tempfile::tempdir().unwrap();
        assert!(WebApp::read(folder.path(), &[]).is_err());
        assert!(WebApp::read(&folder.path().join("missing"), &[]).is_err());
        std::fs::write(folder.path().join(PAGE), "<!doctype html>").unwrap();
        assert!(WebApp::read(folder.path(), &[]).is_ok());
    }
}
