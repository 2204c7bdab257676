//! The coordinator's endpoint, which accepts connections.

use std::{
    collections::{BTreeMap, BTreeSet},
    marker::PhantomData,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use iroh::{
    Endpoint,
    endpoint::{Connection, Incoming, IncomingAddr, RecvStream, SendStream, VarInt},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::timeout,
};
use units::{DeviceId, Digest};

use crate::{
    admission::{Admission, Met, Place},
    blob::{self, BlobStore, FetchError, PublishError},
    endpoint::{
        self, BLOBS_ALPN, BindError, Bound, Boxed, CONTROL_ALPN, DONE, EVIDENCE_ALPN, FETCH_WINDOW,
        MESSAGE_WINDOW, QUEUE_MAX, REPLACED, Task, chain, describe, refuse,
    },
    frame::{self, FrameError, SendError, TO_COORDINATOR_SIZE_MAX, TO_WORKER_SIZE_MAX},
    inbox::Inbox,
    limits::Limits,
    message::{ToCoordinator, ToWorker},
    pace::Bucket,
    traffic::{Class, Meter, Traffic},
};

/// An event of a device. For one device, `Connected` and `Disconnected` alternate and messages come between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<In = ToCoordinator> {
    /// The device is connected: messages can be sent to it and blobs fetched from it.
    Connected {
        /// The device, authenticated by the handshake.
        device: DeviceId,
    },
    /// The device sent a message.
    Message {
        /// The device, authenticated by the handshake.
        device: DeviceId,
        /// The message.
        message: In,
    },
    /// The device is disconnected.
    Disconnected {
        /// The device, authenticated by the handshake.
        device: DeviceId,
        /// The reason, as text.
        reason: String,
    },
}

/// Accepts connections from workers, exchanges messages and blobs with them.
///
/// `In` is the type of messages from workers, `Out` of messages to them.
#[derive(Debug)]
pub struct CoordinatorEndpoint<In = ToCoordinator, Out = ToWorker> {
    endpoint: Bound,
    shared: Arc<Shared>,
    inbox: Arc<Inbox<Event<In>>>,
    /// Until the endpoint is closed.
    accepting: Mutex<Option<Task>>,
    says: PhantomData<fn(Out)>,
}

impl<In: DeserializeOwned + Send + 'static, Out: Serialize> CoordinatorEndpoint<In, Out> {
    /// Listens on `listen` (port 0: any free one) under the identity of the ed25519 key `secret`.
    ///
    /// # Errors
    /// [`BindError`] when the address is not available.
    pub async fn bind(
        secret: [u8; 32],
        listen: SocketAddr,
        limits: Limits,
    ) -> Result<Self, BindError> {
        let alpns = [CONTROL_ALPN, EVIDENCE_ALPN, BLOBS_ALPN].map(<[u8]>::to_vec).to_vec();
        let endpoint = endpoint::bind(&secret, &[listen], alpns, (&limits, MESSAGE_WINDOW)).await?;
        let inbox = Arc::new(Inbox::new());
        let shared = Arc::new(Shared {
            limits,
            admission: Arc::new(Admission::new(limits)),
            peers: Mutex::default(),
            blob_store: Arc::new(BlobStore::new(limits.published_size_max)),
            meter: Arc::default(),
        });
        let accepting =
            Task::spawn(accept((*endpoint).clone(), Arc::clone(&shared), Arc::clone(&inbox)));
        let accepting = Mutex::new(Some(accepting));
        Ok(Self { endpoint, shared, inbox, accepting, says: PhantomData })
    }

    /// Returns the public key of this coordinator.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        endpoint::device(self.endpoint.id())
    }

    /// Returns the sockets it listens on, with their actual ports.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.endpoint.bound_sockets()
    }

    /// Waits for the next event; returns `None` once the endpoint is closed. For one reader; may be cancelled
    /// without losing an event. Devices have equal shares: one that sends much does not delay the others.
    pub async fn next_event(&self) -> Option<Event<In>> {
        self.inbox.next().await
    }

    /// Serves blobs to a device, and keeps room for its connections: it takes part. Other devices are strangers and
    /// are disconnected after [`Limits::stranger`].
    pub fn admit(&self, device: &DeviceId) {
        self.shared.admission.admit(*device);
    }

    /// Makes strangers of all devices that are not in `keep`.
    pub fn retain_admitted(&self, keep: &BTreeSet<DeviceId>) {
        self.shared.admission.retain(keep);
    }

    /// Queues a message for the device, without waiting.
    ///
    /// # Errors
    /// [`SendError`]; [`SendError::Slow`] also closes the connection.
    pub fn send(&self, device: &DeviceId, message: &Out) -> Result<(), SendError> {
        let bytes = frame::encode(message, TO_WORKER_SIZE_MAX)?;
        let peers = self.shared.lock();
        let outbox = peers
            .get(device)
            .and_then(|peer| peer.control.as_ref()?.outbox.as_ref().map(|outbox| (peer, outbox)));
        let Some((peer, outbox)) = outbox else {
            return Err(SendError::NotConnected { device: *device });
        };
        match outbox.try_send(bytes) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => {
                Err(SendError::NotConnected { device: *device })
            }
            Err(mpsc::error::TrySendError::Full(_)) => {
                if let Some(control) = &peer.control {
                    refuse(&control.connection, "messages are not read");
                }
                Err(SendError::Slow { device: *device, waiting: QUEUE_MAX })
            }
        }
    }

    /// Closes the device's connection once all messages queued for it are delivered.
    pub fn disconnect(&self, device: &DeviceId) {
        let mut peers = self.shared.lock();
        if let Some(control) = peers.get_mut(device).and_then(|peer| peer.control.as_mut()) {
            control.outbox = None;
        }
    }

    /// Returns the connected devices.
    #[must_use]
    pub fn connected(&self) -> BTreeSet<DeviceId> {
        let peers = self.shared.lock();
        peers.iter().filter(|(_, peer)| peer.control.is_some()).map(|(device, _)| *device).collect()
    }

    /// Serves `bytes` to admitted devices that request their digest, until [`Self::retain`] or [`Self::unpublish`] removes them.
    ///
    /// # Errors
    /// [`PublishError`] above [`Limits::published_size_max`].
    pub async fn publish(&self, bytes: Vec<u8>) -> Result<Digest, PublishError> {
        self.shared.blob_store.publish(bytes).await
    }

    /// Serves `bytes` to anyone who requests their digest, for as long as the endpoint is open: what a device must read
    /// before it decides to take part. Anyone may request them again and again, so they should be few.
    ///
    /// # Errors
    /// [`PublishError`] above [`Limits::published_size_max`].
    pub async fn publish_openly(&self, bytes: Vec<u8>) -> Result<Digest, PublishError> {
        let digest = self.shared.blob_store.publish(bytes).await?;
        self.shared.blob_store.open(digest);
        Ok(digest)
    }

    /// Stops serving all blobs that are not in `keep`, and not published openly.
    pub fn retain(&self, keep: &BTreeSet<Digest>) {
        self.shared.blob_store.retain(keep);
    }

    /// Stops serving `digest`.
    pub fn unpublish(&self, digest: &Digest) {
        self.shared.blob_store.remove(digest);
    }

    /// Fetches a blob that the device serves and verifies it against `digest`; refuses it unread when larger than
    /// `size_max` bytes.
    ///
    /// # Errors
    /// [`FetchError`], in bounded time.
    pub async fn fetch_from(
        &self,
        device: &DeviceId,
        digest: &Digest,
        size_max: u64,
    ) -> Result<Vec<u8>, FetchError> {
        let connection = self.shared.lock().get(device).and_then(|peer| peer.evidence.clone());
        let Some(connection) = connection else {
            return Err(FetchError::NotConnected { device: *device });
        };
        connection.set_receive_window(VarInt::from_u32(FETCH_WINDOW));
        let rate = Bucket::default();
        blob::fetch(&connection, digest, size_max, (self.shared.limits.answer, &rate)).await
    }

    /// Returns the number of bytes transferred since the endpoint was bound.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.shared.meter.traffic()
    }

    /// Delivers queued messages, then closes all connections. The port is free once the endpoint is dropped; on a busy
    /// machine the socket may exist a moment longer.
    pub async fn close(&self) {
        let Self { endpoint, shared, inbox, accepting, .. } = self;
        // Nobody reads events any more, so sessions must not wait for space in the queue.
        inbox.close();
        for peer in shared.lock().values_mut() {
            if let Some(control) = &mut peer.control {
                control.outbox = None;
            }
        }
        let flushed: Vec<Connection> = shared
            .lock()
            .values()
            .filter_map(|peer| peer.control.as_ref())
            .map(|control| control.connection.clone())
            .collect();
        let all = async {
            for connection in &flushed {
                connection.closed().await;
            }
        };
        if timeout(shared.limits.answer, all).await.is_err() {
            tracing::debug!("a worker did not read its last messages in time");
        }
        drop(flushed);
        endpoint.close().await;
        let accepting = accepting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut accepting) = accepting {
            accepting.ended().await;
        }
    }
}

/// State shared by the sessions and the endpoint.
#[derive(Debug)]
struct Shared {
    limits: Limits,
    admission: Arc<Admission>,
    peers: Mutex<BTreeMap<DeviceId, Peer>>,
    blob_store: Arc<BlobStore>,
    meter: Arc<Meter>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<DeviceId, Peer>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the entry of a device and removes it when it is empty.
    fn update<T>(&self, device: &DeviceId, change: impl FnOnce(&mut Peer) -> T) -> T {
        let mut peers = self.lock();
        let peer = peers.entry(*device).or_default();
        let result = change(peer);
        if peer.control.is_none() && peer.evidence.is_none() {
            peers.remove(device);
        }
        result
    }
}

#[derive(Debug, Default)]
struct Peer {
    control: Option<Control>,
    evidence: Option<Connection>,
}

#[derive(Debug)]
struct Control {
    connection: Connection,
    /// Dropped to end the session once the queue is empty.
    outbox: Option<mpsc::Sender<Vec<u8>>>,
    /// Resolves when the session has reported its end.
    ended: oneshot::Receiver<()>,
}

async fn accept<In: DeserializeOwned + Send + 'static>(
    endpoint: Endpoint,
    shared: Arc<Shared>,
    inbox: Arc<Inbox<Event<In>>>,
) {
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            incoming = endpoint.accept() => {
                let Some(incoming) = incoming else { break };
                if let Some((incoming, place)) = meet(incoming, &shared.admission) {
                    sessions.spawn(session(incoming, place, Arc::clone(&shared), Arc::clone(&inbox)));
                }
            },
            Some(_) = sessions.join_next() => {}
        }
    }
    // The endpoint is closed, so every connection is closed, and no session waits for anyone but the caller.
    sessions.join_all().await;
    inbox.end();
}

/// Returns the place of a connection that may begin its handshake; answers the others.
fn meet(incoming: Incoming, admission: &Arc<Admission>) -> Option<(Incoming, Place)> {
    let IncomingAddr::Ip(from) = incoming.remote_addr() else {
        incoming.refuse();
        return None;
    };
    match admission.meet(from, incoming.remote_addr_validated()) {
        Met::Welcome(place) => return Some((incoming, place)),
        Met::Unproven => {
            if let Err(error) = incoming.retry() {
                tracing::debug!(%error, "an address was not asked to prove itself");
            }
        }
        Met::Full => incoming.refuse(),
    }
    None
}

async fn session<In: DeserializeOwned>(
    incoming: Incoming,
    place: Place,
    shared: Arc<Shared>,
    inbox: Arc<Inbox<Event<In>>>,
) {
    let Some(connection) = handshake(incoming, shared.limits.answer).await else { return };
    let device = endpoint::device(connection.remote_id());
    if let Err(turned) = place.identify(device) {
        return refuse(&connection, &turned.to_string());
    }
    let serving = serve(&connection, &shared, &inbox);
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => return,
        () = shared.admission.outstayed(&device) => refuse(&connection, "this device has no seat"),
    }
    // It ends, as the connection has, and reports that.
    serving.await;
}

async fn serve<In: DeserializeOwned>(
    connection: &Connection,
    shared: &Arc<Shared>,
    inbox: &Inbox<Event<In>>,
) {
    if connection.alpn() == CONTROL_ALPN {
        let _metered = shared.meter.count(Class::Control, connection);
        control(connection, shared, inbox).await;
    } else if connection.alpn() == EVIDENCE_ALPN {
        let _metered = shared.meter.count(Class::Evidence, connection);
        evidence(connection, shared).await;
    } else {
        assert!(
            connection.alpn() == BLOBS_ALPN,
            "only the three configured protocols are negotiated"
        );
        let _metered = shared.meter.count(Class::Blobs, connection);
        let is_entitled = |device: &DeviceId| shared.admission.is_admitted(device);
        blob::serve(connection, &shared.blob_store, shared.limits.answer, is_entitled).await;
    }
}

fn handshake(incoming: Incoming, answer: Duration) -> Boxed<'static, Option<Connection>> {
    Box::pin(async move {
        match timeout(answer, incoming).await {
            Ok(Ok(connection)) => return Some(connection),
            Ok(Err(error)) => {
                tracing::debug!(error = %chain(&error), "an incoming connection failed")
            }
            Err(_) => tracing::debug!("an incoming connection was not established in time"),
        }
        None
    })
}

/// Keeps the connection for [`CoordinatorEndpoint::fetch_from`].
fn evidence<'a>(connection: &'a Connection, shared: &'a Shared) -> Boxed<'a, ()> {
    Box::pin(keep_evidence(connection, shared))
}

async fn keep_evidence(connection: &Connection, shared: &Shared) {
    let device = endpoint::device(connection.remote_id());
    let older = shared.update(&device, |peer| peer.evidence.replace(connection.clone()));
    if let Some(older) = older {
        older.close(REPLACED, b"");
    }
    let ready = async {
        let mut stream = connection.open_uni().await.ok()?;
        stream.write_all(&[1]).await.ok()?;
        stream.finish().ok()
    };
    if let Ok(Some(())) = timeout(shared.limits.answer, ready).await {
        connection.closed().await;
    } else {
        refuse(connection, "the ready stream was not accepted");
    }
    shared.update(&device, |peer| {
        if peer
            .evidence
            .as_ref()
            .is_some_and(|current| current.stable_id() == connection.stable_id())
        {
            peer.evidence = None;
        }
    });
}

async fn control<In: DeserializeOwned>(
    connection: &Connection,
    shared: &Shared,
    inbox: &Inbox<Event<In>>,
) {
    let (send, receive) = match timeout(shared.limits.answer, opening(connection)).await {
        Ok(Ok(streams)) => streams,
        Ok(Err(reason)) => return refuse(connection, &reason),
        Err(_) => return refuse(connection, "no stream was opened in time"),
    };
    let device = endpoint::device(connection.remote_id());
    let (outbox, queue) = mpsc::channel(QUEUE_MAX);
    let (ending, ended) = oneshot::channel();
    let current = Control { connection: connection.clone(), outbox: Some(outbox), ended };
    if let Some(older) = shared.update(&device, |peer| peer.control.replace(current)) {
        older.connection.close(REPLACED, b"");
        // Its `Disconnected` must come before our `Connected`. An error also means that the session has ended.
        let _ended = older.ended.await;
    }
    if inbox.put(device, Event::Connected { device }, 0).await.is_ok() {
        let reason = exchange_messages(connection, shared, (send, queue), (receive, inbox)).await;
        shared.update(&device, |peer| {
            if peer
                .control
                .as_ref()
                .is_some_and(|control| control.connection.stable_id() == connection.stable_id())
            {
                peer.control = None;
            }
        });
        // This fails only if the caller has stopped reading.
        let _put = inbox.put(device, Event::Disconnected { device, reason }, 0).await;
    }
    drop(ending);
}

/// Accepts the one stream of a control connection.
fn opening(connection: &Connection) -> Boxed<'_, Result<(SendStream, RecvStream), String>> {
    Box::pin(async move {
        let (send, mut receive) = connection.accept_bi().await.map_err(|error| describe(&error))?;
        frame::read_greeting(&mut receive).await.map_err(|error| chain(&error))?;
        Ok((send, receive))
    })
}

/// Moves messages both ways until the stream ends; returns the reason.
async fn exchange_messages<In: DeserializeOwned>(
    connection: &Connection,
    shared: &Shared,
    (mut send, mut queue): (SendStream, mpsc::Receiver<Vec<u8>>),
    (mut receive, inbox): (RecvStream, &Inbox<Event<In>>),
) -> String {
    let result = tokio::select! {
        result = listen(connection, &mut receive, inbox) => result,
        result = talk(&mut send, &mut queue, shared, connection) => result,
    };
    match result {
        Ok(()) => {
            connection.close(DONE, b"");
            "left".to_owned()
        }
        Err(FrameError::Read(_) | FrameError::Write(_)) => match connection.close_reason() {
            Some(error) => describe(&error),
            None => {
                refuse(connection, "the stream was reset");
                "the stream was reset".to_owned()
            }
        },
        Err(error) => {
            refuse(connection, &error.to_string());
            chain(&error)
        }
    }
}

async fn listen<In: DeserializeOwned>(
    connection: &Connection,
    receive: &mut RecvStream,
    inbox: &Inbox<Event<In>>,
) -> Result<(), FrameError> {
    let device = endpoint::device(connection.remote_id());
    while let Some((message, size)) = frame::read(receive, TO_COORDINATOR_SIZE_MAX).await? {
        if inbox.put(device, Event::Message { device, message }, size).await.is_err() {
            // Closing: the stream is read further, so that the worker can finish it while it reads its last messages.
            tracing::debug!(%device, "a message came after the last event read");
        }
    }
    Ok(())
}

async fn talk(
    send: &mut SendStream,
    queue: &mut mpsc::Receiver<Vec<u8>>,
    shared: &Shared,
    connection: &Connection,
) -> Result<(), FrameError> {
    while let Some(bytes) = queue.recv().await {
        frame::write(send, &bytes).await?;
    }
    if send.finish().is_ok() {
        // The worker closes once it has read everything.
        let _closed = timeout(shared.limits.answer, connection.closed()).await;
    }
    Ok(())
}
