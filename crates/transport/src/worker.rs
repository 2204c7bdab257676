//! The worker's endpoint, which opens the connections.

use std::{
    collections::BTreeSet,
    marker::PhantomData,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use iroh::{
    Endpoint, EndpointAddr, EndpointId,
    endpoint::{Connection, ConnectionError, RecvStream, SendStream},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{sync::mpsc, time::timeout};
use units::{DeviceId, Digest};

use crate::{
    blob::{self, BlobStore, FetchError, PublishError},
    endpoint::{
        self, BLOBS_ALPN, BindError, Bound, Boxed, CONTROL_ALPN, DONE, EVIDENCE_ALPN, FETCH_WINDOW,
        QUEUE_MAX, REPLACED, Task, chain, describe, refuse,
    },
    frame::{self, FrameError, SendError, TO_COORDINATOR_SIZE_MAX, TO_WORKER_SIZE_MAX},
    limits::Limits,
    message::{ToCoordinator, ToWorker},
    pace::Pace,
    traffic::{Class, Meter, Metered, Traffic},
};

/// The coordinator to connect to, and the own key.
#[derive(Clone, Debug)]
pub struct Dial {
    /// Ed25519 seed of the device key.
    pub secret: [u8; 32],
    /// Key of the coordinator; a machine that can't prove it is refused.
    pub coordinator: DeviceId,
    /// Addresses of the coordinator; all are tried.
    pub addresses: Vec<SocketAddr>,
}

/// Why the connection failed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is no address.
    #[error("no address is known for coordinator {coordinator}: wait until its run announces one")]
    NoAddress {
        /// Key of the coordinator.
        coordinator: DeviceId,
    },
    /// The key is not a point of the curve.
    #[error("{coordinator} is not an ed25519 public key")]
    BadKey {
        /// The given key.
        coordinator: DeviceId,
    },
    /// The local socket could not be opened.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The coordinator did not answer, or has another key.
    #[error("coordinator {coordinator} can't be reached at {addresses:?}: {reason}")]
    Unreachable {
        /// Key of the coordinator.
        coordinator: DeviceId,
        /// The addresses that were tried.
        addresses: Vec<SocketAddr>,
        /// The cause, as far as known.
        reason: String,
    },
}

/// The connection has ended; connect again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection to the coordinator has ended: {reason}")]
pub struct Lost {
    /// What ended it.
    pub cause: LostCause,
    /// The reason, as text.
    pub reason: String,
}

/// What ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostCause {
    /// The same device key has connected from elsewhere: two programs use it.
    Replaced,
    /// Anything else.
    Other,
}

/// A connection to a coordinator: messages and blobs in both directions.
///
/// `In` is the type of messages to the worker, `Out` of messages from it.
#[derive(Debug)]
pub struct WorkerEndpoint<In = ToWorker, Out = ToCoordinator> {
    endpoint: Bound,
    coordinator: DeviceId,
    limits: Limits,
    pace: Pace,
    blobs: Connection,
    blob_store: Arc<BlobStore>,
    meter: Arc<Meter>,
    outbox: mpsc::Sender<Vec<u8>>,
    inbox: tokio::sync::Mutex<mpsc::Receiver<In>>,
    lost: Arc<Mutex<Option<Lost>>>,
    session: Task,
    says: PhantomData<fn(Out)>,
}

impl<In: DeserializeOwned + Send + 'static, Out: Serialize> WorkerEndpoint<In, Out> {
    /// Connects to the coordinator from a free port.
    ///
    /// # Errors
    /// [`ConnectError`], within [`Limits::answer`].
    pub async fn connect(dial: Dial, limits: Limits) -> Result<Self, ConnectError> {
        Self::connect_at(dial, limits, Pace::default()).await
    }

    /// The same, and blobs come and go at a pace.
    ///
    /// # Errors
    /// [`ConnectError`], within [`Limits::answer`].
    pub async fn connect_at(dial: Dial, limits: Limits, pace: Pace) -> Result<Self, ConnectError> {
        let coordinator = dial.coordinator;
        let (endpoint, address) = open(&dial, &limits).await?;
        let meter = Arc::new(Meter::default());
        let reason =
            match timeout(limits.answer, Connections::open(&endpoint, address, &meter)).await {
                Ok(Ok(connections)) => {
                    let ways = (meter, connections);
                    return Ok(Self::start((endpoint, coordinator), limits, pace, ways));
                }
                Ok(Err(reason)) => reason,
                Err(_) => silence(&limits),
            };
        endpoint.close().await;
        Err(unreachable(dial, reason))
    }

    fn start(
        (endpoint, coordinator): (Bound, DeviceId),
        limits: Limits,
        pace: Pace,
        (meter, connections): (Arc<Meter>, Connections),
    ) -> Self {
        let blob_store = BlobStore::at(limits.published_size_max, Arc::clone(&pace.up));
        let blob_store = Arc::new(blob_store);
        let (outbox, queue) = mpsc::channel(QUEUE_MAX);
        let (sender, inbox) = mpsc::channel(QUEUE_MAX);
        let lost = Arc::default();
        let blobs = connections.blobs.clone();
        let session = Session {
            connections,
            blob_store: Arc::clone(&blob_store),
            lost: Arc::clone(&lost),
            answer: limits.answer,
        };
        let session = Task::spawn(session.run(queue, sender));
        let inbox = tokio::sync::Mutex::new(inbox);
        Self {
            endpoint,
            coordinator,
            limits,
            pace,
            blobs,
            blob_store,
            meter,
            outbox,
            inbox,
            lost,
            session,
            says: PhantomData,
        }
    }

    /// Returns the public key of this device.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        endpoint::device(self.endpoint.id())
    }

    /// Queues a message; waits while the queue is full.
    ///
    /// # Errors
    /// [`SendError::TooLarge`], or [`SendError::NotConnected`] once the connection has ended.
    pub async fn send(&self, message: &Out) -> Result<(), SendError> {
        let bytes = frame::encode(message, TO_COORDINATOR_SIZE_MAX)?;
        self.outbox
            .send(bytes)
            .await
            .map_err(|_| SendError::NotConnected { device: self.coordinator })
    }

    /// Waits for the next message. For one reader; may be cancelled without losing a message.
    ///
    /// # Errors
    /// [`Lost`] once the connection has ended and all messages were read.
    pub async fn recv(&self) -> Result<In, Lost> {
        let message = self.inbox.lock().await.recv().await;
        message.ok_or_else(|| {
            let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner).clone();
            lost.unwrap_or_else(|| Lost {
                cause: LostCause::Other,
                reason: "this side closed it".to_owned(),
            })
        })
    }

    /// Serves `bytes` to the coordinator until [`Self::retain`] or [`Self::unpublish`] removes them.
    ///
    /// # Errors
    /// [`PublishError`] above [`Limits::published_size_max`].
    pub async fn publish(&self, bytes: Vec<u8>) -> Result<Digest, PublishError> {
        self.blob_store.publish(bytes).await
    }

    /// Stops serving all blobs that are not in `keep`.
    pub fn retain(&self, keep: &BTreeSet<Digest>) {
        self.blob_store.retain(keep);
    }

    /// Stops serving `digest`.
    pub fn unpublish(&self, digest: &Digest) {
        self.blob_store.remove(digest);
    }

    /// Fetches a blob that the coordinator serves and verifies it against `digest`; refuses it unread when larger
    /// than `size_max` bytes.
    ///
    /// # Errors
    /// [`FetchError`], in bounded time.
    pub async fn fetch(&self, digest: &Digest, size_max: u64) -> Result<Vec<u8>, FetchError> {
        let within = (self.limits.answer, &*self.pace.down);
        blob::fetch(&self.blobs, digest, size_max, within).await
    }

    /// Returns the number of bytes transferred since the connection was opened.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.meter.traffic()
    }

    /// Delivers queued messages, then closes the connection.
    pub async fn close(self) {
        let Self { endpoint, limits, outbox, inbox, mut session, .. } = self;
        drop((outbox, inbox));
        if timeout(limits.answer, session.ended()).await.is_err() {
            tracing::debug!("the coordinator did not read the last messages in time");
        }
        drop(session);
        endpoint.close().await;
    }
}

/// Fetches one blob that the coordinator serves to anyone, and disconnects.
///
/// # Errors
/// [`FetchOnceError`], in bounded time.
pub async fn fetch_once(
    dial: Dial,
    limits: Limits,
    digest: &Digest,
    size_max: u64,
) -> Result<Vec<u8>, FetchOnceError> {
    fetch_once_at(dial, limits, digest, size_max, &Pace::default()).await
}

/// The same at a pace.
pub(crate) async fn fetch_once_at(
    dial: Dial,
    limits: Limits,
    digest: &Digest,
    size_max: u64,
    pace: &Pace,
) -> Result<Vec<u8>, FetchOnceError> {
    let within = (limits.answer, &*pace.down);
    let (endpoint, address) = open(&dial, &limits).await?;
    let dialling = async {
        let connected = endpoint.connect(address, BLOBS_ALPN).await;
        connected.map_err(|error| chain(&error))
    };
    let connection = match timeout(limits.answer, dialling).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(reason)) => Err(unreachable(dial, reason)),
        Err(_) => Err(unreachable(dial, silence(&limits))),
    };
    let fetched = match connection {
        Ok(connection) => Ok(blob::fetch(&connection, digest, size_max, within).await?),
        Err(error) => Err(error.into()),
    };
    endpoint.close().await;
    fetched
}

/// Why a blob was not fetched from a coordinator.
#[derive(Debug, thiserror::Error)]
pub enum FetchOnceError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The coordinator did not deliver the blob.
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

/// Opens a socket to dial from, and returns the address to dial.
async fn open(dial: &Dial, limits: &Limits) -> Result<(Bound, EndpointAddr), ConnectError> {
    let coordinator = dial.coordinator;
    let id = EndpointId::from_bytes(coordinator.as_bytes())
        .map_err(|_| ConnectError::BadKey { coordinator })?;
    let sockets = sockets_for(&dial.addresses);
    if sockets.is_empty() {
        return Err(ConnectError::NoAddress { coordinator });
    }
    let endpoint =
        endpoint::bind(&dial.secret, &sockets, Vec::new(), (limits, FETCH_WINDOW)).await?;
    let address = dial
        .addresses
        .iter()
        .fold(EndpointAddr::new(id), |address, socket| address.with_ip_addr(*socket));
    Ok((endpoint, address))
}

fn unreachable(dial: Dial, reason: String) -> ConnectError {
    ConnectError::Unreachable { coordinator: dial.coordinator, addresses: dial.addresses, reason }
}

fn silence(limits: &Limits) -> String {
    format!("no answer within {} s", limits.answer.as_secs())
}

/// The three connections and the control stream, each counted.
struct Connections {
    control: Connection,
    evidence: Connection,
    blobs: Connection,
    send: SendStream,
    receive: RecvStream,
    _metered: [Metered; 3],
}

impl Connections {
    fn open<'a>(
        endpoint: &'a Endpoint,
        address: EndpointAddr,
        meter: &'a Arc<Meter>,
    ) -> Boxed<'a, Result<Self, String>> {
        Box::pin(Self::dial(endpoint, address, meter))
    }

    async fn dial(
        endpoint: &Endpoint,
        address: EndpointAddr,
        meter: &Arc<Meter>,
    ) -> Result<Self, String> {
        let dial = async |alpn, class| {
            let connection =
                endpoint.connect(address.clone(), alpn).await.map_err(|error| chain(&error))?;
            let metered = meter.count(class, &connection);
            Ok::<_, String>((connection, metered))
        };
        let serving = async {
            let (connection, metered) = dial(EVIDENCE_ALPN, Class::Evidence).await?;
            // The control connection is opened only after the coordinator can fetch from us.
            let mut ready = connection.accept_uni().await.map_err(|error| describe(&error))?;
            ready.read_to_end(1).await.map_err(|error| chain(&error))?;
            Ok((connection, metered))
        };
        let (evidence, blobs) = tokio::try_join!(serving, dial(BLOBS_ALPN, Class::Blobs))?;
        let control = dial(CONTROL_ALPN, Class::Control).await?;
        let (mut send, receive) = control.0.open_bi().await.map_err(|error| describe(&error))?;
        frame::write_greeting(&mut send).await.map_err(|error| chain(&error))?;
        Ok(Self {
            control: control.0,
            evidence: evidence.0,
            blobs: blobs.0,
            send,
            receive,
            _metered: [control.1, evidence.1, blobs.1],
        })
    }
}

/// The tasks of a connected worker.
struct Session {
    connections: Connections,
    blob_store: Arc<BlobStore>,
    lost: Arc<Mutex<Option<Lost>>>,
    answer: Duration,
}

impl Session {
    async fn run<In: DeserializeOwned>(
        self,
        mut queue: mpsc::Receiver<Vec<u8>>,
        inbox: mpsc::Sender<In>,
    ) {
        let Connections { control, evidence, blobs, mut send, mut receive, _metered } =
            self.connections;
        let reason = tokio::select! {
            result = listen(&mut receive, &inbox) => ending(&control, result),
            result = talk(&mut send, &mut queue, &control, self.answer) => ending(&control, result),
            () = blob::serve(&evidence, &self.blob_store, self.answer, |_| true) => ended(&evidence),
            error = blobs.closed() => describe(&error),
        };
        let connections = [&control, &evidence, &blobs];
        let cause = match connections.iter().any(|connection| was_replaced(connection)) {
            true => LostCause::Replaced,
            false => LostCause::Other,
        };
        for connection in connections {
            connection.close(DONE, b"");
        }
        *self.lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(Lost { cause, reason });
        // Dropped only now: a reader who sees the end of the queue then finds the reason.
        drop(inbox);
    }
}

async fn listen<In: DeserializeOwned>(
    receive: &mut RecvStream,
    inbox: &mpsc::Sender<In>,
) -> Result<(), FrameError> {
    while let Some((message, _)) = frame::read(receive, TO_WORKER_SIZE_MAX).await? {
        if inbox.send(message).await.is_err() {
            // Closing: nobody reads further messages, but the stream is read so that it can end.
            tracing::debug!("a message came after the last one read");
        }
    }
    Ok(())
}

async fn talk(
    send: &mut SendStream,
    queue: &mut mpsc::Receiver<Vec<u8>>,
    control: &Connection,
    answer: Duration,
) -> Result<(), FrameError> {
    while let Some(bytes) = queue.recv().await {
        frame::write(send, &bytes).await?;
    }
    if send.finish().is_ok() {
        // The coordinator closes once it has read everything.
        let _closed = timeout(answer, control.closed()).await;
    }
    Ok(())
}

fn ending(control: &Connection, result: Result<(), FrameError>) -> String {
    match result {
        Ok(()) => "the coordinator has finished".to_owned(),
        Err(FrameError::Read(_) | FrameError::Write(_)) => ended(control),
        Err(error) => {
            refuse(control, &error.to_string());
            chain(&error)
        }
    }
}

/// Returns whether the peer has closed the connection because the same key has connected again.
fn was_replaced(connection: &Connection) -> bool {
    matches!(
        connection.close_reason(),
        Some(ConnectionError::ApplicationClosed(close)) if close.error_code == REPLACED
    )
}

fn ended(connection: &Connection) -> String {
    connection
        .close_reason()
        .map_or_else(|| "a stream was reset".to_owned(), |error| describe(&error))
}

/// Returns the local sockets to connect from: loopback for loopback, else any address of the same family.
fn sockets_for(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let mut sockets = Vec::new();
    let (four, six): (Vec<SocketAddr>, Vec<SocketAddr>) =
        addresses.iter().partition(|address| address.is_ipv4());
    if !four.is_empty() {
        let local = four.iter().all(|address| address.ip().is_loopback());
        let ip = if local { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED };
        sockets.push(SocketAddr::new(ip.into(), 0));
    }
    if !six.is_empty() {
        let local = six.iter().all(|address| address.ip().is_loopback());
        let ip = if local { Ipv6Addr::LOCALHOST } else { Ipv6Addr::UNSPECIFIED };
        sockets.push(SocketAddr::new(ip.into(), 0));
    }
    sockets
}
