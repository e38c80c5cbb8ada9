//! The routes.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use alloy::primitives::Address;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use eventsource_stream::Eventsource;
use futures::{Stream, StreamExt};
use protocol::{
    bodies::{
        Page, PageQuery,
        account::{Challenge, LoginBody, Me, PrivateBlob, ServerInfo, SessionToken},
        feed::FeedEvent,
        grants::{BundleBody, CatchUpBody, GrantBody, GrantQuery, GrantView, RequestBody, RequestView, RevokeBody},
        log::{LogEntry, LogEvidence, LogQuery},
        people::{BlockView, DirectoryEntry, DirectoryQuery, PublishedKey},
        reads::{ReadAnswer, ReadBody},
        records::{RecordQuery, RecordView, RegisterBody, ReleaseShareBody, StoredBlob, VersionView},
        relay::ActionView,
    },
    cid::Cid,
    error_code::ErrorCode,
    ids::{ActionId, GrantId, LeafHash, RecordId, RequestId},
    messages::SignedAction,
    statements::{SignedDenial, SignedProfile},
};
use reqwest::{Method, header};
use serde::{Deserialize, Serialize};

use super::{
    ANSWER_TIME_MAX, Api, STALL_TIME_MAX, ServerError,
    request::{Revision, accept, read_json, unreachable},
};

/// Bytes of a blob as they come.
pub struct Blob {
    /// Length of the whole blob.
    pub total: u64,
    response: reqwest::Response,
}

impl Blob {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// [`ServerError::Unreachable`] when the connection breaks or stands still.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ServerError> {
        match tokio::time::timeout(STALL_TIME_MAX, self.response.chunk()).await {
            Ok(chunk) => chunk.map_err(unreachable),
            Err(_) => Err(ServerError::unreachable("The download stands still.")),
        }
    }
}

/// One of the server's relayers, as the server describes it.
#[derive(Clone, Debug, Deserialize)]
pub struct RelayerStatus {
    /// The kind of actions that it sends: `ordinary`, `urgent` or `checkpoint` actions.
    pub line: String,
    /// Its account.
    pub relayer: Address,
    /// Whether its purse pays for what it must send.
    pub has_funds: bool,
    /// Whether the chain costs more than it pays.
    pub is_at_fee_ceiling: bool,
}

/// The parts of the server's readiness that concern people.
#[derive(Clone, Debug, Deserialize)]
pub struct Readiness {
    /// Its relayers.
    #[serde(default)]
    pub lines: Vec<RelayerStatus>,
    /// Whether its databases are sealed under the secrets that it has.
    #[serde(default)]
    pub secrets: Option<bool>,
}

/// The name of a private blob.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PrivateBlobName {
    Keyring,
    AddressBook,
}

impl PrivateBlobName {
    const fn path(self) -> &'static str {
        match self {
            Self::Keyring => "v1/keyring",
            Self::AddressBook => "v1/address-book",
        }
    }
}

impl Api {
    /// `GET /v1/deployment`
    ///
    /// # Errors
    /// See [`ServerError`]. All routes have the same errors.
    pub async fn server_info(&self) -> Result<ServerInfo, ServerError> {
        self.get(self.url("v1/deployment")).await
    }

    /// `GET /readyz`. A server that is not ready still answers.
    pub async fn readiness(&self) -> Result<Readiness, ServerError> {
        let request = self.request(Method::GET, self.url("readyz")).timeout(ANSWER_TIME_MAX);
        read_json(request.send().await.map_err(unreachable)?).await
    }

    /// `PUT /v1/invitations/{address}`
    pub async fn invite(&self, address: Address) -> Result<(), ServerError> {
        self.write_raw(Method::PUT, &format!("v1/invitations/{address:#x}"), &()).await.map(drop)
    }

    /// `GET /v1/auth/challenge`
    pub async fn challenge(&self) -> Result<Challenge, ServerError> {
        self.get(self.url("v1/auth/challenge")).await
    }

    /// `POST /v1/auth/login`. Not tried again: the challenge counts once.
    pub async fn login(&self, body: &LoginBody) -> Result<SessionToken, ServerError> {
        read_json(self.send_once(self.request(Method::POST, self.url("v1/auth/login")).json(body)).await?).await
    }

    /// `POST /v1/auth/logout`
    pub async fn logout(&self) -> Result<(), ServerError> {
        self.send_again(|| self.request(Method::POST, self.url("v1/auth/logout"))).await.map(drop)
    }

    /// `GET /v1/me`
    pub async fn me(&self) -> Result<Me, ServerError> {
        self.get(self.url("v1/me")).await
    }

    /// `GET /v1/keyring` or `/v1/address-book`; `None` if the server has none.
    pub(crate) async fn private_blob(&self, name: PrivateBlobName) -> Result<Option<(Vec<u8>, Revision)>, ServerError> {
        let response = match self.send_again(|| self.request(Method::GET, self.url(name.path()))).await {
            Err(error) if error.refusal() == Some(ErrorCode::NotFound) => return Ok(None),
            other => other?,
        };
        let invalid =
            |source| ServerError::InvalidAnswer { what: "The server's answer cannot be read.".into(), source };
        let tag =
            response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()).ok_or_else(|| invalid(None))?;
        let revision = Revision(tag.to_owned());
        let blob: PrivateBlob = read_json(response).await?;
        let content = BASE64_STANDARD.decode(&blob.content).map_err(|error| invalid(Some(error.into())))?;
        Ok(Some((content, revision)))
    }

    /// `PUT /v1/keyring` or `/v1/address-book`, in place of `replaces`; `None` for the first.
    pub(crate) async fn put_private_blob(
        &self,
        name: PrivateBlobName,
        content: &[u8],
        replaces: Option<&Revision>,
    ) -> Result<(), ServerError> {
        let body = PrivateBlob { content: BASE64_STANDARD.encode(content) };
        let request = self.request(Method::PUT, self.url(name.path())).json(&body);
        let request = match replaces {
            Some(Revision(tag)) => request.header(header::IF_MATCH, tag),
            None => request.header(header::IF_NONE_MATCH, "*"),
        };
        // Once: after a lost answer, the second try would be refused by its own first.
        self.send_once(request).await.map(drop)
    }

    /// `GET /v1/keys/{address}`; `None` if none is published.
    pub async fn find_key(&self, owner: Address) -> Result<Option<PublishedKey>, ServerError> {
        match self.get(self.url(&format!("v1/keys/{owner:#x}"))).await {
            Err(error) if matches!(error.refusal(), Some(ErrorCode::NotFound | ErrorCode::KeyNotRegistered)) => {
                Ok(None)
            }
            other => other.map(Some),
        }
    }

    /// `GET /v1/directory`, all pages.
    pub async fn directory(&self, query: &DirectoryQuery) -> Result<Vec<DirectoryEntry>, ServerError> {
        self.all("v1/directory", query, |query, cursor| DirectoryQuery { cursor, limit: Some(500), ..query.clone() })
            .await
    }

    /// `PUT /v1/directory/{address}`
    pub async fn put_profile(&self, profile: &SignedProfile) -> Result<(), ServerError> {
        let path = format!("v1/directory/{:#x}", profile.profile.practitioner);
        self.write_raw(Method::PUT, &path, profile).await.map(drop)
    }

    /// `POST /v1/blobs`: sends `length` bytes of an envelope. Not tried again by itself.
    pub async fn upload_blob(
        &self,
        record: RecordId,
        version: u16,
        length: u64,
        envelope: impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static,
    ) -> Result<StoredBlob, ServerError> {
        let sent = Arc::new(AtomicU64::new(0));
        let counted = {
            let sent = sent.clone();
            envelope.inspect(move |_| {
                sent.fetch_add(1, Ordering::Relaxed);
            })
        };
        let mut url = self.url("v1/blobs");
        url.query_pairs_mut().append_pair("record", &record.to_string()).append_pair("version", &version.to_string());
        let request = self
            .request(Method::POST, url)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(header::CONTENT_LENGTH, length)
            .body(reqwest::Body::wrap_stream(counted));
        // No limit for the whole, which may be large; but it must not stand still.
        let mut sending = std::pin::pin!(request.send());
        let mut before = u64::MAX;
        let response = loop {
            tokio::select! {
                response = &mut sending => break response.map_err(unreachable)?,
                () = tokio::time::sleep(STALL_TIME_MAX) => {
                    let now = sent.load(Ordering::Relaxed);
                    if now == before {
                        return Err(ServerError::unreachable("The upload stands still."));
                    }
                    before = now;
                }
            }
        };
        read_json(accept(response).await?).await
    }

    /// `GET /v1/blobs/{cid}`, the whole or a range of it.
    pub async fn blob(&self, cid: &Cid, range: Option<Range<u64>>) -> Result<Blob, ServerError> {
        let url = self.url(&format!("v1/blobs/{cid}"));
        let request = || {
            let request = self.request(Method::GET, url.clone()).header(header::ACCEPT, "application/octet-stream");
            match &range {
                Some(range) => request.header(header::RANGE, format!("bytes={}-{}", range.start, range.end - 1)),
                None => request,
            }
        };
        let response = self.open_stream(request).await?;
        let invalid = || ServerError::invalid_answer("The server does not say how long the file is.");
        let total = match &range {
            None => response.content_length().ok_or_else(invalid)?,
            Some(_) => {
                let text = response.headers().get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
                text.and_then(|text| text.rsplit_once('/')?.1.parse().ok()).ok_or_else(invalid)?
            }
        };
        Ok(Blob { total, response })
    }

    /// `POST /v1/records`. The same body again does not register twice: the message's nonce counts once.
    pub async fn register(&self, body: &RegisterBody) -> Result<Option<ActionView>, ServerError> {
        self.relayed("v1/records", body).await
    }

    /// `GET /v1/records`, all pages.
    pub async fn records(&self, query: &RecordQuery) -> Result<Vec<RecordView>, ServerError> {
        self.all("v1/records", query, |query, cursor| RecordQuery { cursor, limit: Some(500), ..query.clone() }).await
    }

    /// `GET /v1/records/{record}`
    pub async fn record(&self, record: RecordId) -> Result<RecordView, ServerError> {
        self.get(self.url(&format!("v1/records/{record}"))).await
    }

    /// `GET /v1/records/{record}/versions`, all pages: every version, newest first.
    pub async fn versions(&self, record: RecordId) -> Result<Vec<VersionView>, ServerError> {
        let path = format!("v1/records/{record}/versions");
        self.all(&path, &PageQuery::default(), |_, cursor| PageQuery { cursor, limit: Some(500) }).await
    }

    /// `PUT /v1/records/{record}/versions/{version}/release-share`
    pub async fn put_release_share(
        &self,
        record: RecordId,
        version: u16,
        body: &ReleaseShareBody,
    ) -> Result<(), ServerError> {
        let path = format!("v1/records/{record}/versions/{version}/release-share");
        self.write_raw(Method::PUT, &path, body).await.map(drop)
    }

    /// `POST /v1/grants`
    pub async fn grant(&self, body: &GrantBody) -> Result<Option<ActionView>, ServerError> {
        self.relayed("v1/grants", body).await
    }

    /// `GET /v1/grants`, all pages.
    pub async fn grants(&self, query: &GrantQuery) -> Result<Vec<GrantView>, ServerError> {
        self.all("v1/grants", query, |query, cursor| GrantQuery { cursor, limit: Some(500), ..query.clone() }).await
    }

    /// `GET /v1/grants/{grant}/bundle`
    pub async fn bundle(&self, grant: GrantId) -> Result<BundleBody, ServerError> {
        self.get(self.url(&format!("v1/grants/{grant}/bundle"))).await
    }

    /// `PUT` or `DELETE /v1/grants/{grant}/hidden`
    pub async fn set_hidden(&self, grant: GrantId, hidden: bool) -> Result<(), ServerError> {
        self.switch(&format!("v1/grants/{grant}/hidden"), hidden).await
    }

    /// `PUT /v1/accepted/{address}`
    pub async fn accept(&self, sender: Address) -> Result<(), ServerError> {
        self.switch(&format!("v1/accepted/{sender:#x}"), true).await
    }

    /// `GET /v1/blocks`, all pages.
    pub async fn blocks(&self) -> Result<Vec<BlockView>, ServerError> {
        self.all("v1/blocks", &PageQuery::default(), |_, cursor| PageQuery { cursor, limit: Some(500) }).await
    }

    /// `PUT` or `DELETE /v1/blocks/{address}`
    pub async fn set_blocked(&self, sender: Address, blocked: bool) -> Result<(), ServerError> {
        self.switch(&format!("v1/blocks/{sender:#x}"), blocked).await
    }

    /// Writes or removes something that has no content. Twice is as good as once.
    async fn switch(&self, path: &str, on: bool) -> Result<(), ServerError> {
        let (method, url) = (if on { Method::PUT } else { Method::DELETE }, self.url(path));
        self.send_again(|| self.request(method.clone(), url.clone())).await.map(drop)
    }

    /// `PUT /v1/grants/{grant}/bundle`
    pub async fn put_bundle(&self, grant: GrantId, body: &CatchUpBody) -> Result<(), ServerError> {
        self.write_raw(Method::PUT, &format!("v1/grants/{grant}/bundle"), body).await.map(drop)
    }

    /// `POST /v1/grants/revoke`
    pub async fn revoke(&self, body: &RevokeBody) -> Result<Option<ActionView>, ServerError> {
        self.relayed("v1/grants/revoke", body).await
    }

    /// `POST /v1/requests`
    pub async fn ask(&self, body: &RequestBody) -> Result<RequestView, ServerError> {
        self.write(Method::POST, "v1/requests", body).await
    }

    /// `GET /v1/requests`, all pages.
    pub async fn requests(&self) -> Result<Vec<RequestView>, ServerError> {
        self.all("v1/requests", &PageQuery::default(), |_, cursor| PageQuery { cursor, limit: Some(500) }).await
    }

    /// `POST /v1/requests/{request}/deny`
    pub async fn deny(&self, request: RequestId, denial: &SignedDenial) -> Result<(), ServerError> {
        self.write_raw(Method::POST, &format!("v1/requests/{request}/deny"), denial).await.map(drop)
    }

    /// `POST /v1/reads`. The same bytes again give the same receipt.
    pub async fn read(&self, body: &ReadBody) -> Result<ReadAnswer, ServerError> {
        let url = self.url("v1/reads");
        read_json(self.send_again(|| self.request(Method::POST, url.clone()).json(body)).await?).await
    }

    /// `GET /v1/log`, all pages.
    pub async fn log(&self, query: &LogQuery) -> Result<Vec<LogEntry>, ServerError> {
        self.all("v1/log", query, |query, cursor| LogQuery { cursor, limit: Some(500), ..query.clone() }).await
    }

    /// `GET /v1/log/leaves/{leaf}`
    pub async fn evidence(&self, leaf: LeafHash) -> Result<LogEvidence, ServerError> {
        self.get(self.url(&format!("v1/log/leaves/{leaf}"))).await
    }

    /// `POST /v1/actions`
    pub async fn submit(&self, action: &SignedAction) -> Result<Option<ActionView>, ServerError> {
        self.relayed("v1/actions", action).await
    }

    /// `GET /v1/actions/{id}`
    pub async fn action(&self, id: ActionId) -> Result<ActionView, ServerError> {
        self.get(self.url(&format!("v1/actions/{id}"))).await
    }

    /// `GET /v1/events`: the feed from `last_id` on. It ends when the connection breaks; go on with the last event's id.
    pub async fn events(
        &self,
        last_id: Option<&str>,
    ) -> Result<impl Stream<Item = Result<FeedEvent, ServerError>> + Send + use<>, ServerError> {
        let request = || {
            let request = self.request(Method::GET, self.url("v1/events")).header(header::ACCEPT, "text/event-stream");
            match last_id {
                Some(id) => request.header("last-event-id", id),
                None => request,
            }
        };
        let events = self.open_stream(request).await?.bytes_stream().eventsource();
        Ok(events.filter_map(async |event| match event {
            Ok(event) if event.data.is_empty() => None,
            Ok(event) => Some(serde_json::from_str(&event.data).map_err(|error| ServerError::InvalidAnswer {
                what: "The event feed cannot be read.".into(),
                source: Some(error.into()),
            })),
            Err(error) => Some(Err(ServerError::Unreachable {
                what: "The event feed broke.".into(),
                source: Some(error.to_string().into()),
            })),
        }))
    }

    /// A request whose answer is a stream: a limit for its beginning, none for the whole.
    async fn open_stream(
        &self,
        request: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<reqwest::Response, ServerError> {
        let slow = || ServerError::unreachable("The server does not answer in time.");
        match tokio::time::timeout(STALL_TIME_MAX, request().send()).await {
            Ok(Ok(response)) => accept(response).await,
            Ok(Err(error)) if error.is_connect() || error.is_request() => {
                tokio::time::sleep(std::time::Duration::from_millis(300)).await;
                let response = tokio::time::timeout(STALL_TIME_MAX, request().send()).await.map_err(|_| slow())?;
                accept(response.map_err(unreachable)?).await
            }
            Ok(Err(error)) => Err(unreachable(error)),
            Err(_) => Err(slow()),
        }
    }

    /// A write that may become a transaction; its answer names the action, where there is one. The server knows a
    /// signed action again by its id, so it needs no idempotency key, whose answer would cost two durable writes.
    async fn relayed<B: Serialize>(&self, path: &str, body: &B) -> Result<Option<ActionView>, ServerError> {
        let url = self.url(path);
        let response = self.send_again(|| self.request(Method::POST, url.clone()).json(body)).await?;
        let answer: serde_json::Value = read_json(response).await?;
        Ok(serde_json::from_value(answer).ok())
    }

    /// All pages of a list. An item that cannot be read is counted ([`Api::unreadable`]), and the others are given.
    async fn all<Q: Serialize, T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        query: &Q,
        at: impl Fn(&Q, Option<String>) -> Q,
    ) -> Result<Vec<T>, ServerError> {
        let mut items = Vec::new();
        let mut cursor = None;
        loop {
            let page: Page<serde_json::Value> = self.get(self.url_with(path, &at(query, cursor.clone()))).await?;
            for item in page.items {
                match serde_json::from_value(item) {
                    Ok(item) => items.push(item),
                    Err(_) => self.count_unreadable(),
                }
            }
            // A page may be empty and still have a next one; a place that is given again would never end.
            if page.next.is_none() || page.next == cursor {
                return Ok(items);
            }
            cursor = page.next;
        }
    }
}
