//! The coordinator's side.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::timeout,
};
use transport::{
    Boxed, Event, FetchError, Flow, Limits, Listener, PublishError, SendError, TO_WORKER_SIZE_MAX,
    Traffic,
    message::{ToCoordinator, ToWorker},
    parts::{Admission, BlobStore, Inbox, Met, Place, QUEUE_MAX, Reader, encode},
};
use units::{DeviceId, Digest};

use super::{
    Ports,
    blob::{self, Fetch},
    link::{End, Link, Receiver, Sender, Side},
};

/// A listener in memory.
#[derive(Debug)]
pub(super) struct MemoryListener {
    shared: Arc<Shared>,
    ports: Ports,
}

/// What the sessions of a listener share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) device: DeviceId,
    pub(super) address: SocketAddr,
    pub(super) limits: Limits,
    admission: Arc<Admission>,
    pub(super) blobs: BlobStore,
    peers: Mutex<BTreeMap<DeviceId, Peer>>,
    inbox: Inbox<Event>,
    traffic: Mutex<Traffic>,
    sessions: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Peer {
    link: Arc<Link>,
    /// What the worker serves.
    blobs: Arc<BlobStore>,
    /// Dropped to end the session once the queue is empty.
    outbox: Option<mpsc::Sender<(ToWorker, usize)>>,
    /// Resolves when the session has reported its end.
    ended: oneshot::Receiver<()>,
}

/// A worker that connects.
pub(super) struct Guest {
    pub(super) device: DeviceId,
    pub(super) link: Arc<Link>,
    pub(super) blobs: Arc<BlobStore>,
    pub(super) from: Receiver<ToCoordinator>,
    pub(super) to: Sender<ToWorker>,
    pub(super) places: Vec<Place>,
}

impl Shared {
    pub(super) fn new(device: DeviceId, address: SocketAddr, limits: Limits) -> Self {
        Self {
            device,
            address,
            limits,
            admission: Arc::new(Admission::new(limits)),
            blobs: BlobStore::new(limits.published_size_max),
            peers: Mutex::default(),
            inbox: Inbox::new(),
            traffic: Mutex::default(),
            sessions: Mutex::default(),
        }
    }

    pub(super) fn host(&self) -> IpAddr {
        self.address.ip()
    }

    /// Gives a place to one connection of a device.
    ///
    /// # Errors
    /// Why there is none, in the words of the real endpoint.
    pub(super) fn place(&self, from: SocketAddr, device: DeviceId) -> Result<Place, String> {
        let Met::Welcome(place) = self.admission.meet(from, true) else {
            return Err("the server refused to accept a new connection".to_owned());
        };
        place.identify(device).map_err(|turned| End::Refused(turned.to_string()).describe())?;
        Ok(place)
    }

    /// Returns what a device may read.
    pub(super) fn reader(&self, device: &DeviceId) -> Reader {
        match self.admission.is_admitted(device) {
            true => Reader::Entitled,
            false => Reader::Stranger,
        }
    }

    /// Starts a task that ends with the listener.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut sessions = self.sessions();
        while sessions.try_join_next().is_some() {}
        sessions.spawn(task);
    }

    /// Counts what was transferred.
    pub(super) fn count(
        &self,
        flow: impl FnOnce(&mut Traffic) -> &mut Flow,
        sent: usize,
        received: usize,
    ) {
        let mut traffic = self.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        let flow = flow(&mut traffic);
        let size = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        flow.sent = flow.sent.saturating_add(size(sent));
        flow.received = flow.received.saturating_add(size(received));
    }

    fn peers(&self) -> MutexGuard<'_, BTreeMap<DeviceId, Peer>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sessions(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Exchanges messages with a worker until the connection ends.
    pub(super) async fn receive(self: Arc<Self>, guest: Guest) {
        let (device, link) = (guest.device, Arc::clone(&guest.link));
        let serving = self.serve(guest);
        tokio::pin!(serving);
        tokio::select! {
            biased;
            () = &mut serving => return,
            () = self.admission.outstayed(&device) => {
                link.close(Side::Coordinator, End::Refused("this device has no seat".to_owned()));
            }
        }
        serving.await;
    }

    async fn serve(&self, guest: Guest) {
        let Guest { device, link, blobs, from, to, places } = guest;
        let (outbox, queue) = mpsc::channel(QUEUE_MAX);
        let (ending, ended) = oneshot::channel();
        let peer = Peer { link: Arc::clone(&link), blobs, outbox: Some(outbox), ended };
        let older = self.peers().insert(device, peer);
        if let Some(older) = older {
            older.link.close(Side::Coordinator, End::Replaced);
            // Its `Disconnected` must come before our `Connected`. An error also means that the session has ended.
            let _ended = older.ended.await;
        }
        if self.inbox.put(device, Event::Connected { device }, 0).await.is_ok() {
            let reason = self.exchange(&link, device, from, (to, queue)).await;
            self.remove(&device, &link);
            // This fails only if the caller has stopped reading.
            let _put = self.inbox.put(device, Event::Disconnected { device, reason }, 0).await;
        }
        drop((ending, places));
    }

    /// Removes a device, unless it has connected again.
    fn remove(&self, device: &DeviceId, link: &Arc<Link>) {
        let mut peers = self.peers();
        if peers.get(device).is_some_and(|peer| Arc::ptr_eq(&peer.link, link)) {
            peers.remove(device);
        }
    }

    /// Moves messages both ways until the stream ends; returns the reason.
    async fn exchange(
        &self,
        link: &Arc<Link>,
        device: DeviceId,
        mut from: Receiver<ToCoordinator>,
        (to, mut queue): (Sender<ToWorker>, mpsc::Receiver<(ToWorker, usize)>),
    ) -> String {
        let listening = async {
            while let Some((message, size)) = from.read().await? {
                self.count(|traffic| &mut traffic.control, 0, size);
                // When the caller has stopped reading, the stream is read further, so that the worker can finish it.
                let _put = self.inbox.put(device, Event::Message { device, message }, size).await;
            }
            Ok(())
        };
        let talking = async {
            while let Some((message, size)) = queue.recv().await {
                to.write(message, size).await?;
                self.count(|traffic| &mut traffic.control, size, 0);
            }
            to.finish();
            // The worker closes once it has read everything.
            let _closed = timeout(self.limits.answer, link.ended(Side::Coordinator)).await;
            Ok(())
        };
        let result: Result<(), End> = tokio::select! {
            biased;
            result = listening => result,
            result = talking => result,
        };
        match result {
            Ok(()) => {
                link.close(Side::Coordinator, End::Done);
                "left".to_owned()
            }
            Err(end) => end.describe(),
        }
    }

    /// Closes all connections.
    fn end(&self) {
        for peer in self.peers().values() {
            peer.link.close(Side::Coordinator, End::Done);
        }
    }

    async fn close(&self) {
        // Nobody reads events any more, so sessions must not wait for space in the queue.
        self.inbox.close();
        let links: Vec<Arc<Link>> = self
            .peers()
            .values_mut()
            .map(|peer| {
                peer.outbox = None;
                Arc::clone(&peer.link)
            })
            .collect();
        let all = async {
            for link in &links {
                link.ended(Side::Coordinator).await;
            }
        };
        if timeout(self.limits.answer, all).await.is_err() {
            tracing::debug!("a worker did not read its last messages in time");
        }
        self.end();
        let sessions = std::mem::take(&mut *self.sessions());
        sessions.join_all().await;
        self.inbox.end();
    }
}

impl MemoryListener {
    pub(super) fn new(shared: Arc<Shared>, ports: Ports) -> Self {
        Self { shared, ports }
    }
}

impl Drop for MemoryListener {
    fn drop(&mut self) {
        self.ports.release(&self.shared);
        self.shared.end();
        self.shared.sessions().abort_all();
    }
}

impl Listener for MemoryListener {
    fn device(&self) -> DeviceId {
        self.shared.device
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        vec![self.shared.address]
    }

    fn next_event(&self) -> Boxed<'_, Option<Event>> {
        Box::pin(self.shared.inbox.next())
    }

    fn admit(&self, device: &DeviceId) {
        self.shared.admission.admit(*device);
    }

    fn retain_admitted(&self, keep: &BTreeSet<DeviceId>) {
        self.shared.admission.retain(keep);
    }

    fn send(&self, device: &DeviceId, message: &ToWorker) -> Result<(), SendError> {
        let size = encode(message, TO_WORKER_SIZE_MAX)?.len();
        let peers = self.shared.peers();
        let peer = peers.get(device);
        let outbox = peer.and_then(|peer| peer.outbox.as_ref().map(|outbox| (peer, outbox)));
        let Some((peer, outbox)) = outbox else {
            return Err(SendError::NotConnected { device: *device });
        };
        match outbox.try_send((message.clone(), size)) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => {
                Err(SendError::NotConnected { device: *device })
            }
            Err(mpsc::error::TrySendError::Full(_)) => {
                let reason = "messages are not read".to_owned();
                peer.link.close(Side::Coordinator, End::Refused(reason));
                Err(SendError::Slow { device: *device, waiting: QUEUE_MAX })
            }
        }
    }

    fn connected(&self) -> BTreeSet<DeviceId> {
        self.shared.peers().keys().copied().collect()
    }

    fn publish(&self, bytes: Vec<u8>) -> Boxed<'_, Result<Digest, PublishError>> {
        Box::pin(async { self.shared.blobs.put(bytes) })
    }

    fn publish_openly(&self, bytes: Vec<u8>) -> Boxed<'_, Result<Digest, PublishError>> {
        Box::pin(async {
            let digest = self.shared.blobs.put(bytes)?;
            self.shared.blobs.open(digest);
            Ok(digest)
        })
    }

    fn retain(&self, keep: &BTreeSet<Digest>) {
        self.shared.blobs.retain(keep);
    }

    fn fetch_from<'a>(
        &'a self,
        device: &'a DeviceId,
        digest: &'a Digest,
        size_max: u64,
    ) -> Boxed<'a, Result<Vec<u8>, FetchError>> {
        Box::pin(async move {
            let peer = self
                .shared
                .peers()
                .get(device)
                .map(|peer| (Arc::clone(&peer.link), Arc::clone(&peer.blobs)));
            let Some((link, blobs)) = peer else {
                return Err(FetchError::NotConnected { device: *device });
            };
            let fetch = Fetch { digest, size_max, answer: self.shared.limits.answer };
            let find = || blobs.blob(digest, Reader::Entitled);
            let bytes = blob::fetch(&link, Side::Coordinator, fetch, &find).await?;
            self.shared.count(|traffic| &mut traffic.evidence, 0, bytes.len());
            Ok(bytes)
        })
    }

    fn traffic(&self) -> Traffic {
        *self.shared.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) -> Boxed<'_, ()> {
        Box::pin(async {
            self.shared.close().await;
            self.ports.release(&self.shared);
        })
    }
}
