//! One upload: it reserves quota, checks the header, and streams and counts the bytes.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use alloy::primitives::Address;
use axum::{
    body::{Body, BodyDataStream},
    http::{HeaderMap, header},
};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use mongodb::bson::doc;
use protocol::{
    bodies::records::StoredBlob,
    digits,
    envelope::{HEADER_LEN, Header},
    error_code::ErrorCode,
    ids::RecordId,
};

use super::ledger::{PinDoc, PinState, pins, seconds, stored_bytes};
use crate::{
    app::App,
    body,
    content::{ByteStream, ContentError},
    error::ApiError,
};

/// The most bytes of a refused body that are still read, so that the client receives the answer and not a closed
/// connection.
const DRAIN_BYTES_MAX: u64 = 4 << 20;

/// Returns the length of the body according to the request's head.
///
/// # Errors
/// Returns `unsupported_media_type`, `invalid_request` without a length, `too_large`, or `invalid_envelope` when the
/// body is too short for an envelope.
pub(super) fn announced_length(app: &App, headers: &HeaderMap) -> Result<u64, ApiError> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if media_type != Some("application/octet-stream") {
        return Err(ApiError::new(
            ErrorCode::UnsupportedMediaType,
            "an envelope must have the media type application/octet-stream",
        ));
    }
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| digits::parse::<u64>(value.to_str().ok()?))
        .ok_or_else(|| ApiError::invalid("Content-Length is required"))?;
    let bytes_max = app.settings.limits.envelope_bytes_max;
    if length > bytes_max {
        return Err(ApiError::new(ErrorCode::TooLarge, format!("an envelope may have at most {bytes_max} bytes")));
    }
    if length < HEADER_LEN as u64 {
        return Err(not_this_envelope());
    }
    Ok(length)
}

/// Streams an envelope of `length` bytes into the content store.
pub(super) async fn store(
    app: &App,
    uploader: Address,
    record: RecordId,
    version: u16,
    length: u64,
    body: Body,
) -> Result<StoredBlob, ApiError> {
    let row = PinDoc {
        id: uuid::Uuid::now_v7().to_string(),
        record,
        version,
        uploader,
        state: PinState::Uploading,
        cid: None,
        size: length,
        changed_at: app.clock.now(),
    };
    // A separate task: if the client disconnects, the row must still be settled.
    let (app, reserved) = (app.clone(), row.id.clone());
    let upload = tokio::spawn(async move {
        let stored = reserve_and_stream(&app, &row, body).await;
        if stored.is_err() {
            let _ = pins(&app).delete_one(doc! { "_id": reserved }).await;
        }
        stored
    });
    upload.await.map_err(ApiError::internal)?
}

async fn reserve_and_stream(app: &App, row: &PinDoc, body: Body) -> Result<StoredBlob, ApiError> {
    reserve(app, row).await?;
    let limits = &app.settings.limits;
    let idle = Duration::from_secs(limits.idle_seconds_max);
    let deadline = Instant::now() + Duration::from_secs(limits.upload_seconds_max);
    let mut body = body.into_data_stream();
    let head = match checked_head(&mut body, row, idle).await {
        Ok(head) => head,
        Err(error) => {
            drain(body).await;
            return Err(error);
        }
    };
    let received = Arc::new(AtomicU64::new(0));
    let bytes = counted(head, body, Arc::clone(&received), row.size, (idle, deadline));
    let cid = match app.content.put(bytes).await {
        Ok(cid) => cid,
        Err(ContentError::Interrupted(error)) if error.kind() == io::ErrorKind::TimedOut => {
            return Err(body::too_slow());
        }
        Err(ContentError::Interrupted(error)) => {
            return Err(truncated(received.load(Ordering::Relaxed), row.size, error));
        }
        Err(error) => return Err(ApiError::unavailable("the storage node", error)),
    };
    settle(app, row, &cid).await?;
    Ok(StoredBlob { cid, size: row.size })
}

/// Counts the announced bytes against the quota before the first one arrives, so that parallel uploads cannot exceed it
/// together.
async fn reserve(app: &App, row: &PinDoc) -> Result<(), ApiError> {
    pins(app).insert_one(row).await?;
    if stored_bytes(app, row.uploader).await? > app.settings.limits.quota_bytes {
        return Err(ApiError::new(ErrorCode::QuotaExceeded, "this account's storage is full"));
    }
    // The sweeper writes `leaving` and then looks for our row. We write our row and then look for `leaving`. So at
    // least one of the two gives way, and no pin is removed under an upload that relies on it.
    let leaving = pins(app)
        .find_one(doc! { "record": row.record.to_string(), "version": i32::from(row.version), "state": "leaving" })
        .await?;
    if leaving.is_some() {
        return Err(
            ApiError::new(ErrorCode::Unavailable, "an older upload of this version is being removed").retry_after(1)
        );
    }
    Ok(())
}

/// Reads the first bytes of the envelope and checks that they name this record and version.
async fn checked_head(body: &mut BodyDataStream, row: &PinDoc, idle: Duration) -> Result<Bytes, ApiError> {
    let mut head = BytesMut::new();
    while head.len() < HEADER_LEN {
        match tokio::time::timeout(idle, body.try_next()).await {
            Ok(Ok(Some(piece))) => head.extend_from_slice(&piece),
            Ok(Ok(None)) => return Err(truncated(head.len() as u64, row.size, io::ErrorKind::UnexpectedEof.into())),
            Ok(Err(error)) => return Err(truncated(head.len() as u64, row.size, io::Error::other(error))),
            Err(_) => return Err(body::too_slow()),
        }
    }
    let header = Header::parse(&head).map_err(|error| not_this_envelope().because(error))?;
    if header.record != row.record || header.version != row.version {
        return Err(not_this_envelope());
    }
    Ok(head.freeze())
}

/// Returns the stream of the whole envelope. It fails unless it has exactly `length` bytes, all before the deadline,
/// and never pauses for the idle time.
fn counted(
    head: Bytes,
    body: BodyDataStream,
    received: Arc<AtomicU64>,
    length: u64,
    (idle, deadline): (Duration, Instant),
) -> ByteStream {
    let rest = tokio_stream::StreamExt::timeout(body, idle).map(|piece| match piece {
        Ok(piece) => piece.map_err(io::Error::other),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    });
    let end = Arc::clone(&received);
    let pieces = stream::once(async { Ok(head) }).chain(rest).and_then(move |piece| {
        let total = received.fetch_add(piece.len() as u64, Ordering::Relaxed) + piece.len() as u64;
        std::future::ready(if total > length {
            Err(io::ErrorKind::InvalidData.into())
        } else if Instant::now() > deadline {
            Err(io::ErrorKind::TimedOut.into())
        } else {
            Ok(piece)
        })
    });
    let check = stream::once(async move {
        if end.load(Ordering::Relaxed) == length { Ok(Bytes::new()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    });
    Box::pin(pieces.chain(check))
}

/// Stores the result of the upload. The same bytes stored twice by the same uploader count once.
///
/// # Errors
/// Returns `unavailable` when the sweeper has removed the row in the meantime. The stored bytes are then unpinned.
async fn settle(app: &App, row: &PinDoc, cid: &str) -> Result<(), ApiError> {
    let change = doc! { "$set": { "state": PinState::Stored.as_str(), "cid": cid, "changed_at": seconds(app) } };
    let settled = pins(app).update_one(doc! { "_id": &row.id }, change).await?;
    if settled.matched_count != 1 {
        // A pin without a row would be outside every quota, and nothing would ever remove it. But another row may have
        // the same bytes, or another upload of them may be running.
        let same = doc! { "cid": cid };
        let coming = doc! { "record": row.record.to_string(), "version": i32::from(row.version), "state": "uploading" };
        if pins(app).find_one(same).await?.is_none() && pins(app).find_one(coming).await?.is_none() {
            app.content.unpin(cid).await.map_err(|error| ApiError::unavailable("the storage node", error))?;
        }
        return Err(ApiError::new(ErrorCode::Unavailable, "the upload took too long; it can be begun again"));
    }
    let others = doc! {
        "cid": cid, "uploader": format!("{:#x}", row.uploader), "_id": { "$ne": &row.id },
        "state": { "$in": [PinState::Stored.as_str(), PinState::Registered.as_str()] },
    };
    pins(app).delete_many(others).await?;
    Ok(())
}

async fn drain(mut body: BodyDataStream) {
    let read = async {
        let mut total = 0;
        while let Some(Ok(piece)) = body.next().await {
            total += piece.len() as u64;
            if total > DRAIN_BYTES_MAX {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), read).await;
}

fn not_this_envelope() -> ApiError {
    ApiError::new(ErrorCode::InvalidEnvelope, "the body is not an envelope for this record and version")
}

fn truncated(received: u64, length: u64, cause: io::Error) -> ApiError {
    ApiError::new(ErrorCode::TruncatedUpload, format!("{received} of {length} bytes arrived")).because(cause)
}
