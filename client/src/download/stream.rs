//! An envelope as it comes: its CID is recomputed and its segments are opened at the same time, each in its own thread.

use std::{io::Write, ops::Range, path::Path};

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream::BoxStream};
use protocol::{
    cid::{Cid, CidBuilder},
    envelope::{EnvelopeContext, HEADER_LEN, Header, Metadata, Opener},
    ids::RecordId,
    secret::DataKey,
};
use tempfile::NamedTempFile;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use zeroize::Zeroizing;

use crate::{api::Api, envelope::EnvelopeError};

/// How much is fetched with one request.
const RANGE_LEN: u64 = 8 << 20;
/// Requests in flight beside what is being read.
const RANGES_AHEAD: usize = 2;
/// Pieces that wait between two threads.
const PIECES_WAITING: usize = 8;

/// The bytes of an envelope.
pub(crate) struct Source {
    /// How many there are.
    pub(crate) total: u64,
    /// They themselves, in order.
    pub(crate) pieces: BoxStream<'static, Result<Bytes, EnvelopeError>>,
}

/// Fetches an envelope from the server, in ranges of which several are in flight. A task of its own keeps them going
/// while what has come is checked and decrypted; it ends when the stream is dropped.
pub(crate) async fn from_api(api: &Api, cid: Cid) -> Result<Source, EnvelopeError> {
    let first = api.blob(&cid, Some(0..RANGE_LEN)).await?;
    let total = first.total;
    let (to_reader, from_task) = mpsc::channel(1);
    let api = api.clone();
    let fetching = tokio::spawn(async move {
        let starts = (1..total.div_ceil(RANGE_LEN)).map(|index| index * RANGE_LEN);
        let ranges = starts.map(|start| fetch_range(&api, cid, start..total.min(start + RANGE_LEN)));
        let mut ranges = futures::stream::iter(ranges).buffered(RANGES_AHEAD);
        while let Some(range) = ranges.next().await {
            let failed = range.is_err();
            if to_reader.send(range).await.is_err() || failed {
                break;
            }
        }
    });
    let later = (from_task, AbortOnDropHandle::new(fetching));
    let first = futures::stream::try_unfold(first, async |mut blob| {
        Ok::<_, EnvelopeError>(blob.chunk().await?.map(|chunk| (chunk, blob)))
    });
    let later = futures::stream::unfold(later, async |(mut from_task, fetching)| {
        from_task.recv().await.map(|range| (range, (from_task, fetching)))
    });
    let later = later.flat_map(|range| match range {
        Ok(chunks) => futures::stream::iter(chunks.into_iter().map(Ok).collect::<Vec<_>>()),
        Err(error) => futures::stream::iter(vec![Err(error)]),
    });
    Ok(Source { total, pieces: first.chain(later).boxed() })
}

async fn fetch_range(api: &Api, cid: Cid, range: Range<u64>) -> Result<Vec<Bytes>, EnvelopeError> {
    let mut blob = api.blob(&cid, Some(range.clone())).await?;
    let wanted = range.end - range.start;
    let mut chunks = Vec::new();
    let mut length = 0;
    while let Some(chunk) = blob.chunk().await? {
        length += chunk.len() as u64;
        if length > wanted {
            break;
        }
        chunks.push(chunk);
    }
    if length == wanted { Ok(chunks) } else { Err(EnvelopeError::WrongLength) }
}

/// The envelope that is expected.
#[derive(Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) context: EnvelopeContext,
    pub(crate) record: RecordId,
    pub(crate) version: u16,
    pub(crate) cid: Cid,
}

/// A document that was checked from its first byte to its last, under a temporary name.
pub(crate) struct Written {
    pub(crate) metadata: Metadata,
    pub(crate) file: NamedTempFile,
}

/// Opens an envelope and writes its content, or a range of it, to a temporary file in `folder`.
///
/// Nothing of a segment is written before its tag holds; and the file is given out only after the CID, the padding, the
/// lengths and the content hash hold. A wrong CID is the storage's fault and is told before anything else.
pub(crate) async fn open<E: From<EnvelopeError>>(
    mut pieces: impl Stream<Item = Result<Bytes, E>> + Unpin,
    expected: Expected,
    data_key: impl AsyncFnOnce(&Header) -> Result<DataKey, EnvelopeError>,
    folder: &Path,
    range: Option<Range<u64>>,
    tell: impl Fn(u64) + Send + 'static,
) -> Result<Written, E> {
    let mut head = BytesMut::new();
    while head.len() < HEADER_LEN {
        match pieces.next().await {
            Some(piece) => head.extend_from_slice(&piece?),
            None => break,
        }
    }
    let head = head.freeze();
    let opened = async {
        let header = Header::parse(&head)?;
        header.expect(expected.record, expected.version)?;
        let dek = data_key(&header).await?;
        let file = tempfile::Builder::new().prefix(".medlock-").suffix(".part").tempfile_in(folder);
        let file = file.map_err(|error| crate::home::local_file(folder, error))?;
        Ok::<_, EnvelopeError>((Opener::new(&header, &expected.context, &dek), file))
    }
    .await;

    let (to_hasher, mut for_hasher) = mpsc::channel::<Bytes>(PIECES_WAITING);
    let hashing = tokio::task::spawn_blocking(move || {
        let mut builder = CidBuilder::new();
        let mut done = 0;
        while let Some(piece) = for_hasher.blocking_recv() {
            builder.update(&piece);
            done += piece.len() as u64;
            tell(done);
        }
        builder.finish()
    });
    let (to_opener, for_opener) = mpsc::channel::<Bytes>(PIECES_WAITING);
    let opening = match opened {
        Ok((opener, file)) => Ok(tokio::task::spawn_blocking(move || write(opener, file, for_opener, range))),
        Err(error) => {
            // A queue that nobody reads would fill up and stop everything.
            drop(for_opener);
            Err(error)
        }
    };

    // The hasher gets every byte, also after the opener has given up: whose fault it is can only be told at the end.
    let after_header = head.slice(HEADER_LEN.min(head.len())..);
    let mut pair = Some((head, after_header));
    let mut broken = None;
    while let Some((all, sealed)) = pair {
        // Sending to an opener that has given up fails, and that is all right.
        let (hashed, _) = tokio::join!(to_hasher.send(all), to_opener.send(sealed));
        if hashed.is_err() {
            break;
        }
        pair = match pieces.next().await.transpose() {
            Ok(piece) => piece.map(|piece| (piece.clone(), piece)),
            Err(error) => {
                broken = Some(error);
                None
            }
        };
    }
    drop((to_opener, to_hasher));
    let cid = hashing.await.expect("hashing does not panic");
    let written = match opening {
        Ok(opening) => opening.await.expect("opening does not panic"),
        Err(error) => Err(error),
    };
    if let Some(error) = broken {
        return Err(error);
    }
    if cid != expected.cid {
        return Err(EnvelopeError::WrongBytes.into());
    }
    Ok(written?)
}

/// Opens what comes and writes the wished part of the content.
fn write(
    mut opener: Opener,
    mut file: NamedTempFile,
    mut pieces: mpsc::Receiver<Bytes>,
    range: Option<Range<u64>>,
) -> Result<Written, EnvelopeError> {
    let mut content = Zeroizing::new(Vec::new());
    let mut at = 0_u64;
    while let Some(piece) = pieces.blocking_recv() {
        content.clear();
        opener.update(&piece, &mut content)?;
        let part = match &range {
            None => &content[..],
            Some(range) => {
                let within = |position: u64| {
                    usize::try_from(position.saturating_sub(at)).unwrap_or(usize::MAX).min(content.len())
                };
                &content[within(range.start)..within(range.end).max(within(range.start))]
            }
        };
        file.write_all(part).map_err(EnvelopeError::NotWritten)?;
        at += content.len() as u64;
    }
    let metadata = opener.finish()?;
    if let Some(range) = range
        && (range.start > range.end || range.end > metadata.content_len)
    {
        return Err(EnvelopeError::OutOfRange { content_bytes: metadata.content_len });
    }
    file.flush().map_err(EnvelopeError::NotWritten)?;
    Ok(Written { metadata, file })
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256};
    use protocol::{
        envelope::{ContentHasher, SealParams, Sealer},
        identity::IdentityKey,
    };

    use super::*;
    use crate::error::Failure;

    const CONTEXT: EnvelopeContext = EnvelopeContext { chain_id: 31337, registry: Address::repeat_byte(3) };

    fn envelope(content: &[u8]) -> (Vec<u8>, DataKey, Expected) {
        let mut hasher = ContentHasher::new();
        hasher.update(content);
        let record = RecordId(B256::repeat_byte(1));
        let params = SealParams {
            context: CONTEXT,
            record,
            version: 1,
            patient: Address::repeat_byte(2),
            patient_key: IdentityKey::derive(&[7; 32]).public_key().clone(),
            patient_key_epoch: 1,
            metadata: Metadata {
                content_len: content.len() as u64,
                media_type: "text/plain".into(),
                file_name: "a.txt".into(),
                content_hash: hasher.finish(),
                created: 1,
                fhir_type: None,
                codes: Vec::new(),
                signed_by: None,
            },
        };
        let dek = DataKey::from_bytes([9; 32]);
        let mut sealer = Sealer::new(&params, &dek).unwrap();
        let mut bytes = Vec::new();
        sealer.update(content, &mut bytes).unwrap();
        while !sealer.finish(&mut bytes).unwrap() {}
        let mut builder = CidBuilder::new();
        builder.update(&bytes);
        (bytes, dek, Expected { context: CONTEXT, record, version: 1, cid: builder.finish() })
    }

    async fn open_bytes(
        bytes: &[u8],
        dek: &DataKey,
        expected: Expected,
        range: Option<Range<u64>>,
    ) -> Result<Vec<u8>, EnvelopeError> {
        let dir = tempfile::tempdir().unwrap();
        let pieces = bytes
            .chunks(100_000)
            .map(|piece| Ok::<_, EnvelopeError>(Bytes::copy_from_slice(piece)))
            .collect::<Vec<_>>();
        let dek = dek.clone();
        let key = async |_: &Header| Ok(dek.clone());
        let written = open(futures::stream::iter(pieces), expected, key, dir.path(), range, |_| {}).await;
        if written.is_err() {
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
        }
        written.map(|written| std::fs::read(written.file.path()).unwrap())
    }

    #[tokio::test]
    async fn content_and_ranges_come_out_as_they_went_in() {
        let content: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
        let (bytes, dek, expected) = envelope(&content);
        assert!(open_bytes(&bytes, &dek, expected, None).await.unwrap() == content);
        for range in [0..0, 0..1, 65_500..65_600, 1_000_000..2_500_001, 2_999_999..3_000_000] {
            let part = open_bytes(&bytes, &dek, expected, Some(range.clone())).await.unwrap();
            assert!(part == content[range.start as usize..range.end as usize], "{range:?}");
        }
        let outside = open_bytes(&bytes, &dek, expected, Some(0..3_000_001)).await.unwrap_err();
        assert_eq!(outside.code(), "invalid_range");
    }

    #[tokio::test]
    async fn a_faulty_store_is_told_from_a_faulty_uploader() {
        let (bytes, dek, expected) = envelope(&[5; 2_000_000]);
        for at in [0, 50, 170, 70_000, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let error = open_bytes(&changed, &dek, expected, None).await.unwrap_err();
            assert_eq!(error.code(), "cid_mismatch", "changed by the store at {at}");
            let mut builder = CidBuilder::new();
            builder.update(&changed);
            let expected = Expected { cid: builder.finish(), ..expected };
            let error = open_bytes(&changed, &dek, expected, None).await.unwrap_err();
            assert_eq!(error.code(), "invalid_envelope", "uploaded so at {at}");
        }
        for len in [0, 100, HEADER_LEN, bytes.len() - 1] {
            let error = open_bytes(&bytes[..len], &dek, expected, None).await.unwrap_err();
            assert_eq!(error.code(), "cid_mismatch", "cut to {len}");
        }
    }
}
