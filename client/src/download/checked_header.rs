//! Headers of envelopes, each compared with the CID on chain, which takes the whole file.

use std::{sync::PoisonError, time::Duration};

use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use protocol::{
    cid::{Cid, CidBuilder},
    envelope::HEADER_LEN,
    error_code::ErrorCode,
};

use crate::{chain::ChainVersion, client::Client, download::stream, envelope::EnvelopeError};

/// How often a version that stands on chain is asked for while the server's mirror does not have it yet.
const MIRROR_TRIES: u32 = 10;
const MIRROR_PAUSE: Duration = Duration::from_millis(300);
/// How many blocks a mirror may be behind. An older version that the server does not have never was there: somebody who
/// registers a thousand digests of nothing must not make their patient wait for each.
const MIRROR_BLOCKS: u64 = 64;

/// The first 1,216 bytes of an envelope, after all of it was compared with its CID.
///
/// # Errors
/// [`EnvelopeError::WrongBytes`] if the server's bytes are others; refusals of the server.
pub(crate) async fn checked_header(client: &Client, version: &ChainVersion) -> Result<Bytes, EnvelopeError> {
    let cid = version.cid;
    let known = || client.checked_headers().lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(header) = known().get(&cid) {
        return Ok(header.clone());
    }
    let mut tries = 0;
    let source = loop {
        match stream::from_api(client.api()?, cid).await {
            // The version stands on chain; the server's mirror may be a moment behind.
            Err(error)
                if is_missing(&error)
                    && tries < MIRROR_TRIES
                    && client.chain().head().await?.number <= version.block_number + MIRROR_BLOCKS =>
            {
                tries += 1;
                tokio::time::sleep(MIRROR_PAUSE).await;
            }
            Err(error) if is_missing(&error) => return Err(EnvelopeError::Missing(error.into())),
            other => break other?,
        }
    };
    let header = header_of(source.pieces, cid).await?;
    known().insert(cid, header.clone());
    Ok(header)
}

fn is_missing(error: &EnvelopeError) -> bool {
    matches!(error, EnvelopeError::Server(error) if error.refusal() == Some(ErrorCode::NotFound))
}

/// Reads a whole envelope and gives its first bytes if it is the one of `cid`.
async fn header_of(
    mut pieces: impl Stream<Item = Result<Bytes, EnvelopeError>> + Unpin,
    cid: Cid,
) -> Result<Bytes, EnvelopeError> {
    let mut builder = CidBuilder::new();
    let mut head = Vec::with_capacity(HEADER_LEN);
    while let Some(piece) = pieces.try_next().await? {
        head.extend_from_slice(&piece[..piece.len().min(HEADER_LEN - head.len())]);
        // Hashing a piece may take longer than the runtime's other tasks like to wait.
        let updated = tokio::task::spawn_blocking(move || {
            builder.update(&piece);
            builder
        });
        builder = updated.await.expect("hashing does not panic");
    }
    if builder.finish() == cid { Ok(head.into()) } else { Err(EnvelopeError::WrongBytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Failure;

    #[tokio::test]
    async fn a_header_counts_only_with_the_rest_of_its_envelope() {
        let file: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
        let mut builder = CidBuilder::new();
        builder.update(&file);
        let cid = builder.finish();
        let read = async |file: &[u8]| {
            let pieces = file.chunks(10_007).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect::<Vec<_>>();
            header_of(futures::stream::iter(pieces), cid).await
        };
        assert_eq!(read(&file).await.unwrap(), file[..HEADER_LEN]);
        for at in [0, HEADER_LEN - 1, HEADER_LEN, file.len() - 1] {
            let mut forged = file.clone();
            forged[at] ^= 1;
            assert_eq!(read(&forged).await.unwrap_err().code(), "cid_mismatch", "changed at {at}");
        }
        assert_eq!(read(&file[..HEADER_LEN]).await.unwrap_err().code(), "cid_mismatch");
    }
}
