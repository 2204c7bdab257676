//! A network to test on: the real one on this machine's loopback, or one in memory.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use simulation::{
    Random,
    network::{MemoryNetwork, Quality},
};
use transport::{
    Connection, Dial, Event, Iroh, Limits, Listener, Network,
    message::{ToCoordinator, ToWorker},
};
use units::DeviceId;
use wallet::DeviceKey;

pub(crate) const COORDINATOR_SECRET: [u8; 32] = [1; 32];
pub(crate) const MIB: u64 = 1 << 20;

/// Limits that detect a silent peer quickly.
pub(crate) const IMPATIENT: Limits =
    Limits { idle: Duration::from_secs(1), answer: Duration::from_secs(2), ..Limits::USUAL };

/// Time after which a test that hangs fails; no other assertion depends on it.
const GUARD: Duration = Duration::from_secs(120);

pub(crate) async fn guarded<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(GUARD, future).await.expect("the test hangs")
}

pub(crate) enum Ground {
    Iroh,
    Memory(MemoryNetwork),
}

impl Ground {
    pub(crate) fn memory(seed: u64) -> Self {
        Self::Memory(MemoryNetwork::new(Quality::GOOD, Random::new(seed)))
    }

    /// Returns the address of a machine: 1 is the coordinator's.
    pub(crate) fn host(&self, machine: u8) -> IpAddr {
        match self {
            Self::Iroh => [127, 0, 0, 1].into(),
            Self::Memory(_) => [10, 0, machine, 1].into(),
        }
    }

    pub(crate) fn network(&self, machine: u8) -> Arc<dyn Network> {
        match self {
            Self::Iroh => Arc::new(Iroh),
            Self::Memory(network) => network.host(self.host(machine)),
        }
    }

    pub(crate) async fn listen_at(&self, port: u16, limits: Limits) -> Box<dyn Listener> {
        let address = SocketAddr::new(self.host(1), port);
        self.network(1).listen(COORDINATOR_SECRET, address, limits).await.unwrap()
    }

    pub(crate) async fn listen(&self, limits: Limits) -> Box<dyn Listener> {
        self.listen_at(0, limits).await
    }

    pub(crate) async fn connect(
        &self,
        machine: u8,
        listener: &dyn Listener,
        limits: Limits,
    ) -> Box<dyn Connection> {
        self.network(machine).connect(dial(machine, listener), limits).await.unwrap()
    }

    /// Connects machine 2, which takes part.
    pub(crate) async fn pair(&self, limits: Limits) -> (Box<dyn Listener>, Box<dyn Connection>) {
        let listener = self.listen(limits).await;
        let worker = self.connect(2, listener.as_ref(), limits).await;
        assert_eq!(listener.next_event().await, connected(2));
        listener.admit(&device(2));
        (listener, worker)
    }
}

pub(crate) fn secret(machine: u8) -> [u8; 32] {
    [machine; 32]
}

pub(crate) fn device(machine: u8) -> DeviceId {
    DeviceKey::from_seed(&secret(machine)).device()
}

pub(crate) fn dial(machine: u8, listener: &dyn Listener) -> Dial {
    Dial {
        secret: secret(machine),
        coordinator: listener.device(),
        addresses: listener.addresses(),
    }
}

/// Words of a worker.
pub(crate) fn up(text: &str) -> ToCoordinator {
    ToCoordinator::Statement(text.as_bytes().to_vec())
}

/// Words of a coordinator.
pub(crate) fn down(text: &str) -> ToWorker {
    ToWorker::Refused { reason: text.to_owned() }
}

pub(crate) fn connected(machine: u8) -> Option<Event> {
    Some(Event::Connected { device: device(machine) })
}

pub(crate) fn said(machine: u8, text: &str) -> Option<Event> {
    Some(Event::Message { device: device(machine), message: up(text) })
}

/// Waits until the machine is disconnected and returns the reason; fails on any other event.
pub(crate) async fn expect_disconnected(listener: &dyn Listener, machine: u8) -> String {
    match listener.next_event().await {
        Some(Event::Disconnected { device: gone, reason }) if gone == device(machine) => reason,
        other => panic!("expected the end of machine {machine}, got {other:?}"),
    }
}

/// Returns bytes that differ by `salt`.
pub(crate) fn content(size: usize, salt: u8) -> Vec<u8> {
    (0_u32..)
        .zip(std::iter::repeat_n((), size))
        .map(|(index, ())| (index.wrapping_mul(0x9e37_79b1) >> 23).to_le_bytes()[0] ^ salt)
        .collect()
}
