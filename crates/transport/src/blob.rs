//! Publishes, serves and fetches content by digest.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use iroh::endpoint::Connection;
use iroh_blobs::{
    Hash,
    get::{fsm, fsm::DecodeError},
    protocol::{GetRequest, Request},
    provider::{self, StreamPair, events::EventSender},
    store::readonly_mem::ReadonlyMemStore,
};
use tokio::{task::JoinSet, time::timeout};
use units::{DeviceId, Digest};

use crate::endpoint::chain;

/// Slowest accepted transfer. A blob may take the time it needs at this speed, plus the time to answer: a peer can't
/// keep a fetch open by sending very slowly.
const BYTES_PER_SECOND_MIN: u64 = 16 << 10;

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

/// Blobs that peers may fetch, in memory.
///
/// Each blob has a read-only store of its own: removing a blob drops its store, and a transfer in progress keeps
/// what it needs.
#[derive(Debug)]
pub(crate) struct BlobStore {
    size_max: u64,
    blobs: Mutex<Blobs>,
}

#[derive(Debug, Default)]
struct Blobs {
    size: u64,
    by_digest: BTreeMap<Digest, Blob>,
}

#[derive(Debug)]
struct Blob {
    size: u64,
    store: ReadonlyMemStore,
}

impl BlobStore {
    pub(crate) fn new(size_max: u64) -> Self {
        Self { size_max, blobs: Mutex::default() }
    }

    /// Publishes content. Publishing the same content again changes nothing.
    pub(crate) async fn publish(self: &Arc<Self>, bytes: Vec<u8>) -> Result<Digest, PublishError> {
        let blob_store = Arc::clone(self);
        // Hashing a checkpoint takes long enough to block other tasks of this thread.
        let publishing = tokio::task::spawn_blocking(move || blob_store.put(&bytes));
        publishing.await.expect("hashing does not panic, and is not cancelled")
    }

    /// Removes all blobs that are not in `keep`.
    pub(crate) fn retain(&self, keep: &BTreeSet<Digest>) {
        let mut blobs = self.lock();
        blobs.by_digest.retain(|digest, _| keep.contains(digest));
        blobs.size = blobs.by_digest.values().map(|blob| blob.size).sum();
    }

    /// Removes one blob.
    pub(crate) fn remove(&self, digest: &Digest) {
        let mut blobs = self.lock();
        if let Some(blob) = blobs.by_digest.remove(digest) {
            blobs.size = blobs.size.checked_sub(blob.size).expect("the total includes each blob");
        }
    }

    fn put(&self, bytes: &[u8]) -> Result<Digest, PublishError> {
        let adding = u64::try_from(bytes.len()).expect("usize has at most 64 bits");
        let digest = Digest::from_bytes(*Hash::new(bytes).as_bytes());
        if self.lock().by_digest.contains_key(&digest) {
            return Ok(digest);
        }
        self.check_room(&self.lock(), adding)?;
        let store = ReadonlyMemStore::new([bytes]);
        let mut blobs = self.lock();
        // Both checks are repeated: another task may have published in the meantime.
        if !blobs.by_digest.contains_key(&digest) {
            blobs.size = self.check_room(&blobs, adding)?;
            blobs.by_digest.insert(digest, Blob { size: adding, store });
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

    fn store(&self, digest: &Digest) -> Option<ReadonlyMemStore> {
        self.lock().by_digest.get(digest).map(|blob| blob.store.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Blobs> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers requests for blobs until the connection ends. Serves whole blobs and accepts none.
pub(crate) async fn serve(connection: &Connection, blob_store: &Arc<BlobStore>, answer: Duration) {
    let mut streams = JoinSet::new();
    loop {
        tokio::select! {
            pair = StreamPair::accept(connection, EventSender::DEFAULT) => match pair {
                Ok(pair) => { streams.spawn(respond(pair, Arc::clone(blob_store), answer)); }
                Err(_) => return,
            },
            Some(_) = streams.join_next() => {}
        }
    }
}

/// Fetches and verifies one blob. Reads nothing when the peer announces more than `size_max` bytes.
pub(crate) async fn fetch(
    connection: &Connection,
    digest: &Digest,
    size_max: u64,
    answer: Duration,
) -> Result<Vec<u8>, FetchError> {
    let slow = |limit: Duration| FetchError::Slow { digest: *digest, seconds: limit.as_secs() };
    let (content, size) =
        timeout(answer, request(connection, digest)).await.map_err(|_| slow(answer))??;
    if size_max < size {
        return Err(FetchError::TooLarge { digest: *digest, size, size_max });
    }
    let limit = answer.saturating_add(Duration::from_secs(size / BYTES_PER_SECOND_MIN));
    let taking = async {
        let (end, bytes) =
            content.concatenate_into_vec().await.map_err(|error| broken(digest, &error))?;
        let fsm::EndBlobNext::Closing(closing) = end.next() else {
            return Err(FetchError::Corrupt { digest: *digest });
        };
        closing.next().await.map_err(|error| lost(digest, &error))?;
        Ok(bytes)
    };
    let bytes = timeout(limit, taking).await.map_err(|_| slow(limit))??;
    // The decoder has verified each chunk; this is the counterpart of the hash in `put`.
    assert!(
        Hash::new(&bytes).as_bytes() == digest.as_bytes(),
        "a verified blob has the requested digest"
    );
    Ok(bytes)
}

async fn respond(mut pair: StreamPair, blob_store: Arc<BlobStore>, answer: Duration) {
    let request = match timeout(answer, pair.read_request()).await {
        Ok(Ok(Request::Get(request))) if request.ranges.is_blob() => request,
        // Dropping the pair finishes our half of the stream; the peer reads "not found".
        _ => return tracing::debug!("a peer requested something other than a blob"),
    };
    let digest = Digest::from_bytes(*request.hash.as_bytes());
    let Some(store) = blob_store.store(&digest) else {
        return tracing::debug!(%digest, "a peer requested a blob that is not published");
    };
    if let Err(error) = provider::handle_get(pair, store.into(), request).await {
        tracing::debug!(%digest, %error, "a peer did not read the whole blob");
    }
}

async fn request(
    connection: &Connection,
    digest: &Digest,
) -> Result<(fsm::AtBlobContent, u64), FetchError> {
    let request = GetRequest::blob(Hash::from_bytes(*digest.as_bytes()));
    let initial = fsm::start(connection.clone(), request, Default::default());
    let connected = initial.next().await.map_err(|error| lost(digest, &error))?;
    let next = connected.next().await.map_err(|error| lost(digest, &error))?;
    let fsm::ConnectedNext::StartRoot(start) = next else {
        return Err(FetchError::Corrupt { digest: *digest });
    };
    start.next().next().await.map_err(|error| match error {
        fsm::AtBlobHeaderNextError::NotFound { .. } => FetchError::NotFound { digest: *digest },
        error => lost(digest, &error),
    })
}

fn broken(digest: &Digest, error: &DecodeError) -> FetchError {
    match error {
        DecodeError::ChunkNotFound { .. }
        | DecodeError::ParentNotFound { .. }
        | DecodeError::LeafNotFound { .. } => FetchError::NotFound { digest: *digest },
        DecodeError::ParentHashMismatch { .. } | DecodeError::LeafHashMismatch { .. } => {
            FetchError::Corrupt { digest: *digest }
        }
        error => lost(digest, error),
    }
}

fn lost(digest: &Digest, error: &dyn std::error::Error) -> FetchError {
    FetchError::Lost { digest: *digest, reason: chain(error) }
}
