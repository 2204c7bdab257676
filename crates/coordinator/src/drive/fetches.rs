//! Fetches of blobs from workers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::task::JoinSet;
use transport::CoordinatorEndpoint;
use units::{DeviceId, Digest};

/// Time limit of a device to deliver a requested blob.
const PATIENCE: Duration = Duration::from_secs(20);

/// Number of failed requests after which a blob counts as lost.
const TRIES_MAX: u32 = 3;

/// Requested and received blobs.
#[derive(Default)]
pub(super) struct Fetches {
    running: JoinSet<(DeviceId, Digest, Option<Vec<u8>>)>,
    asked: BTreeSet<Digest>,
    failed: BTreeMap<Digest, u32>,
    arrived: BTreeMap<Digest, Vec<u8>>,
}

impl Fetches {
    /// Requests a blob from a device, unless it is already requested, received, or lost.
    pub(super) fn ask(
        &mut self,
        endpoint: &Arc<CoordinatorEndpoint>,
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
            let fetched =
                tokio::time::timeout(PATIENCE, endpoint.fetch_from(&device, &digest, size_max))
                    .await;
            let bytes = match fetched {
                Ok(Ok(bytes)) => Some(bytes),
                Ok(Err(error)) => {
                    tracing::info!(%device, %error, "a worker did not deliver");
                    None
                }
                Err(_) => None,
            };
            (device, digest, bytes)
        });
    }

    /// Waits until a request has ended.
    pub(super) async fn arrived(&mut self) {
        match self.running.join_next().await {
            None => std::future::pending().await,
            Some(Err(error)) => tracing::error!(%error, "a fetch panicked"),
            Some(Ok((_, digest, bytes))) => {
                self.asked.remove(&digest);
                match bytes {
                    Some(bytes) => {
                        self.arrived.insert(digest, bytes);
                    }
                    None => *self.failed.entry(digest).or_default() += 1,
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
