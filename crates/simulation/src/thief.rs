//! A coordinator that wants updates for nothing: it brings no commitment to the ledger, and asks each device for its update as
//! soon as it knows the digest.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use abi::TrainingRuns::commitCall;
use alloy_sol_types::SolCall as _;
use ledger_views::{ready, runs};
use transport::{
    BindError, Boxed, ConnectError, Connection, Dial, Event, FetchError, FetchOnceError, Limits,
    Listener, Network, PublishError, SendError, Traffic,
    message::{ToCoordinator, ToWorker},
};
use units::{DeviceId, Digest};

use crate::node_host::NodeHost;

/// Largest update that is asked for.
const SIZE_MAX: u64 = 1 << 20;

/// What was had although its commitment was in no block.
pub(crate) type Loot = Arc<Mutex<Vec<(DeviceId, String)>>>;

/// The network as a dishonest coordinator sees it.
#[derive(Debug)]
pub(crate) struct ThiefNetwork {
    pub(crate) inner: Arc<dyn Network>,
    pub(crate) node_host: Arc<NodeHost>,
    pub(crate) loot: Loot,
}

impl Network for ThiefNetwork {
    fn listen(
        &self,
        secret: [u8; 32],
        listen: SocketAddr,
        limits: Limits,
    ) -> Boxed<'_, Result<Box<dyn Listener>, BindError>> {
        Box::pin(async move {
            let inner = self.inner.listen(secret, listen, limits).await?;
            let (node_host, loot) = (Arc::clone(&self.node_host), Arc::clone(&self.loot));
            let thief = Thief { inner: inner.into(), node_host, loot };
            Ok(Box::new(thief) as Box<dyn Listener>)
        })
    }

    fn connect(
        &self,
        dial: Dial,
        limits: Limits,
    ) -> Boxed<'_, Result<Box<dyn Connection>, ConnectError>> {
        self.inner.connect(dial, limits)
    }

    fn fetch_once<'a>(
        &'a self,
        dial: Dial,
        limits: Limits,
        digest: &'a Digest,
        size_max: u64,
    ) -> Boxed<'a, Result<Vec<u8>, FetchOnceError>> {
        self.inner.fetch_once(dial, limits, digest, size_max)
    }
}

#[derive(Clone, Debug)]
struct Thief {
    inner: Arc<dyn Listener>,
    node_host: Arc<NodeHost>,
    loot: Loot,
}

impl Thief {
    /// Asks for the update of a commitment that no node has yet.
    async fn steal(self, device: DeviceId, commit: commitCall) {
        let update = Digest::from_bytes(commit.update.0);
        let is_had = self.inner.fetch_from(&device, &update, SIZE_MAX).await.is_ok();
        if is_had && self.is_uncommitted(&commit, &update) == Some(true) {
            let (run, round) = (commit.run, commit.round);
            let words = format!("{device} gave its update of run {run}, round {round} for nothing");
            self.loot.lock().unwrap_or_else(PoisonError::into_inner).push((device, words));
        }
    }

    /// Returns whether the ledger does not have the commitment; `None` while the node is down.
    fn is_uncommitted(&self, commit: &commitCall, update: &Digest) -> Option<bool> {
        let node = self.node_host.node()?;
        let local = node.local().ok()?;
        let entries = ready(runs::entries(&local, commit.run, commit.round)).ok()?;
        Some(!entries.iter().any(|entry| entry.commitment.update == *update))
    }
}

impl Listener for Thief {
    fn next_event(&self) -> Boxed<'_, Option<Event>> {
        Box::pin(async move {
            loop {
                let event = self.inner.next_event().await;
                let Some(Event::Message { device, message: ToCoordinator::Statement(call) }) =
                    &event
                else {
                    return event;
                };
                match commitCall::abi_decode(call) {
                    // Whoever waits for events must not wait for it, nor stop it.
                    Ok(commit) => drop(tokio::spawn(self.clone().steal(*device, commit))),
                    Err(_) => return event,
                }
            }
        })
    }

    fn device(&self) -> DeviceId {
        self.inner.device()
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        self.inner.addresses()
    }

    fn admit(&self, device: &DeviceId) {
        self.inner.admit(device);
    }

    fn retain_admitted(&self, keep: &BTreeSet<DeviceId>) {
        self.inner.retain_admitted(keep);
    }

    fn send(&self, device: &DeviceId, message: &ToWorker) -> Result<(), SendError> {
        self.inner.send(device, message)
    }

    fn connected(&self) -> BTreeSet<DeviceId> {
        self.inner.connected()
    }

    fn publish(&self, bytes: Vec<u8>) -> Boxed<'_, Result<Digest, PublishError>> {
        self.inner.publish(bytes)
    }

    fn publish_openly(&self, bytes: Vec<u8>) -> Boxed<'_, Result<Digest, PublishError>> {
        self.inner.publish_openly(bytes)
    }

    fn retain(&self, keep: &BTreeSet<Digest>) {
        self.inner.retain(keep);
    }

    fn fetch_from<'a>(
        &'a self,
        device: &'a DeviceId,
        digest: &'a Digest,
        size_max: u64,
    ) -> Boxed<'a, Result<Vec<u8>, FetchError>> {
        self.inner.fetch_from(device, digest, size_max)
    }

    fn traffic(&self) -> Traffic {
        self.inner.traffic()
    }

    fn close(&self) -> Boxed<'_, ()> {
        self.inner.close()
    }
}
