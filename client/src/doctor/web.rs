//! Whether a server delivers the web app that a build made: `npm run build` prints a list of SHA-256 hashes and writes
//! it to `client/web/dist/HASHES`; anybody who builds the same commit gets the same list.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use reqwest::{Url, header};
use sha2::{Digest, Sha256};

use super::Check;
use crate::error::{Cause, codes, failure};

/// Why a web app was not compared with a build.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebError {
    /// The text is not a URL.
    #[error("This is not the URL of a web app.")]
    NotAUrl,
    /// The URL is of another scheme.
    #[error("This is not an http or https URL.")]
    NotHttp,
    /// The list of hashes is not one that a build makes.
    #[error("This is not a list of hashes as `npm run build` makes it.")]
    InvalidList,
    /// A path in the list of hashes is not one of a file.
    #[error("The list of hashes names something that is no file.")]
    InvalidPath,
    /// No HTTP client can be made on this device.
    #[error("No HTTP client can be made.")]
    HttpClient(#[source] Cause),
    /// The server of the web app does not answer.
    #[error("The web app cannot be fetched.")]
    Unreachable(#[source] Cause),
}

failure! { WebError {
    NotAUrl => codes::USAGE;
    NotHttp => codes::USAGE;
    InvalidList => codes::USAGE;
    InvalidPath => codes::USAGE;
    HttpClient => codes::INVALID_CONFIG;
    Unreachable => codes::UNREACHABLE, "Check the address of the web app and the network; then try again.";
} }

/// Files asked for at the same time.
const FILES_AT_ONCE: usize = 8;
/// How long one file may take.
const FILE_TIME_MAX: Duration = Duration::from_secs(60);
/// The longest file that is read.
const FILE_BYTES_MAX: usize = 64 << 20;
/// Names in a sentence; the rest are counted.
const NAMES_MAX: usize = 5;

/// Compares what the server at `url` delivers with the list of hashes of a build. Two checks: `web_files`, that every
/// file of the list comes with exactly its bytes; `web_policy`, that the page comes with a policy under which only files
/// of its own origin run.
///
/// # Errors
/// [`WebError`].
pub async fn examine_web(url: &str, hashes: &str) -> Result<Vec<Check>, WebError> {
    let base: Url = url.parse().map_err(|_| WebError::NotAUrl)?;
    if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
        return Err(WebError::NotHttp);
    }
    let expected = parse(hashes)?;
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| WebError::HttpClient(error.into()))?;
    let check = async |(path, hash): &(String, String)| {
        let delivered = fetch(&http, &base, path).await?;
        let is_same = delivered.is_some_and(|bytes| hex::encode(Sha256::digest(&bytes)) == *hash);
        Ok::<_, WebError>((!is_same).then(|| path.clone()))
    };
    let differing: Vec<Option<String>> =
        futures::stream::iter(expected.iter().map(check)).buffered(FILES_AT_ONCE).try_collect().await?;
    let differing: Vec<String> = differing.into_iter().flatten().collect();
    let files = if differing.is_empty() {
        Check::good("web_files", format_args!("All {} files are those of the build.", expected.len()))
    } else {
        let mut names = differing.iter().take(NAMES_MAX).cloned().collect::<Vec<_>>().join(", ");
        if differing.len() > NAMES_MAX {
            names += ", …";
        }
        let what = format!("{} of {} files are not those of the build: {names}.", differing.len(), expected.len());
        Check {
            remedy:
                "Do not use this page until you know why: the server may have another version, or has changed the app."
                    .to_owned(),
            ..Check::bad_with("web_files", codes::WRONG_ANSWER, what)
        }
    };
    Ok(vec![files, policy(&http, &base).await?])
}

/// Checks that the page's policy lets only its own origin's scripts run.
async fn policy(http: &reqwest::Client, base: &Url) -> Result<Check, WebError> {
    let response = http.get(base.clone()).timeout(FILE_TIME_MAX).send().await.map_err(unreachable)?;
    let policy = response.headers().get(header::CONTENT_SECURITY_POLICY).and_then(|value| value.to_str().ok());
    let directives: Vec<&str> = policy.unwrap_or_default().split(';').map(str::trim).collect();
    let is_strict = directives.contains(&"default-src 'none'")
        && directives.contains(&"script-src 'self'")
        && directives.contains(&"require-trusted-types-for 'script'")
        && !directives.iter().any(|directive| directive.contains("unsafe"));
    Ok(if is_strict {
        Check::good("web_policy", "The page may run nothing but its own files.")
    } else {
        let what = "The page comes without the strict content security policy.";
        Check {
            remedy: "Serve it by medlock-api, or with the policy that medlock-api sends.".to_owned(),
            ..Check::bad_with("web_policy", codes::WRONG_ANSWER, what)
        }
    })
}

/// One file; `None` if the server does not have it.
async fn fetch(http: &reqwest::Client, base: &Url, path: &str) -> Result<Option<Vec<u8>>, WebError> {
    let url = base.join(path).map_err(|_| WebError::InvalidPath)?;
    let request = http.get(url).header(header::ACCEPT_ENCODING, "identity").timeout(FILE_TIME_MAX);
    let mut response = request.send().await.map_err(unreachable)?;
    if !response.status().is_success() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > FILE_BYTES_MAX {
            return Ok(None);
        }
    }
    Ok(Some(bytes))
}

/// `<64 hex digits>  <path>`, one file a line.
fn parse(hashes: &str) -> Result<Vec<(String, String)>, WebError> {
    let wrong = || WebError::InvalidList;
    let files: Vec<(String, String)> = hashes
        .lines()
        .map(|line| {
            let (hash, path) = line.split_once("  ").ok_or_else(wrong)?;
            let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            // A path of its own origin, and nothing that leads elsewhere.
            let is_path =
                !path.is_empty() && !path.starts_with('/') && !path.contains([':', '\\']) && !path.contains("..");
            if is_hash && is_path { Ok((path.to_owned(), hash.to_ascii_lowercase())) } else { Err(wrong()) }
        })
        .collect::<Result<_, _>>()?;
    if files.iter().any(|(path, _)| path == "index.html") { Ok(files) } else { Err(wrong()) }
}

fn unreachable(error: reqwest::Error) -> WebError {
    WebError::Unreachable(error.without_url().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;
    use crate::error::Failure;

    fn line(hash: &str, path: &str) -> String {
        format!("{hash}  {path}\n")
    }

    #[test]
    fn a_list_names_files_of_its_own_origin() {
        let hash = "ab".repeat(32);
        assert_eq!(parse(&line(&hash, "index.html")).unwrap(), [("index.html".to_owned(), hash.clone())]);
        for bad in ["//evil.example/x", "/x", "https://evil.example/x", "../x", "a\\b", ""] {
            let text = line(&hash, "index.html") + &line(&hash, bad);
            assert_eq!(parse(&text).unwrap_err().code(), "usage", "{bad}");
        }
        for bad in ["", "nothing", &line("ab", "index.html"), &line(&hash, "assets/a.js")] {
            assert_eq!(parse(bad).unwrap_err().code(), "usage", "{bad}");
        }
    }

    /// A server that answers every request with these bytes and this policy.
    async fn server(body: &'static str, policy: &'static str) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\ncontent-security-policy: {policy}\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        url
    }

    const STRICT: &str = "default-src 'none'; script-src 'self'; require-trusted-types-for 'script'";

    #[tokio::test]
    async fn an_honest_server_is_good_and_a_changed_file_is_named() {
        let url = server("hello", STRICT).await;
        let right = hex::encode(Sha256::digest(b"hello"));
        let checks = examine_web(&url, &line(&right, "index.html")).await.unwrap();
        assert!(checks.iter().all(|check| check.verdict == Verdict::Good), "{checks:?}");
        let changed = line(&right, "index.html") + &line(&"00".repeat(32), "assets/a.js");
        let checks = examine_web(&url, &changed).await.unwrap();
        assert_eq!((checks[0].name, checks[0].verdict), ("web_files", Verdict::Bad));
        assert!(checks[0].what.contains("1 of 2") && checks[0].what.contains("assets/a.js"), "{}", checks[0].what);
    }

    #[tokio::test]
    async fn a_page_whose_policy_lets_others_in_is_bad() {
        let right = hex::encode(Sha256::digest(b"hello"));
        for policy in ["default-src 'self'", "default-src 'none'; script-src 'self' 'unsafe-inline'"] {
            let url = server("hello", policy).await;
            let checks = examine_web(&url, &line(&right, "index.html")).await.unwrap();
            assert_eq!((checks[1].name, checks[1].verdict), ("web_policy", Verdict::Bad), "{policy}");
        }
    }
}
