//! Encrypting, computing the CID and sending at the same time, each in its own thread, with a few pieces between them.

use std::io::{self, Read};

use bytes::Bytes;
use futures::StreamExt;
use protocol::{
    cid::{Cid, CidBuilder},
    envelope::{SealError, SealParams, Sealer},
    secret::DataKey,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{content::Content, error::UploadError};
use crate::{
    api::Api,
    progress::{Progress, Step},
};

/// Content read at a time.
const PIECE_LEN: usize = 1 << 20;
/// Pieces that wait between two threads.
const PIECES_WAITING: usize = 4;

/// The envelope that was sent.
pub(super) struct Sent {
    pub(super) cid: Cid,
    pub(super) size: u64,
}

/// Why sealing stopped.
enum Stopped {
    Seal(SealError),
    Read(io::Error),
    /// The other side is gone; its own error says why.
    Receiver,
}

/// Encrypts `content` and sends it; checks that the server has stored exactly what was sent.
pub(super) async fn seal_and_send(
    api: &Api,
    params: SealParams,
    dek: &DataKey,
    content: &Content,
    progress: &Progress,
) -> Result<Sent, UploadError> {
    let (record, version) = (params.record, params.version);
    let sealer = Sealer::new(&params, dek)?;
    let size = sealer.sealed_len();
    let reader = content.reader().map_err(UploadError::ReadAgain)?;

    let (to_network, from_sealer) = mpsc::channel::<Result<Bytes, io::Error>>(PIECES_WAITING);
    let (to_hasher, for_hasher) = std::sync::mpsc::sync_channel::<Bytes>(PIECES_WAITING);
    let hashing = tokio::task::spawn_blocking(move || {
        let mut builder = CidBuilder::new();
        for piece in for_hasher {
            builder.update(&piece);
        }
        builder.finish()
    });
    let progress = progress.clone();
    let answered = CancellationToken::new();
    let (runtime, stop) = (tokio::runtime::Handle::current(), answered.clone());
    let sealing = tokio::task::spawn_blocking(move || {
        // A server that answers before it has read everything may leave the body unread and unfinished.
        let to_network = |piece| {
            runtime.block_on(async {
                tokio::select! {
                    sent = to_network.send(piece) => sent.is_ok(),
                    () = stop.cancelled() => false,
                }
            })
        };
        let pass_on = |piece: Bytes| {
            let sent = to_hasher.send(piece.clone()).is_ok() && to_network(Ok(piece));
            if sent { Ok(()) } else { Err(Stopped::Receiver) }
        };
        let result = seal(sealer, reader, pass_on, &|done| progress.tell(Step::Sending { done, total: size }));
        if result.is_err() {
            // Breaks the request, so that the server keeps nothing.
            to_network(Err(io::Error::other("sealing stopped")));
        }
        result
    });

    let body =
        futures::stream::unfold(from_sealer, async |mut from| from.recv().await.map(|piece| (piece, from))).boxed();
    let stored = api.upload_blob(record, version, size, body).await;
    answered.cancel();
    let sealed = sealing.await.expect("sealing does not panic");
    let cid = hashing.await.expect("hashing does not panic");
    match sealed {
        Err(Stopped::Seal(error)) => return Err(error.into()),
        Err(Stopped::Read(error)) => return Err(UploadError::ReadAgain(error)),
        Err(Stopped::Receiver) | Ok(()) => {}
    }
    let stored = stored?;
    if stored.cid != cid.to_string() || stored.size != size {
        return Err(UploadError::StoredOtherBytes);
    }
    Ok(Sent { cid, size })
}

fn seal(
    mut sealer: Sealer,
    mut content: Box<dyn Read + Send>,
    mut send: impl FnMut(Bytes) -> Result<(), Stopped>,
    tell: &dyn Fn(u64),
) -> Result<(), Stopped> {
    let mut piece = zeroize::Zeroizing::new(vec![0; PIECE_LEN]);
    let mut done = 0;
    let mut pass_on = |out: Vec<u8>| {
        done += out.len() as u64;
        tell(done);
        if out.is_empty() { Ok(()) } else { send(Bytes::from(out)) }
    };
    loop {
        let mut filled = 0;
        while filled < piece.len() {
            match content.read(&mut piece[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Stopped::Read(error)),
            }
        }
        if filled == 0 {
            break;
        }
        let mut out = Vec::with_capacity(PIECE_LEN + (PIECE_LEN >> 8));
        sealer.update(&piece[..filled], &mut out).map_err(Stopped::Seal)?;
        pass_on(out)?;
    }
    loop {
        let mut out = Vec::new();
        let is_all = sealer.finish(&mut out).map_err(Stopped::Seal)?;
        pass_on(out)?;
        if is_all {
            return Ok(());
        }
    }
}
