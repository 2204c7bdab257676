//! Which connections the coordinator keeps, and to whom it serves blobs.
//!
//! Keys are free, so a key that the caller has not admitted is a stranger: few, from each network few, and only for a
//! limited time. Admitted devices have room of their own, which no stranger can take from them. A key has few
//! connections, whether it is admitted or not.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;
use units::DeviceId;

use crate::limits::Limits;

/// Unfinished handshakes above which an address must first prove that it receives what is sent to it, so that forged
/// addresses can't take the room of others.
const HANDSHAKES_UNPROVEN_MAX: usize = 32;

/// The network that a connection comes from: an IPv4 address, or the first 64 bits of an IPv6 address, because a
/// single machine usually has that many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network(u64);

impl Network {
    pub(crate) fn of(address: SocketAddr) -> Self {
        match address.ip().to_canonical() {
            IpAddr::V4(ip) => Self(u64::from(ip.to_bits())),
            // The first bit is never set in an IPv4 address, and always in a global IPv6 prefix made so.
            IpAddr::V6(ip) => {
                let [first, second, third, fourth, ..] = ip.segments().map(u64::from);
                let prefix = first << 48 | second << 32 | third << 16 | fourth;
                Self(prefix | 1 << 63)
            }
        }
    }
}

/// Why a connection is not kept; sent to the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Turned {
    /// Its key has too many.
    #[error("this key has {max} connections already: close one of them")]
    Key {
        /// The limit.
        max: usize,
    },
    /// Too many strangers come from its network.
    #[error(
        "{max} connections of devices without a seat come from this address: try again in a minute"
    )]
    Network {
        /// The limit.
        max: usize,
    },
    /// There are too many strangers.
    #[error("{max} devices without a seat are connected: try again in a minute")]
    Strangers {
        /// The limit.
        max: usize,
    },
}

/// How a new connection is met.
#[derive(Debug)]
pub enum Met {
    /// It may try to prove who it is.
    Welcome(Place),
    /// It must first prove that its address is not forged.
    Unproven,
    /// There is no room.
    Full,
}

/// The connections of an endpoint, and the devices that the caller has admitted.
#[derive(Debug)]
pub struct Admission {
    limits: Limits,
    state: Mutex<State>,
    /// Wakes connections of strangers that may have been admitted.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    admitted: BTreeSet<DeviceId>,
    next: u64,
    places: BTreeMap<u64, Occupant>,
}

#[derive(Clone, Copy, Debug)]
struct Occupant {
    network: Network,
    /// Unknown during the handshake.
    device: Option<DeviceId>,
}

/// The place of one connection; free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    admission: Arc<Admission>,
    id: u64,
}

impl Admission {
    /// Returns the admission to an endpoint without connections.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, state: Mutex::default(), changed: Notify::new() }
    }

    /// Gives a place to a connection whose key is not known yet.
    pub fn meet(self: &Arc<Self>, from: SocketAddr, is_proven: bool) -> Met {
        let network = Network::of(from);
        let mut state = self.lock();
        let unknown = state.count(|it| it.device.is_none());
        let beside = state.count(|it| it.device.is_none() && it.network == network);
        if self.limits.handshakes_max <= unknown || self.limits.strangers_per_address_max <= beside
        {
            return Met::Full;
        }
        if !is_proven && HANDSHAKES_UNPROVEN_MAX <= unknown {
            return Met::Unproven;
        }
        let id = state.next;
        state.next = id.checked_add(1).expect("fewer than 2^64 connections");
        state.places.insert(id, Occupant { network, device: None });
        Met::Welcome(Place { admission: Arc::clone(self), id })
    }

    /// Keeps room for a device, and serves blobs to it.
    pub fn admit(&self, device: DeviceId) {
        self.lock().admitted.insert(device);
        self.changed.notify_waiters();
    }

    /// Makes strangers of all devices that are not in `keep`.
    pub fn retain(&self, keep: &BTreeSet<DeviceId>) {
        self.lock().admitted.retain(|device| keep.contains(device));
        self.changed.notify_waiters();
    }

    /// Returns whether a device is admitted.
    pub fn is_admitted(&self, device: &DeviceId) -> bool {
        self.lock().admitted.contains(device)
    }

    /// Waits until the device has been a stranger for as long as strangers may stay, whatever becomes of others meanwhile.
    pub async fn outstayed(&self, device: &DeviceId) {
        loop {
            self.becomes(device, false).await;
            let admitted = self.becomes(device, true);
            if tokio::time::timeout(self.limits.stranger, admitted).await.is_err() {
                return;
            }
        }
    }

    /// Waits until the device is admitted, or is not.
    async fn becomes(&self, device: &DeviceId, admitted: bool) {
        loop {
            // Made before the look: it then hears of everything that changes afterwards.
            let changed = self.changed.notified();
            if self.is_admitted(device) == admitted {
                return;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(&self, condition: impl Fn(&Occupant) -> bool) -> usize {
        self.places.values().filter(|occupant| condition(occupant)).count()
    }
}

impl Place {
    /// Names the device that the handshake has proven.
    ///
    /// # Errors
    /// [`Turned`] when its connections have no room.
    pub fn identify(&self, device: DeviceId) -> Result<(), Turned> {
        let limits = &self.admission.limits;
        let mut state = self.admission.lock();
        if limits.connections_per_key_max <= state.count(|it| it.device == Some(device)) {
            return Err(Turned::Key { max: limits.connections_per_key_max });
        }
        let network = state.places.get(&self.id).map(|occupant| occupant.network);
        if !state.admitted.contains(&device) {
            let is_stranger =
                |it: &Occupant| it.device.is_some_and(|it| !state.admitted.contains(&it));
            let beside = state.count(|it| is_stranger(it) && Some(it.network) == network);
            if limits.strangers_per_address_max <= beside {
                return Err(Turned::Network { max: limits.strangers_per_address_max });
            }
            if limits.strangers_max <= state.count(is_stranger) {
                return Err(Turned::Strangers { max: limits.strangers_max });
            }
        }
        if let Some(occupant) = state.places.get_mut(&self.id) {
            occupant.device = Some(device);
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.lock().places.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_an_address_or_a_prefix() {
        let network = |ip: &str| Network::of(SocketAddr::new(ip.parse().unwrap(), 7));
        assert_eq!(network("10.0.0.1"), network("::ffff:10.0.0.1"));
        assert_ne!(network("10.0.0.1"), network("10.0.0.2"));
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("::"), network("0.0.0.0"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stranger_stays_no_longer_because_others_are_admitted() {
        let admission = Admission::new(Limits::USUAL);
        let [seated, stranger] = [1, 2].map(|byte| DeviceId::from_bytes([byte; 32]));
        let begun = tokio::time::Instant::now();
        let admitting = async {
            loop {
                tokio::time::sleep(Limits::USUAL.stranger / 10).await;
                admission.admit(seated);
                admission.retain(&BTreeSet::from([seated]));
            }
        };
        tokio::select! {
            () = admission.outstayed(&stranger) => {}
            () = admitting => {}
            () = tokio::time::sleep(Limits::USUAL.stranger * 3) => panic!("it stays"),
        }
        assert_eq!(begun.elapsed(), Limits::USUAL.stranger);
    }

    #[test]
    fn unfinished_handshakes_are_few_for_each_address_and_in_all() {
        let limits = Limits { handshakes_max: 40, strangers_per_address_max: 34, ..Limits::USUAL };
        let admission = Arc::new(Admission::new(limits));
        let from = |last: u8| SocketAddr::from(([10, 0, 0, last], 7));
        let mut places = Vec::new();
        let mut meet = |last: u8, is_proven: bool| match admission.meet(from(last), is_proven) {
            Met::Welcome(place) => {
                places.push(place);
                "welcome"
            }
            Met::Unproven => "unproven",
            Met::Full => "full",
        };
        for _ in 0..HANDSHAKES_UNPROVEN_MAX {
            assert_eq!(meet(1, false), "welcome");
        }
        assert_eq!([meet(1, false), meet(2, false)], ["unproven"; 2]);
        assert_eq!([meet(1, true), meet(1, true), meet(1, true)], ["welcome", "welcome", "full"]);
        for _ in 34..40 {
            assert_eq!(meet(2, true), "welcome");
        }
        assert_eq!(meet(3, true), "full");
        drop(places);
        assert!(matches!(admission.meet(from(3), false), Met::Welcome(_)));
    }
}
