//! The network as coordinator and workers see it, whatever carries it.

use std::{collections::BTreeSet, fmt, net::SocketAddr};

use units::{DeviceId, Digest};

use crate::{
    BindError, Boxed, ConnectError, CoordinatorEndpoint, Dial, Event, FetchError, FetchOnceError,
    Limits, Lost, Pace, PublishError, SendError, Traffic, WorkerEndpoint,
    message::{ToCoordinator, ToWorker},
    worker,
};

/// Carries messages and blobs between coordinators and workers.
pub trait Network: fmt::Debug + Send + Sync {
    /// Listens for workers on `listen` (port 0: any free one) under the identity of the ed25519 key `secret`.
    ///
    /// # Errors
    /// [`BindError`] when the address is not available.
    fn listen(
        &self,
        secret: [u8; 32],
        listen: SocketAddr,
        limits: Limits,
    ) -> Boxed<'_, Result<Box<dyn Listener>, BindError>>;

    /// Connects to a coordinator.
    ///
    /// # Errors
    /// [`ConnectError`], within [`Limits::answer`].
    fn connect(
        &self,
        dial: Dial,
        limits: Limits,
    ) -> Boxed<'_, Result<Box<dyn Connection>, ConnectError>>;

    /// Fetches one blob that a coordinator serves to anyone, and disconnects.
    ///
    /// # Errors
    /// [`FetchOnceError`], in bounded time.
    fn fetch_once<'a>(
        &'a self,
        dial: Dial,
        limits: Limits,
        digest: &'a Digest,
        size_max: u64,
    ) -> Boxed<'a, Result<Vec<u8>, FetchOnceError>>;
}

/// The coordinator's side: accepts connections from workers, exchanges messages and blobs with them.
pub trait Listener: fmt::Debug + Send + Sync {
    /// Returns the public key of this coordinator.
    fn device(&self) -> DeviceId;

    /// Returns the addresses it listens on, with their actual ports.
    fn addresses(&self) -> Vec<SocketAddr>;

    /// Waits for the next event; returns `None` once the listener is closed. For one reader; may be cancelled without
    /// losing an event. Devices have equal shares: one that sends much does not delay the others.
    fn next_event(&self) -> Boxed<'_, Option<Event>>;

    /// Serves blobs to a device, and keeps room for its connections: it takes part. Other devices are strangers and
    /// are disconnected after [`Limits::stranger`].
    fn admit(&self, device: &DeviceId);

    /// Makes strangers of all devices that are not in `keep`.
    fn retain_admitted(&self, keep: &BTreeSet<DeviceId>);

    /// Queues a message for the device, without waiting.
    ///
    /// # Errors
    /// [`SendError`]; [`SendError::Slow`] also closes the connection.
    fn send(&self, device: &DeviceId, message: &ToWorker) -> Result<(), SendError>;

    /// Returns the connected devices.
    fn connected(&self) -> BTreeSet<DeviceId>;

    /// Serves `bytes` to admitted devices that request their digest, until [`Self::retain`] removes them.
    ///
    /// # Errors
    /// [`PublishError`] above [`Limits::published_size_max`].
    fn publish(&self, bytes: Vec<u8>) -> Boxed<'_, Result<Digest, PublishError>>;

    /// Serves `bytes` to anyone who requests their digest, for as long as the listener is open.
    ///
    /// # Errors
    /// [`PublishError`] above [`Limits::published_size_max`].
    fn publish_openly(&self, bytes: Vec<u8>) -> Boxed<'_, Result<Digest, PublishError>>;

    /// Stops serving all blobs that are not in `keep`, and not published openly.
    fn retain(&self, keep: &BTreeSet<Digest>);

    /// Fetches a blob that the device serves and verifies it against `digest`; refuses it unread when larger than
    /// `size_max` bytes.
    ///
    /// # Errors
    /// [`FetchError`], in bounded time.
    fn fetch_from<'a>(
        &'a self,
        device: &'a DeviceId,
        digest: &'a Digest,
        size_max: u64,
    ) -> Boxed<'a, Result<Vec<u8>, FetchError>>;

    /// Returns the number of bytes transferred since the listener was opened.
    fn traffic(&self) -> Traffic;

    /// Delivers queued messages, then closes all connections. The address is free once this is dropped.
    fn close(&self) -> Boxed<'_, ()>;
}

/// The worker's side: a connection to a coordinator, with messages and blobs in both directions.
pub trait Connection: fmt::Debug + Send + Sync {
    /// Queues a message; waits while the queue is full.
    ///
    /// # Errors
    /// [`SendError::TooLarge`], or [`SendError::NotConnected`] once the connection has ended.
    fn send<'a>(&'a self, message: &'a ToCoordinator) -> Boxed<'a, Result<(), SendError>>;

    /// Waits for the next message. For one reader; may be cancelled without losing a message.
    ///
    /// # Errors
    /// [`Lost`] once the connection has ended and all messages were read.
    fn recv(&self) -> Boxed<'_, Result<ToWorker, Lost>>;

    /// Serves `bytes` to the coordinator until [`Self::retain`] removes them.
    ///
    /// # Errors
    /// [`PublishError`] above [`Limits::published_size_max`].
    fn publish(&self, bytes: Vec<u8>) -> Boxed<'_, Result<Digest, PublishError>>;

    /// Stops serving all blobs that are not in `keep`.
    fn retain(&self, keep: &BTreeSet<Digest>);

    /// Fetches a blob that the coordinator serves and verifies it against `digest`; refuses it unread when larger
    /// than `size_max` bytes.
    ///
    /// # Errors
    /// [`FetchError`], in bounded time.
    fn fetch<'a>(
        &'a self,
        digest: &'a Digest,
        size_max: u64,
    ) -> Boxed<'a, Result<Vec<u8>, FetchError>>;

    /// Delivers queued messages, then closes the connection.
    fn close(self: Box<Self>) -> Boxed<'static, ()>;
}

/// The network of this machine: QUIC by iroh.
#[derive(Clone, Copy, Debug)]
pub struct Iroh;

impl Network for Iroh {
    fn listen(
        &self,
        secret: [u8; 32],
        listen: SocketAddr,
        limits: Limits,
    ) -> Boxed<'_, Result<Box<dyn Listener>, BindError>> {
        Box::pin(async move {
            let endpoint = CoordinatorEndpoint::bind(secret, listen, limits).await?;
            Ok(Box::<CoordinatorEndpoint>::new(endpoint) as Box<dyn Listener>)
        })
    }

    fn connect(
        &self,
        dial: Dial,
        limits: Limits,
    ) -> Boxed<'_, Result<Box<dyn Connection>, ConnectError>> {
        Box::pin(async move {
            let endpoint = WorkerEndpoint::connect(dial, limits).await?;
            Ok(Box::<WorkerEndpoint>::new(endpoint) as Box<dyn Connection>)
        })
    }

    fn fetch_once<'a>(
        &'a self,
        dial: Dial,
        limits: Limits,
        digest: &'a Digest,
        size_max: u64,
    ) -> Boxed<'a, Result<Vec<u8>, FetchOnceError>> {
        Box::pin(worker::fetch_once(dial, limits, digest, size_max))
    }
}

/// The network of this machine for workers, at a pace that its owner wants.
#[derive(Clone, Debug)]
pub struct Paced(pub Pace);

impl Network for Paced {
    fn listen(
        &self,
        secret: [u8; 32],
        listen: SocketAddr,
        limits: Limits,
    ) -> Boxed<'_, Result<Box<dyn Listener>, BindError>> {
        Iroh.listen(secret, listen, limits)
    }

    fn connect(
        &self,
        dial: Dial,
        limits: Limits,
    ) -> Boxed<'_, Result<Box<dyn Connection>, ConnectError>> {
        Box::pin(async move {
            let endpoint = WorkerEndpoint::connect_at(dial, limits, self.0.clone()).await?;
            Ok(Box::<WorkerEndpoint>::new(endpoint) as Box<dyn Connection>)
        })
    }

    fn fetch_once<'a>(
        &'a self,
        dial: Dial,
        limits: Limits,
        digest: &'a Digest,
        size_max: u64,
    ) -> Boxed<'a, Result<Vec<u8>, FetchOnceError>> {
        Box::pin(worker::fetch_once_at(dial, limits, digest, size_max, &self.0))
    }
}

impl Listener for CoordinatorEndpoint {
    fn device(&self) -> DeviceId {
        Self::device(self)
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        Self::addresses(self)
    }

    fn next_event(&self) -> Boxed<'_, Option<Event>> {
        Box::pin(Self::next_event(self))
    }

    fn admit(&self, device: &DeviceId) {
        Self::admit(self, device);
    }

    fn retain_admitted(&self, keep: &BTreeSet<DeviceId>) {
        Self::retain_admitted(self, keep);
    }

    fn send(&self, device: &DeviceId, message: &ToWorker) -> Result<(), SendError> {
        Self::send(self, device, message)
    }

    fn connected(&self) -> BTreeSet<DeviceId> {
        Self::connected(self)
    }

    fn publish(&self, bytes: Vec<u8>) -> Boxed<'_, Result<Digest, PublishError>> {
        Box::pin(Self::publish(self, bytes))
    }

    fn publish_openly(&self, bytes: Vec<u8>) -> Boxed<'_, Result<Digest, PublishError>> {
        Box::pin(Self::publish_openly(self, bytes))
    }

    fn retain(&self, keep: &BTreeSet<Digest>) {
        Self::retain(self, keep);
    }

    fn fetch_from<'a>(
        &'a self,
        device: &'a DeviceId,
        digest: &'a Digest,
        size_max: u64,
    ) -> Boxed<'a, Result<Vec<u8>, FetchError>> {
        Box::pin(Self::fetch_from(self, device, digest, size_max))
    }

    fn traffic(&self) -> Traffic {
        Self::traffic(self)
    }

    fn close(&self) -> Boxed<'_, ()> {
        Box::pin(Self::close(self))
    }
}

impl Connection for WorkerEndpoint {
    fn send<'a>(&'a self, message: &'a ToCoordinator) -> Boxed<'a, Result<(), SendError>> {
        Box::pin(Self::send(self, message))
    }

    fn recv(&self) -> Boxed<'_, Result<ToWorker, Lost>> {
        Box::pin(Self::recv(self))
    }

    fn publish(&self, bytes: Vec<u8>) -> Boxed<'_, Result<Digest, PublishError>> {
        Box::pin(Self::publish(self, bytes))
    }

    fn retain(&self, keep: &BTreeSet<Digest>) {
        Self::retain(self, keep);
    }

    fn fetch<'a>(
        &'a self,
        digest: &'a Digest,
        size_max: u64,
    ) -> Boxed<'a, Result<Vec<u8>, FetchError>> {
        Box::pin(Self::fetch(self, digest, size_max))
    }

    fn close(self: Box<Self>) -> Boxed<'static, ()> {
        Box::pin(Self::close(*self))
    }
}
