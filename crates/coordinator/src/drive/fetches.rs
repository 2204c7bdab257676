//! Fetches of blobs from workers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use transport::{FetchError, Listener};
use units::{DeviceId, Digest};

/// Time limit of a device to deliver a requested blob.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a device may take to serve an update whose commitment is in a block: it serves it only once it has seen that.
const SERVING_MAX: Duration = Duration::from_secs(10);
/// First pause between two requests meanwhile; each later one is twice as long.
const SERVING_PAUSE_MIN: Duration = Duration::from_millis(2);
const SERVING_PAUSE_MAX: Duration = Duration::from_millis(100);

/// Number of failed requests after which a blob counts as lost.
const TRIES_MAX: u32 = 3;

/// How a request ended.
enum Delivery {
    Arrived(Vec<u8>),
    /// It may be repeated.
    Failed,
    /// The device does not serve the blob.
    Missing,
}

/// Requested and received blobs.
#[derive(Default)]
pub(super) struct Fetches {
    running: JoinSet<(Digest, Delivery)>,
    asked: BTreeSet<Digest>,
    failed: BTreeMap<Digest, u32>,
    arrived: BTreeMap<Digest, Vec<u8>>,
}

impl Fetches {
    /// Requests a blob from a device, unless it is already requested, received, or lost.
    pub(super) fn ask(
        &mut self,
        endpoint: &Arc<dyn Listener>,
        device: DeviceId,
        digest: Digest,
        size_max: u64,
    ) {
        if self.asked.contains(&digest)
            || self.arrived.contains_key(&digest)
            || self.is_lost(&digest)
        {
            return;
        }
        self.asked.insert(digest);
        let endpoint = Arc::clone(endpoint);
        self.running.spawn(async move {
            (digest, deliver(endpoint.as_ref(), (&device, &digest), size_max).await)
        });
    }

    /// Waits until a request has ended.
    pub(super) async fn arrived(&mut self) {
        match self.running.join_next().await {
            None => std::future::pending().await,
            Some(Err(error)) => tracing::error!(%error, "a fetch panicked"),
            Some(Ok((digest, delivery))) => {
                self.asked.remove(&digest);
                match delivery {
                    Delivery::Arrived(bytes) => {
                        self.arrived.insert(digest, bytes);
                    }
                    Delivery::Failed => *self.failed.entry(digest).or_default() += 1,
                    Delivery::Missing => self.give_up(digest),
                }
            }
        }
    }

    /// Returns the received blob with a digest.
    pub(super) fn get(&self, digest: &Digest) -> Option<&Vec<u8>> {
        self.arrived.get(digest)
    }

    /// Returns whether the blob is lost.
    pub(super) fn is_lost(&self, digest: &Digest) -> bool {
        self.failed.get(digest).is_some_and(|failures| *failures >= TRIES_MAX)
    }

    /// Counts a blob as lost: its device is not connected.
    pub(super) fn give_up(&mut self, digest: Digest) {
        self.failed.insert(digest, TRIES_MAX);
    }

    /// Removes all blobs that are not in `keep`.
    pub(super) fn retain(&mut self, keep: &BTreeSet<Digest>) {
        self.arrived.retain(|digest, _| keep.contains(digest));
        self.failed.retain(|digest, _| keep.contains(digest));
    }
}

/// Fetches a blob; asks again while the device does not serve it yet.
async fn deliver(
    endpoint: &dyn Listener,
    (device, digest): (&DeviceId, &Digest),
    size_max: u64,
) -> Delivery {
    let deadline = Instant::now() + SERVING_MAX;
    let mut pause = SERVING_PAUSE_MIN;
    loop {
        let fetching = endpoint.fetch_from(device, digest, size_max);
        match timeout(PATIENCE, fetching).await {
            Ok(Ok(bytes)) => return Delivery::Arrived(bytes),
            Ok(Err(FetchError::NotFound { .. })) if Instant::now() < deadline => {
                sleep(pause).await;
                pause = pause.saturating_mul(2).min(SERVING_PAUSE_MAX);
            }
            Ok(Err(error)) => {
                tracing::info!(%device, %error, "a worker did not deliver");
                if matches!(error, FetchError::NotFound { .. }) {
                    return Delivery::Missing;
                }
                // The device may connect again.
                sleep(SERVING_PAUSE_MAX).await;
                return Delivery::Failed;
            }
            Err(_) => return Delivery::Failed,
        }
    }
}
