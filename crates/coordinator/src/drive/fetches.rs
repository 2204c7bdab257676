//! Blobs on their way from workers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::task::JoinSet;
use transport::CoordinatorEndpoint;
use units::{DeviceId, Digest};

/// How long a device has to deliver something once asked.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks that may fail before a device is given up on for this blob.
const TRIES_MAX: u32 = 3;

/// What was asked of devices, and what came.
#[derive(Default)]
pub(super) struct Fetches {
    running: JoinSet<(DeviceId, Digest, Option<Vec<u8>>)>,
    asked: BTreeSet<Digest>,
    failed: BTreeMap<Digest, u32>,
    arrived: BTreeMap<Digest, Vec<u8>>,
}

impl Fetches {
    /// Asks a device for a blob, unless it was asked, has delivered, or has failed too often.
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

    /// Waits until something has arrived or failed.
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

    /// What arrived under a digest.
    pub(super) fn get(&self, digest: &Digest) -> Option<&Vec<u8>> {
        self.arrived.get(digest)
    }

    /// True when the device has failed too often.
    pub(super) fn is_lost(&self, digest: &Digest) -> bool {
        self.failed.get(digest).is_some_and(|failures| *failures >= TRIES_MAX)
    }

    /// Counts a blob as lost at once: its device is not on the line.
    pub(super) fn give_up(&mut self, digest: Digest) {
        self.failed.insert(digest, TRIES_MAX);
    }

    /// Forgets everything but what is in `keep`.
    pub(super) fn retain(&mut self, keep: &BTreeSet<Digest>) {
        self.arrived.retain(|digest, _| keep.contains(digest));
        self.failed.retain(|digest, _| keep.contains(digest));
    }
}
