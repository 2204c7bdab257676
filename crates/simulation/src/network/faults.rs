//! The paths between hosts: how long they take, what they lose, and where they are cut.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::time::{Instant, sleep};
use units::Bps;

use super::link::Link;
use crate::{Random, watched::Watched};

/// Bytes of a packet.
const PACKET_SIZE: u64 = 1_200;

/// Packets of a message above which the number of those lost is not drawn any more, but the mean.
const DRAWN_PACKETS_MAX: u64 = 64;

/// Largest number of times that packets are sent again before one that is lost again and again is taken as arrived.
const RETRANSMISSIONS_MAX: u32 = 12;

/// Losses in a row at which a connection to the node breaks.
const BREAKING: u32 = 3;

/// Shortest time until a lost packet is sent again: a probe timeout (RFC 9002, section 6.2).
const PROBE_MIN: Duration = Duration::from_millis(30);

/// How good the paths are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quality {
    /// Shortest time of a packet from host to host.
    pub latency_min: Duration,
    /// Longest one, if it is not lost.
    pub latency_max: Duration,
    /// Share of the packets that are lost. They are sent again, which takes time.
    pub loss: Bps,
    /// Bytes a second of a connection in each direction.
    pub bytes_per_second: u64,
    /// Share of the attempts to connect that nobody answers.
    pub dials_lost: Bps,
}

impl Quality {
    /// A good network: 5 to 20 ms, no loss, 10 MB a second.
    pub const GOOD: Self = Self {
        latency_min: Duration::from_millis(5),
        latency_max: Duration::from_millis(20),
        loss: Bps::ZERO,
        bytes_per_second: 10_000_000,
        dials_lost: Bps::ZERO,
    };
}

/// Handle of a simulation on the faults of its network; cheap to clone.
#[derive(Clone, Debug)]
pub struct Faults {
    state: Arc<Mutex<State>>,
    /// Changes with each cut and each healing.
    changed: Arc<Watched<()>>,
}

#[derive(Debug)]
struct State {
    quality: Quality,
    /// Of hosts that have another one.
    of_hosts: BTreeMap<IpAddr, Quality>,
    /// Sets of hosts that are cut off from all others.
    islands: Vec<BTreeSet<IpAddr>>,
    /// The connections that are open.
    links: Vec<Weak<Link>>,
    random: Random,
}

impl Faults {
    pub(super) fn new(quality: Quality, random: Random) -> Self {
        let (of_hosts, islands, links) = (BTreeMap::new(), Vec::new(), Vec::new());
        let state = State { quality, of_hosts, islands, links, random };
        Self { state: Arc::new(Mutex::new(state)), changed: Arc::new(Watched::new(())) }
    }

    /// Changes the quality of all paths between hosts that have no other one.
    pub fn set_quality(&self, quality: Quality) {
        self.lock().quality = quality;
    }

    /// Changes the quality of all paths from and to a host.
    pub fn set_quality_of(&self, host: IpAddr, quality: Quality) {
        self.lock().of_hosts.insert(host, quality);
    }

    /// Cuts a set of hosts off from all others, in addition to what is cut already. Among themselves they are connected.
    pub fn partition(&self, island: BTreeSet<IpAddr>) {
        self.lock().islands.push(island);
        self.changed.change(|()| true);
    }

    /// Ends all partitions.
    pub fn heal(&self) {
        self.lock().islands.clear();
        self.changed.change(|()| true);
    }

    /// Breaks all connections of a host; both sides see it at once.
    pub fn break_connections(&self, host: IpAddr) {
        for link in self.links_of(host) {
            link.fail();
        }
    }

    /// Takes a host down without a word, as when its power fails: its side of all connections is gone, and the others see
    /// it only when they have heard nothing for their idle limit. Whoever runs on the host is to be stopped by the caller.
    pub fn crash(&self, host: IpAddr) {
        for link in self.links_of(host) {
            link.vanish(host);
        }
    }

    fn links_of(&self, host: IpAddr) -> Vec<Arc<Link>> {
        let links: Vec<Arc<Link>> = self.lock().links.iter().filter_map(Weak::upgrade).collect();
        links.into_iter().filter(|link| link.is_of(host)).collect()
    }

    /// Remembers an open connection.
    pub(super) fn add(&self, link: &Arc<Link>) {
        let links = &mut self.lock().links;
        links.retain(|link| link.strong_count() > 0);
        links.push(Arc::downgrade(link));
    }

    /// Returns whether no packet passes between the hosts.
    #[must_use]
    pub fn is_cut(&self, path: (IpAddr, IpAddr)) -> bool {
        let (from, to) = path;
        self.lock().islands.iter().any(|island| island.contains(&from) != island.contains(&to))
    }

    /// Waits until the path is not cut.
    pub(super) async fn healed(&self, path: (IpAddr, IpAddr)) {
        self.changed.wait_for(|_| !self.is_cut(path)).await;
    }

    /// Waits until the path has been cut for as long as `patience`.
    pub(super) async fn silent(&self, path: (IpAddr, IpAddr), patience: Duration) {
        loop {
            self.changed.wait_for(|_| self.is_cut(path)).await;
            tokio::select! {
                biased;
                () = self.healed(path) => {}
                () = sleep(patience) => return,
            }
        }
    }

    /// Returns whether nobody will answer an attempt to connect.
    pub(super) fn is_dial_lost(&self, path: (IpAddr, IpAddr)) -> bool {
        let mut state = self.lock();
        let lost = state.between(path).dials_lost;
        state.draw(lost)
    }

    /// Returns whether a connection breaks while something is on the way: its packets are lost again and again.
    pub(crate) fn is_broken(&self, path: (IpAddr, IpAddr)) -> bool {
        let mut state = self.lock();
        let loss = state.between(path).loss;
        (0..BREAKING).all(|_| state.draw(loss))
    }

    /// Waits as long as `size` bytes take, lost packets and cuts included.
    pub(crate) async fn pass(&self, path: (IpAddr, IpAddr), size: usize) {
        let (busy, delay) = self.time(path, size);
        sleep(busy + delay).await;
        if self.is_cut(path) {
            self.healed(path).await;
            // What was sent meanwhile is lost.
            let (_, delay) = self.time(path, 1);
            sleep(delay + PROBE_MIN).await;
        }
    }

    /// Returns how long the sender is busy with `size` bytes, and how much later they have arrived.
    pub(super) fn time(&self, path: (IpAddr, IpAddr), size: usize) -> (Duration, Duration) {
        let mut state = self.lock();
        let quality = state.between(path);
        let size = u64::try_from(size).unwrap_or(u64::MAX);
        let busy = size.saturating_mul(1_000_000) / quality.bytes_per_second.max(1);
        let mut delay = state.random.time(quality.latency_min, quality.latency_max);
        let again = PROBE_MIN.max(quality.latency_max.saturating_mul(3));
        let mut missing = size.div_ceil(PACKET_SIZE).max(1);
        for round in 0..RETRANSMISSIONS_MAX {
            missing = state.lost(missing, quality.loss);
            if missing == 0 {
                break;
            }
            // Each probe waits twice as long as the one before, up to a second.
            delay += again.saturating_mul(1 << round.min(5)).min(Duration::from_secs(1)).max(again);
        }
        (Duration::from_micros(busy), delay)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns the quality of a path: the worse of its ends.
    fn between(&self, (from, to): (IpAddr, IpAddr)) -> Quality {
        let [from, to] =
            [from, to].map(|host| self.of_hosts.get(&host).copied().unwrap_or(self.quality));
        Quality {
            latency_min: from.latency_min.max(to.latency_min),
            latency_max: from.latency_max.max(to.latency_max),
            loss: from.loss.max(to.loss),
            bytes_per_second: from.bytes_per_second.min(to.bytes_per_second),
            dials_lost: from.dials_lost.max(to.dials_lost),
        }
    }

    fn draw(&mut self, share: Bps) -> bool {
        self.random.chance(share.as_u16().into(), Bps::WHOLE.as_u16().into())
    }

    /// Returns how many of `count` packets are lost.
    fn lost(&mut self, count: u64, loss: Bps) -> u64 {
        if loss == Bps::ZERO {
            return 0;
        }
        if count > DRAWN_PACKETS_MAX {
            return count.saturating_mul(loss.as_u16().into()) / u64::from(Bps::WHOLE.as_u16());
        }
        let lost = (0..count).filter(|_| self.draw(loss)).count();
        u64::try_from(lost).expect("at most the number of packets drawn")
    }
}

/// The moment at which a direction of a connection has sent everything, and the moment at which its last bytes arrive.
#[derive(Debug, Default)]
pub(super) struct Lane {
    free: Option<Instant>,
    last: Option<Instant>,
}

impl Lane {
    /// Returns when `size` bytes arrive that are sent now: after all that were sent before.
    pub(super) fn arrival(
        &mut self,
        faults: &Faults,
        path: (IpAddr, IpAddr),
        size: usize,
    ) -> Instant {
        let (busy, delay) = faults.time(path, size);
        let now = Instant::now();
        let free = self.free.map_or(now, |free| free.max(now)) + busy;
        let arrival = self.last.map_or(free + delay, |last| last.max(free + delay));
        (self.free, self.last) = (Some(free), Some(arrival));
        arrival
    }
}
