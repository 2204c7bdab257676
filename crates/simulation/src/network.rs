//! A network in memory, behind the traits that coordinator and worker use.
//!
//! A [host](MemoryNetwork::host) is a machine with an address. What it sends takes time, which [`Faults`] control: latency,
//! loss (as delay, since what is lost is sent again), cut paths, broken connections, hosts that vanish. Bounds and words
//! are those of the real endpoints; `tests/it/network.rs` holds both to the same behaviour.
//!
//! What it leaves out: peers that break the protocol, and the number of blobs served at a time.

mod blob;
mod connection;
mod faults;
mod link;
mod listener;

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::time::timeout;
use transport::{
    BindError, Boxed, ConnectError, Connection, Dial, FetchError, FetchOnceError, Limits, Listener,
    Network,
    parts::{BlobStore, FETCH_WINDOW, MESSAGE_WINDOW},
};
use units::{DeviceId, Digest};
use wallet::DeviceKey;

use crate::Random;
use connection::{MemoryConnection, Streams};
pub use faults::{Faults, Quality};
use link::{End, Link, Side, pipe};
use listener::{Guest, MemoryListener, Shared};

/// The first port given to those who ask for any.
const PORT_FREE: u16 = 40_000;

/// Bytes of the first packets in each direction: those of a handshake are filled up.
const HANDSHAKE_SIZE: usize = 1_200;

/// A network in memory; cheap to clone.
#[derive(Clone, Debug)]
pub struct MemoryNetwork {
    faults: Faults,
    ports: Ports,
}

/// The addresses on which somebody listens.
#[derive(Clone, Debug, Default)]
struct Ports(Arc<Mutex<BTreeMap<SocketAddr, Weak<Shared>>>>);

impl Ports {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Weak<Shared>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the address of a listener free again, unless another listener has it by now.
    fn release(&self, shared: &Arc<Shared>) {
        let mut taken = self.lock();
        if taken.get(&shared.address).is_some_and(|it| it.ptr_eq(&Arc::downgrade(shared))) {
            taken.remove(&shared.address);
        }
    }

    /// Takes an address for a listener; any port when it is 0.
    fn take(
        &self,
        host: IpAddr,
        port: u16,
        device: DeviceId,
        limits: Limits,
    ) -> Option<Arc<Shared>> {
        let mut taken = self.lock();
        let is_free = |port: &u16| !taken.contains_key(&SocketAddr::new(host, *port));
        let port = match port {
            0 => (PORT_FREE..=u16::MAX).find(is_free)?,
            port => Some(port).filter(is_free)?,
        };
        let address = SocketAddr::new(host, port);
        let shared = Arc::new(Shared::new(device, address, limits));
        taken.insert(address, Arc::downgrade(&shared));
        Some(shared)
    }

    /// Returns who listens on one of the addresses: the dialled coordinator, or else another one.
    fn find(&self, dial: &Dial) -> Option<Arc<Shared>> {
        let taken = self.lock();
        let found = || dial.addresses.iter().filter_map(|address| taken.get(address)?.upgrade());
        found().find(|shared| shared.device == dial.coordinator).or_else(|| found().next())
    }
}

impl MemoryNetwork {
    /// Returns a network without hosts.
    #[must_use]
    pub fn new(quality: Quality, random: Random) -> Self {
        Self { faults: Faults::new(quality, random), ports: Ports::default() }
    }

    /// Returns the network as the machine with this address sees it.
    #[must_use]
    pub fn host(&self, address: IpAddr) -> Arc<dyn Network> {
        Arc::new(Host { network: self.clone(), address })
    }

    /// Returns the handle on the network's faults.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }
}

/// The network as one machine sees it.
#[derive(Debug)]
struct Host {
    network: MemoryNetwork,
    address: IpAddr,
}

impl Host {
    /// Waits for the answer of whoever listens on an address of the dial.
    ///
    /// # Errors
    /// When it has another key.
    async fn reach(&self, dial: &Dial) -> Result<Arc<Shared>, String> {
        let Some(listener) = self.network.ports.find(dial) else {
            return std::future::pending().await;
        };
        let (there, _) = self.paths(&listener);
        if self.network.faults.is_dial_lost(there) {
            return std::future::pending().await;
        }
        self.handshake(&listener).await;
        if listener.device != dial.coordinator {
            return Err("the peer has another key".to_owned());
        }
        Ok(listener)
    }

    fn paths(&self, listener: &Shared) -> ((IpAddr, IpAddr), (IpAddr, IpAddr)) {
        let there = (self.address, listener.host());
        (there, (there.1, there.0))
    }

    /// Waits as long as a handshake takes.
    async fn handshake(&self, listener: &Shared) {
        let (there, back) = self.paths(listener);
        self.network.faults.pass(there, HANDSHAKE_SIZE).await;
        self.network.faults.pass(back, HANDSHAKE_SIZE).await;
    }

    fn from(&self) -> SocketAddr {
        SocketAddr::new(self.address, PORT_FREE)
    }

    /// Opens the connections, in the order of the real endpoint.
    async fn enter(&self, dial: &Dial, limits: Limits) -> Result<MemoryConnection, String> {
        let device = DeviceKey::from_seed(&dial.secret).device();
        let listener = self.reach(dial).await?;
        let (there, back) = self.paths(&listener);
        let faults = &self.network.faults;
        faults.pass(there, 1).await;
        let places = [(); 2].map(|()| listener.place(self.from(), device));
        faults.pass(back, 1).await;
        let [evidence, blobs] = places;
        let mut places = vec![evidence?, blobs?];
        self.handshake(&listener).await;
        let idle = limits.idle.min(listener.limits.idle);
        let link = Link::open(faults, there, idle);
        let served = Arc::new(BlobStore::new(limits.published_size_max));
        let (to, arriving) = pipe(&link, Side::Worker, MESSAGE_WINDOW);
        let (leaving, from) = pipe(&link, Side::Coordinator, FETCH_WINDOW);
        let (guest_link, guest_blobs) = (Arc::clone(&link), Arc::clone(&served));
        let (host, own) = (Arc::clone(&listener), self.from());
        listener.spawn(async move {
            if guest_link.pass(Side::Worker, Side::Coordinator, 1).await.is_err() {
                return;
            }
            match host.place(own, device) {
                Ok(place) => places.push(place),
                Err(reason) => return guest_link.close(Side::Coordinator, End::Refused(reason)),
            }
            let (link, blobs) = (guest_link, guest_blobs);
            host.receive(Guest { device, link, blobs, from: arriving, to: leaving, places }).await;
        });
        let streams = Streams { to, from };
        Ok(MemoryConnection::start(device, (&link, listener), (limits, served), streams))
    }

    /// Fetches a blob over a connection that serves nothing else.
    async fn ask(
        &self,
        dial: &Dial,
        limits: Limits,
        (digest, size_max): (&Digest, u64),
    ) -> Result<Result<Vec<u8>, FetchError>, String> {
        let device = DeviceKey::from_seed(&dial.secret).device();
        let reaching = async {
            let listener = self.reach(dial).await?;
            let place = listener.place(self.from(), device)?;
            Ok::<_, String>((listener, place))
        };
        let reached = timeout(limits.answer, reaching).await;
        let (listener, _place) = reached.unwrap_or_else(|_| Err(silence(&limits)))?;
        let (there, _) = self.paths(&listener);
        let link = Link::open(&self.network.faults, there, limits.idle);
        let find = || listener.blobs.blob(digest, listener.reader(&device));
        let fetch = blob::Fetch { digest, size_max, answer: limits.answer };
        let fetched = blob::fetch(&link, Side::Worker, fetch, &find).await;
        link.close(Side::Worker, End::Done);
        Ok(fetched)
    }
}

fn silence(limits: &Limits) -> String {
    format!("no answer within {} s", limits.answer.as_secs())
}

fn unreachable(dial: Dial, reason: String) -> ConnectError {
    ConnectError::Unreachable { coordinator: dial.coordinator, addresses: dial.addresses, reason }
}

fn has_address(dial: &Dial) -> Result<(), ConnectError> {
    match dial.addresses.is_empty() {
        true => Err(ConnectError::NoAddress { coordinator: dial.coordinator }),
        false => Ok(()),
    }
}

impl Network for Host {
    fn listen(
        &self,
        secret: [u8; 32],
        listen: SocketAddr,
        limits: Limits,
    ) -> Boxed<'_, Result<Box<dyn Listener>, BindError>> {
        let device = DeviceKey::from_seed(&secret).device();
        let taken = self.network.ports.take(self.address, listen.port(), device, limits);
        let ports = self.network.ports.clone();
        let bound =
            taken.map(|shared| Box::new(MemoryListener::new(shared, ports)) as Box<dyn Listener>);
        let in_use = || BindError {
            address: listen,
            source: Box::new(io::Error::from(io::ErrorKind::AddrInUse)),
        };
        let bound = bound.ok_or_else(in_use);
        Box::pin(async { bound })
    }

    fn connect(
        &self,
        dial: Dial,
        limits: Limits,
    ) -> Boxed<'_, Result<Box<dyn Connection>, ConnectError>> {
        Box::pin(async move {
            has_address(&dial)?;
            let entered = timeout(limits.answer, self.enter(&dial, limits)).await;
            match entered.unwrap_or_else(|_| Err(silence(&limits))) {
                Ok(connection) => Ok(Box::new(connection) as Box<dyn Connection>),
                Err(reason) => Err(unreachable(dial, reason)),
            }
        })
    }

    fn fetch_once<'a>(
        &'a self,
        dial: Dial,
        limits: Limits,
        digest: &'a Digest,
        size_max: u64,
    ) -> Boxed<'a, Result<Vec<u8>, FetchOnceError>> {
        Box::pin(async move {
            has_address(&dial)?;
            match self.ask(&dial, limits, (digest, size_max)).await {
                Ok(fetched) => Ok(fetched?),
                Err(reason) => Err(unreachable(dial, reason).into()),
            }
        })
    }
}
