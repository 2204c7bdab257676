//! Publishes, serves and fetches content by digest.
//!
//! Each stream is one request: the 32 bytes of the digest, then the end of the stream. The answer is the size in 8 bytes,
//! little-endian, and the content. An answer that ends early means that the peer does not have the whole blob.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use iroh::endpoint::{Connection, ReadExactError, RecvStream, SendStream, WriteError};
use tokio::{task::JoinSet, time::timeout};
use units::{DeviceId, Digest};

use crate::{
    endpoint::{self, Boxed, REFUSED, chain},
    pace::Bucket,
};

/// Slowest accepted transfer. A blob may take the time it needs at this speed, plus the time to answer: a peer can't
/// keep a fetch open by sending very slowly.
pub const BYTES_PER_SECOND_MIN: u64 = 16 << 10;

/// Size of a request in bytes: a digest.
const REQUEST_SIZE: usize = 32;
/// Bytes read at a time. Memory is reserved for one piece at a time, not for the size that a peer announces.
const PIECE_SIZE: usize = 64 << 10;

/// Why content was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The content would exceed the limit on published bytes.
    #[error(
        "publishing {adding} bytes in addition to {held} would exceed the limit of {size_max}: retain fewer blobs"
    )]
    Full {
        /// Size of the new content.
        adding: u64,
        /// Number of bytes published already.
        held: u64,
        /// The limit.
        size_max: u64,
    },
}

/// Why content was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The device is not connected.
    #[error("device {device} is not connected: wait until it reconnects")]
    NotConnected {
        /// The device asked.
        device: DeviceId,
    },
    /// The peer does not have the blob, or only a part of it.
    #[error("peer does not serve blob {digest}")]
    NotFound {
        /// Digest of the requested blob.
        digest: Digest,
    },
    /// The blob was refused before any content was read.
    #[error("blob {digest} has {size} bytes, more than the {size_max} expected")]
    TooLarge {
        /// Digest of the requested blob.
        digest: Digest,
        /// Size that the peer claims.
        size: u64,
        /// Bound given by the caller.
        size_max: u64,
    },
    /// The peer sent other content.
    #[error("peer sent bytes that are not part of blob {digest}")]
    Corrupt {
        /// Digest of the requested blob.
        digest: Digest,
    },
    /// The peer took too long.
    #[error("blob {digest} did not arrive within {seconds} s")]
    Slow {
        /// Digest of the requested blob.
        digest: Digest,
        /// The time limit.
        seconds: u64,
    },
    /// The connection was lost.
    #[error("connection was lost while fetching blob {digest}: {reason}")]
    Lost {
        /// Digest of the requested blob.
        digest: Digest,
        /// The cause, as far as known.
        reason: String,
    },
}

/// Blobs that peers may fetch, in memory. A transfer in progress keeps a blob that is removed.
#[derive(Debug)]
pub struct BlobStore {
    size_max: u64,
    /// How fast they go.
    rate: Arc<Bucket>,
    blobs: Mutex<Blobs>,
}

/// Who requests a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// It may have every blob.
    Entitled,
    /// It may have what is published openly.
    Stranger,
}

#[derive(Debug, Default)]
struct Blobs {
    size: u64,
    /// The blobs that anyone may have.
    open: BTreeSet<Digest>,
    by_digest: BTreeMap<Digest, Arc<Vec<u8>>>,
}

impl BlobStore {
    /// Returns a store without blobs, for at most `size_max` bytes.
    #[must_use]
    pub fn new(size_max: u64) -> Self {
        Self { size_max, rate: Arc::default(), blobs: Mutex::default() }
    }

    /// Returns a store whose blobs go at a rate.
    pub(crate) fn at(size_max: u64, rate: Arc<Bucket>) -> Self {
        Self { size_max, rate, blobs: Mutex::default() }
    }

    /// Publishes content. Publishing the same content again changes nothing.
    pub(crate) fn publish(
        self: &Arc<Self>,
        bytes: Vec<u8>,
    ) -> Boxed<'static, Result<Digest, PublishError>> {
        let blob_store = Arc::clone(self);
        Box::pin(async move {
            // Hashing a checkpoint takes long enough to block other tasks of this thread.
            let publishing = tokio::task::spawn_blocking(move || blob_store.put(bytes));
            publishing.await.expect("hashing does not panic, and is not cancelled")
        })
    }

    /// Serves a blob to anyone, and keeps it.
    pub fn open(&self, digest: Digest) {
        self.lock().open.insert(digest);
    }

    /// Removes all blobs that are neither in `keep` nor open to anyone.
    pub fn retain(&self, keep: &BTreeSet<Digest>) {
        let mut blobs = self.lock();
        let Blobs { by_digest, open, .. } = &mut *blobs;
        by_digest.retain(|digest, _| keep.contains(digest) || open.contains(digest));
        blobs.size = blobs.by_digest.values().map(|blob| size_of(blob)).sum();
    }

    /// Removes one blob.
    pub(crate) fn remove(&self, digest: &Digest) {
        let mut blobs = self.lock();
        if let Some(blob) = blobs.by_digest.remove(digest) {
            blobs.size =
                blobs.size.checked_sub(size_of(&blob)).expect("the total includes each blob");
        }
    }

    /// Publishes content in this thread.
    ///
    /// # Errors
    /// [`PublishError`] when there is no room.
    pub fn put(&self, bytes: Vec<u8>) -> Result<Digest, PublishError> {
        let digest = Digest::from_bytes(*blake3::hash(&bytes).as_bytes());
        let mut blobs = self.lock();
        if !blobs.by_digest.contains_key(&digest) {
            blobs.size = self.check_room(&blobs, size_of(&bytes))?;
            blobs.by_digest.insert(digest, Arc::new(bytes));
        }
        Ok(digest)
    }

    fn check_room(&self, blobs: &Blobs, adding: u64) -> Result<u64, PublishError> {
        let full = PublishError::Full { adding, held: blobs.size, size_max: self.size_max };
        match blobs.size.checked_add(adding) {
            Some(size) if size <= self.size_max => Ok(size),
            _ => Err(full),
        }
    }

    /// Returns a blob, if the reader may have it.
    #[must_use]
    pub fn blob(&self, digest: &Digest, reader: Reader) -> Option<Arc<Vec<u8>>> {
        let blobs = self.lock();
        let may_read = reader == Reader::Entitled || blobs.open.contains(digest);
        blobs.by_digest.get(digest).filter(|_| may_read).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Blobs> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers requests for blobs until the connection ends. Serves whole blobs and accepts none. A request that comes
/// while the peer is not entitled to blobs is answered as if there were none.
pub(crate) fn serve<'a>(
    connection: &'a Connection,
    blob_store: &'a Arc<BlobStore>,
    answer: Duration,
    is_entitled: impl Fn(&DeviceId) -> bool + Send + 'a,
) -> Boxed<'a, ()> {
    let device = endpoint::device(connection.remote_id());
    Box::pin(async move {
        let mut streams = JoinSet::new();
        loop {
            tokio::select! {
                pair = connection.accept_bi() => match pair {
                    Ok(pair) => {
                        let reader = if is_entitled(&device) { Reader::Entitled } else { Reader::Stranger };
                        streams.spawn(respond(pair, Arc::clone(blob_store), reader, answer));
                    }
                    Err(_) => return,
                },
                Some(_) = streams.join_next() => {}
            }
        }
    })
}

/// Fetches and verifies one blob. Reads nothing when the peer announces more than `size_max` bytes.
pub(crate) fn fetch<'a>(
    connection: &'a Connection,
    digest: &'a Digest,
    size_max: u64,
    (answer, rate): (Duration, &'a Bucket),
) -> Boxed<'a, Result<Vec<u8>, FetchError>> {
    Box::pin(fetch_within(connection, digest, size_max, (answer, rate)))
}

async fn fetch_within(
    connection: &Connection,
    digest: &Digest,
    size_max: u64,
    (answer, rate): (Duration, &Bucket),
) -> Result<Vec<u8>, FetchError> {
    let slow = |limit: Duration| FetchError::Slow { digest: *digest, seconds: limit.as_secs() };
    let (mut content, size) =
        timeout(answer, request(connection, digest)).await.map_err(|_| slow(answer))??;
    if size_max < size {
        // Dropping the stream tells the peer to send no more.
        return Err(FetchError::TooLarge { digest: *digest, size, size_max });
    }
    let limit = time_limit(answer, size);
    timeout(limit, take(&mut content, digest, size, rate)).await.map_err(|_| slow(limit))?
}

/// Returns how long the transfer of `size` bytes may take.
#[must_use]
pub fn time_limit(answer: Duration, size: u64) -> Duration {
    answer.saturating_add(Duration::from_secs(size / BYTES_PER_SECOND_MIN))
}

async fn respond(
    (mut send, mut receive): (SendStream, RecvStream),
    blob_store: Arc<BlobStore>,
    reader: Reader,
    answer: Duration,
) {
    let request = timeout(answer, receive.read_to_end(REQUEST_SIZE)).await;
    let Some(digest) =
        request.ok().and_then(|bytes| <[u8; REQUEST_SIZE]>::try_from(bytes.ok()?).ok())
    else {
        // Dropping the stream finishes our half of it; the peer reads "not found".
        return tracing::debug!("a peer requested something other than a blob");
    };
    let digest = Digest::from_bytes(digest);
    let Some(blob) = blob_store.blob(&digest, reader) else {
        return tracing::debug!(%digest, "a peer requested a blob that it can't have");
    };
    let sending = async {
        send.write_all(&size_of(&blob).to_le_bytes()).await?;
        for piece in blob.chunks(PIECE_SIZE) {
            send.write_all(piece).await?;
            blob_store.rate.take(piece.len()).await;
        }
        Ok::<(), WriteError>(())
    };
    let limit = time_limit(answer, size_of(&blob));
    match timeout(limit, sending).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%digest, %error, "a peer did not read the whole blob"),
        Err(_) => {
            tracing::debug!(%digest, "a peer reads too slowly");
            // Without this the bytes that were sent would look like the whole blob.
            let _reset = send.reset(REFUSED);
        }
    }
}

/// Requests a blob and reads the size that the peer announces.
async fn request(
    connection: &Connection,
    digest: &Digest,
) -> Result<(RecvStream, u64), FetchError> {
    let (mut send, mut receive) =
        connection.open_bi().await.map_err(|error| lost(digest, &error))?;
    send.write_all(digest.as_bytes()).await.map_err(|error| lost(digest, &error))?;
    send.finish().map_err(|error| lost(digest, &error))?;
    let mut size = [0; 8];
    receive.read_exact(&mut size).await.map_err(|error| broken(digest, error))?;
    Ok((receive, u64::from_le_bytes(size)))
}

/// Reads exactly `size` bytes, which must be all that come and have the digest.
async fn take(
    content: &mut RecvStream,
    digest: &Digest,
    size: u64,
    rate: &Bucket,
) -> Result<Vec<u8>, FetchError> {
    let corrupt = || FetchError::Corrupt { digest: *digest };
    let size = usize::try_from(size).map_err(|_| corrupt())?;
    let mut hasher = blake3::Hasher::new();
    let mut bytes = Vec::new();
    while bytes.len() < size {
        let begin = bytes.len();
        bytes.resize(size.min(begin.saturating_add(PIECE_SIZE)), 0);
        content.read_exact(&mut bytes[begin..]).await.map_err(|error| broken(digest, error))?;
        // Piece by piece: hashing a whole checkpoint at once would block other tasks of this thread.
        hasher.update(&bytes[begin..]);
        rate.take(bytes.len() - begin).await;
    }
    if hasher.finalize().as_bytes() != digest.as_bytes() {
        return Err(corrupt());
    }
    match content.read_exact(&mut [0]).await {
        Err(ReadExactError::FinishedEarly(_)) => Ok(bytes),
        Ok(()) => Err(corrupt()),
        Err(error) => Err(broken(digest, error)),
    }
}

fn broken(digest: &Digest, error: ReadExactError) -> FetchError {
    match error {
        ReadExactError::FinishedEarly(_) => FetchError::NotFound { digest: *digest },
        ReadExactError::ReadError(error) => lost(digest, &error),
    }
}

fn lost(digest: &Digest, error: &dyn std::error::Error) -> FetchError {
    FetchError::Lost { digest: *digest, reason: chain(error) }
}

fn size_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("usize has at most 64 bits")
}
