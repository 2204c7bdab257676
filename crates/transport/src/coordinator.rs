//! The side that is dialled.

use std::{
    collections::{BTreeMap, BTreeSet},
    marker::PhantomData,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use iroh::{
    Endpoint,
    endpoint::{Connection, Incoming, RecvStream, SendStream},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::timeout,
};
use units::{DeviceId, Digest};

use crate::{
    blob::{self, FetchError, PublishError, Shelf},
    endpoint::{
        self, BLOBS_ALPN, BindError, CONTROL_ALPN, DONE, EVIDENCE_ALPN, QUEUE_MAX, Task, chain,
        describe, refuse,
    },
    frame::{self, FrameError, SendError, TO_COORDINATOR_SIZE_MAX, TO_WORKER_SIZE_MAX},
    limits::Limits,
    message::{ToCoordinator, ToWorker},
    traffic::{Class, Meter, Traffic},
};

/// Connections served at a time, of all devices together; further dials are refused.
const CONNECTIONS_MAX: usize = 1024;

/// Events that wait for the caller; then peers wait.
const EVENTS_MAX: usize = 1024;

/// Something a device did. For one device, `Connected` and `Disconnected` alternate and messages come between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<In = ToCoordinator> {
    /// The device can be sent to and fetched from.
    Connected {
        /// Proven by the handshake.
        device: DeviceId,
    },
    /// The device said something.
    Message {
        /// Proven by the handshake.
        device: DeviceId,
        /// What it said.
        message: In,
    },
    /// The device is gone.
    Disconnected {
        /// Proven by the handshake.
        device: DeviceId,
        /// Why, for people.
        reason: String,
    },
}

/// Listens for workers, speaks to them, serves blobs to them and fetches from them.
///
/// `In` is what workers say, `Out` what they are told.
#[derive(Debug)]
pub struct CoordinatorEndpoint<In = ToCoordinator, Out = ToWorker> {
    endpoint: Endpoint,
    shared: Arc<Shared>,
    events: tokio::sync::Mutex<mpsc::Receiver<Event<In>>>,
    accepting: Task,
    says: PhantomData<fn(Out)>,
}

impl<In: DeserializeOwned + Send + 'static, Out: Serialize> CoordinatorEndpoint<In, Out> {
    /// Listens on `listen` (port 0: any free one), known by the ed25519 key of `secret`.
    ///
    /// # Errors
    /// [`BindError`] when the address can't be had.
    pub async fn bind(
        secret: [u8; 32],
        listen: SocketAddr,
        limits: Limits,
    ) -> Result<Self, BindError> {
        let alpns = [CONTROL_ALPN, EVIDENCE_ALPN, BLOBS_ALPN].map(<[u8]>::to_vec).to_vec();
        let endpoint = endpoint::bind(&secret, &[listen], alpns, &limits).await?;
        let (sender, receiver) = mpsc::channel(EVENTS_MAX);
        let shared = Arc::new(Shared {
            limits,
            peers: Mutex::default(),
            shelf: Arc::new(Shelf::new(limits.published_size_max)),
            meter: Arc::default(),
        });
        let accepting = Task::spawn(accept(endpoint.clone(), Arc::clone(&shared), sender));
        Ok(Self {
            endpoint,
            shared,
            events: tokio::sync::Mutex::new(receiver),
            accepting,
            says: PhantomData,
        })
    }

    /// The key by which workers know this coordinator.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        endpoint::device(self.endpoint.id())
    }

    /// The sockets it listens on, ports filled in.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.endpoint.bound_sockets()
    }

    /// Waits for the next event; `None` once the endpoint is closed. Meant for one reader; may be cancelled without loss.
    pub async fn next_event(&self) -> Option<Event<In>> {
        self.events.lock().await.recv().await
    }

    /// Puts a message into the device's queue, without waiting.
    ///
    /// # Errors
    /// [`SendError`]; [`SendError::Slow`] also ends the connection.
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
                    refuse(&control.connection, "messages are not taken");
                }
                Err(SendError::Slow { device: *device, waiting: QUEUE_MAX })
            }
        }
    }

    /// Ends the device's connection once all messages queued for it are delivered.
    pub fn disconnect(&self, device: &DeviceId) {
        let mut peers = self.shared.lock();
        if let Some(control) = peers.get_mut(device).and_then(|peer| peer.control.as_mut()) {
            control.outbox = None;
        }
    }

    /// Devices connected now.
    #[must_use]
    pub fn connected(&self) -> BTreeSet<DeviceId> {
        let peers = self.shared.lock();
        peers.iter().filter(|(_, peer)| peer.control.is_some()).map(|(device, _)| *device).collect()
    }

    /// Serves `bytes` to anyone who asks for their digest, until [`Self::retain`] or [`Self::unpublish`] takes them away.
    ///
    /// # Errors
    /// [`PublishError`] past [`Limits::published_size_max`].
    pub async fn publish(&self, bytes: Vec<u8>) -> Result<Digest, PublishError> {
        self.shared.shelf.publish(bytes).await
    }

    /// Serves only what is in `keep` from now on.
    pub fn retain(&self, keep: &BTreeSet<Digest>) {
        self.shared.shelf.retain(keep);
    }

    /// Serves `digest` no longer.
    pub fn unpublish(&self, digest: &Digest) {
        self.shared.shelf.remove(digest);
    }

    /// Fetches a blob that the device serves, verified against `digest`; refused unread when larger than `size_max` bytes.
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
        blob::fetch(&connection, digest, size_max, self.shared.limits.answer).await
    }

    /// Bytes moved since the endpoint was bound.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.shared.meter.traffic()
    }

    /// Delivers what is queued, then closes all connections and lets go of the port; on a busy machine its socket may live a moment longer.
    pub async fn close(self) {
        let Self { endpoint, shared, events, mut accepting, .. } = self;
        // Nobody reads events any more: sessions must not wait for room.
        drop(events);
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
            tracing::debug!("a worker did not take its last messages in time");
        }
        drop(flushed);
        endpoint.close().await;
        accepting.ended().await;
    }
}

/// What sessions and the endpoint both use.
#[derive(Debug)]
struct Shared {
    limits: Limits,
    peers: Mutex<BTreeMap<DeviceId, Peer>>,
    shelf: Arc<Shelf>,
    meter: Arc<Meter>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<DeviceId, Peer>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the entry of a device and forgets it when nothing is left of it.
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
    /// Taken away to end the session once it is empty.
    outbox: Option<mpsc::Sender<Vec<u8>>>,
    /// Resolves when the session has reported its end.
    ended: oneshot::Receiver<()>,
}

async fn accept<In: DeserializeOwned + Send + 'static>(
    endpoint: Endpoint,
    shared: Arc<Shared>,
    events: mpsc::Sender<Event<In>>,
) {
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            incoming = endpoint.accept() => match incoming {
                None => break,
                Some(incoming) if CONNECTIONS_MAX <= sessions.len() => incoming.refuse(),
                Some(incoming) => { sessions.spawn(session(incoming, Arc::clone(&shared), events.clone())); }
            },
            Some(_) = sessions.join_next() => {}
        }
    }
    // The endpoint is closed, so every connection is, and no session waits for more than the caller.
    drop(events);
    sessions.join_all().await;
}

async fn session<In: DeserializeOwned>(
    incoming: Incoming,
    shared: Arc<Shared>,
    events: mpsc::Sender<Event<In>>,
) {
    let connection = match timeout(shared.limits.answer, incoming).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return tracing::debug!(error = %chain(&error), "a dial came to nothing"),
        Err(_) => return tracing::debug!("a dial was not finished in time"),
    };
    if connection.alpn() == CONTROL_ALPN {
        let _metered = shared.meter.count(Class::Control, &connection);
        control(&connection, &shared, &events).await;
    } else if connection.alpn() == EVIDENCE_ALPN {
        let _metered = shared.meter.count(Class::Evidence, &connection);
        evidence(&connection, &shared).await;
    } else {
        assert!(
            connection.alpn() == BLOBS_ALPN,
            "only the three protocols asked for are negotiated"
        );
        let _metered = shared.meter.count(Class::Blobs, &connection);
        blob::serve(&connection, &shared.shelf, shared.limits.answer).await;
    }
}

/// Keeps the connection at hand for [`CoordinatorEndpoint::fetch_from`].
async fn evidence(connection: &Connection, shared: &Shared) {
    let device = endpoint::device(connection.remote_id());
    let older = shared.update(&device, |peer| peer.evidence.replace(connection.clone()));
    if let Some(older) = older {
        older.close(DONE, b"replaced by a newer connection");
    }
    let ready = async {
        let mut stream = connection.open_uni().await.ok()?;
        stream.write_all(&[1]).await.ok()?;
        stream.finish().ok()
    };
    if let Ok(Some(())) = timeout(shared.limits.answer, ready).await {
        connection.closed().await;
    } else {
        refuse(connection, "the stream that says ready was not taken");
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
    events: &mpsc::Sender<Event<In>>,
) {
    let opening = async {
        let (send, mut receive) = connection.accept_bi().await.map_err(|error| describe(&error))?;
        frame::read_greeting(&mut receive).await.map_err(|error| chain(&error))?;
        Ok::<_, String>((send, receive))
    };
    let (send, receive) = match timeout(shared.limits.answer, opening).await {
        Ok(Ok(streams)) => streams,
        Ok(Err(reason)) => return refuse(connection, &reason),
        Err(_) => return refuse(connection, "no stream was opened in time"),
    };
    let device = endpoint::device(connection.remote_id());
    let (outbox, queue) = mpsc::channel(QUEUE_MAX);
    let (ending, ended) = oneshot::channel();
    let current = Control { connection: connection.clone(), outbox: Some(outbox), ended };
    if let Some(older) = shared.update(&device, |peer| peer.control.replace(current)) {
        older.connection.close(DONE, b"replaced by a newer connection");
        // Its `Disconnected` goes before our `Connected`. An error says the same: that session is over.
        let _ended = older.ended.await;
    }
    if events.send(Event::Connected { device }).await.is_ok() {
        let reason = converse(connection, shared, (send, queue), (receive, events)).await;
        shared.update(&device, |peer| {
            if peer
                .control
                .as_ref()
                .is_some_and(|control| control.connection.stable_id() == connection.stable_id())
            {
                peer.control = None;
            }
        });
        // The only failure is a caller who no longer listens.
        let _sent = events.send(Event::Disconnected { device, reason }).await;
    }
    drop(ending);
}

/// Moves messages both ways until the conversation ends; says why it ended.
async fn converse<In: DeserializeOwned>(
    connection: &Connection,
    shared: &Shared,
    (mut send, mut queue): (SendStream, mpsc::Receiver<Vec<u8>>),
    (mut receive, events): (RecvStream, &mpsc::Sender<Event<In>>),
) -> String {
    let result = tokio::select! {
        result = listen(connection, &mut receive, events) => result,
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
    events: &mpsc::Sender<Event<In>>,
) -> Result<(), FrameError> {
    let device = endpoint::device(connection.remote_id());
    while let Some(message) = frame::read(receive, TO_COORDINATOR_SIZE_MAX).await? {
        if events.send(Event::Message { device, message }).await.is_err() {
            // Closing: the stream is read on, so that the worker can end it while it is told the last things.
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
