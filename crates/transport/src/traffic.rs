use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use iroh::endpoint::Connection;

/// Bytes in both directions, seen from this side.
///
/// Counts what QUIC puts into UDP datagrams: payload, acknowledgements, handshakes, retransmissions and keep-alive
/// packets; without IP and UDP headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Flow {
    /// Bytes sent.
    pub sent: u64,
    /// Bytes received.
    pub received: u64,
}

impl Flow {
    fn plus(self, other: Self) -> Self {
        Self {
            sent: self.sent.saturating_add(other.sent),
            received: self.received.saturating_add(other.received),
        }
    }
}

/// Bytes that an endpoint has transferred since it was bound, by purpose; closed connections included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Messages.
    pub control: Flow,
    /// Blobs that the coordinator serves.
    pub blobs: Flow,
    /// Blobs that workers serve.
    pub evidence: Flow,
}

impl Traffic {
    /// Returns the sum over all purposes.
    #[must_use]
    pub fn total(&self) -> Flow {
        self.control.plus(self.blobs).plus(self.evidence)
    }

    fn add(&mut self, class: Class, flow: Flow) {
        let slot = match class {
            Class::Control => &mut self.control,
            Class::Blobs => &mut self.blobs,
            Class::Evidence => &mut self.evidence,
        };
        *slot = slot.plus(flow);
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Control,
    Blobs,
    Evidence,
}

/// Adds up the connections of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    closed: Traffic,
    open: BTreeMap<u64, (Class, Connection)>,
    next: u64,
}

impl Meter {
    /// Counts `connection` until the result is dropped, and keeps its totals afterwards.
    pub(crate) fn count(self: &Arc<Self>, class: Class, connection: &Connection) -> Metered {
        let mut counted = self.lock();
        let id = counted.next;
        counted.next = id.checked_add(1).expect("fewer than 2^64 connections");
        counted.open.insert(id, (class, connection.clone()));
        Metered { meter: Arc::clone(self), id }
    }

    pub(crate) fn traffic(&self) -> Traffic {
        let counted = self.lock();
        let mut traffic = counted.closed;
        for (class, connection) in counted.open.values() {
            traffic.add(*class, flow(connection));
        }
        traffic
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection being counted.
#[derive(Debug)]
pub(crate) struct Metered {
    meter: Arc<Meter>,
    id: u64,
}

impl Drop for Metered {
    fn drop(&mut self) {
        let mut counted = self.meter.lock();
        if let Some((class, connection)) = counted.open.remove(&self.id) {
            counted.closed.add(class, flow(&connection));
        }
    }
}

fn flow(connection: &Connection) -> Flow {
    let stats = connection.stats();
    Flow { sent: stats.udp_tx.bytes, received: stats.udp_rx.bytes }
}
