//! The base states that are served: those of the newest rounds, and older ones while somebody needs them.
//!
//! Open audits and disputes may need the base states of 64 rounds. They are not held in memory, but rebuilt from disk
//! for whoever asks: one at a time, in turns over the devices that ask, and each is served for a while before another
//! takes its place. So a device that asks without end costs the others a share of the turns, and no memory.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use machine::Effort;
use tokio::{task::JoinSet, time::Instant};
use transport::message::ToWorker;
use units::{DeviceId, Digest};

use super::Driver;
use crate::{Event, chain};

/// Number of newest rounds whose base states are always served: the open one, and the one that is being audited.
const RECENT_MAX: usize = 2;

/// Largest size of all rebuilt states that are served.
const REBUILT_BYTES_MAX: u64 = 256 << 20;

/// Smallest number of rebuilt states that are served, whatever their size.
const REBUILT_MIN: usize = 2;

/// How long a rebuilt state is served at least, so that whoever asked can begin to fetch it.
const REBUILT_SERVED: Duration = Duration::from_secs(5);

/// The result of rebuilding a state.
pub(super) struct Rebuilt {
    round: u32,
    base: Digest,
    parameters: anyhow::Result<Vec<u8>>,
}

/// The base states that are served.
#[derive(Debug)]
pub(super) struct Bases {
    /// By the round that starts from them.
    recent: BTreeMap<u32, Digest>,
    rebuilt: VecDeque<(Digest, Instant)>,
    rebuilt_max: usize,
    running: JoinSet<Rebuilt>,
    /// The device for which a state was rebuilt last.
    turn: Option<DeviceId>,
}

impl Bases {
    /// Serves states of `state_size` bytes.
    pub(super) fn new(state_size: u64) -> Self {
        let fitting = REBUILT_BYTES_MAX.checked_div(state_size).unwrap_or_default();
        Self {
            recent: BTreeMap::new(),
            rebuilt: VecDeque::new(),
            rebuilt_max: usize::try_from(fitting).unwrap_or(usize::MAX).max(REBUILT_MIN),
            running: JoinSet::new(),
            turn: None,
        }
    }

    pub(super) fn is_recent(&self, round: u32) -> bool {
        self.recent.contains_key(&round)
    }

    /// Adds the base state of the open round, which the caller serves.
    pub(super) fn add_recent(&mut self, round: u32, base: Digest) {
        self.recent.insert(round, base);
        while self.recent.len() > RECENT_MAX {
            self.recent.pop_first();
        }
    }

    /// Returns the states that are served.
    pub(super) fn served(&self) -> impl Iterator<Item = Digest> {
        self.recent.values().copied().chain(self.rebuilt.iter().map(|(base, _)| *base))
    }

    /// Waits until a state is rebuilt.
    pub(super) async fn rebuilt(&mut self) -> Rebuilt {
        loop {
            match self.running.join_next().await {
                None => std::future::pending().await,
                Some(Ok(rebuilt)) => return rebuilt,
                Some(Err(error)) => tracing::error!(%error, "rebuilding a state panicked"),
            }
        }
    }

    /// Returns whether another state may be rebuilt now.
    fn has_room(&self, now: Instant) -> bool {
        let is_full = self.rebuilt.len() >= self.rebuilt_max;
        let is_young = |since: &Instant| now.duration_since(*since) < REBUILT_SERVED;
        let is_oldest_young = self.rebuilt.front().is_some_and(|(_, since)| is_young(since));
        self.running.is_empty() && !(is_full && is_oldest_young)
    }

    /// Adds a rebuilt state, and removes the oldest beyond the limit.
    fn add_rebuilt(&mut self, base: Digest, now: Instant) {
        self.rebuilt.push_back((base, now));
        while self.rebuilt.len() > self.rebuilt_max {
            self.rebuilt.pop_front();
        }
    }

    /// Returns whose turn it is: the first after the device that had the last one.
    fn next_of(&mut self, asking: &BTreeMap<DeviceId, u32>) -> Option<u32> {
        let later = |(device, _): &(&DeviceId, &u32)| self.turn.is_none_or(|turn| turn < **device);
        let (device, round) = asking.iter().find(later).or_else(|| asking.iter().next())?;
        self.turn = Some(*device);
        Some(*round)
    }
}

impl Driver<'_> {
    /// Answers admitted devices whose base states are served, and begins to rebuild one that is not.
    pub(super) fn serve_wanted(&mut self, known: &BTreeSet<DeviceId>) {
        let served: BTreeSet<Digest> = self.bases.served().collect();
        let (mut answers, mut asking) = (Vec::new(), BTreeMap::new());
        for (device, peer) in self.peers.iter_mut().filter(|(device, _)| known.contains(device)) {
            peer.wanted.retain(|round| match self.tally.chain.state(*round) {
                Some(base) if !served.contains(&base) => {
                    asking.entry(*device).or_insert(*round);
                    true
                }
                base => {
                    answers.push((*device, *round, base.unwrap_or(Digest::ZERO)));
                    false
                }
            });
        }
        for (device, round, base) in answers {
            self.send(&device, &ToWorker::Served { round, base: *base.as_bytes() });
        }
        if !self.bases.has_room(Instant::now()) {
            return;
        }
        let Some(round) = self.bases.next_of(&asking) else { return };
        let Some(base) = self.tally.chain.state(round) else { return };
        let (folder, spec) = (self.folder.clone(), Arc::clone(&self.spec));
        let chain = self.tally.chain.clone();
        let rebuilding = move || {
            let parameters = chain::rebuild(&folder, &spec, &chain, round)?;
            Ok(model::params_to_bytes(&parameters))
        };
        let machine = Arc::clone(&self.options.machine);
        self.bases.running.spawn(async move {
            let rebuilt = machine::run(machine.as_ref(), Effort::of(0), rebuilding).await;
            let parameters = rebuilt.unwrap_or_else(|interrupted| Err(interrupted.into()));
            Rebuilt { round, base, parameters }
        });
    }

    /// Serves a rebuilt state; who asked is answered in the next pass. A state that can't be had is nothing to wait for.
    pub(super) async fn serve_rebuilt(&mut self, rebuilt: Rebuilt) {
        let Rebuilt { round, base, parameters } = rebuilt;
        let published = match parameters {
            // Removed first, so that there is never one too many.
            Ok(parameters) => {
                self.bases.add_rebuilt(base, Instant::now());
                self.retain_published();
                self.endpoint.publish(parameters).await.map_err(anyhow::Error::from)
            }
            Err(error) => Err(error),
        };
        let published = published.context("its base state can't be had");
        if let Err(error) = published {
            self.bases.rebuilt.retain(|(served, _)| *served != base);
            let number = round.saturating_add(1);
            self.emit(Event::Note(format!("round {number} can't be repeated: {error:#}")));
            let none = ToWorker::Served { round, base: *Digest::ZERO.as_bytes() };
            let asking = self
                .peers
                .iter_mut()
                .filter_map(|(device, peer)| peer.wanted.remove(&round).then_some(*device));
            let asking: Vec<DeviceId> = asking.collect();
            asking.iter().for_each(|device| self.send(device, &none));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(byte: u8) -> Digest {
        Digest::from_bytes([byte; 32])
    }

    #[test]
    fn rebuilt_states_are_few_and_served_for_a_while() {
        let mut bases = Bases::new(REBUILT_BYTES_MAX / 3);
        let start = Instant::now();
        for byte in 0..3 {
            assert!(bases.has_room(start), "{byte}");
            bases.add_rebuilt(digest(byte), start);
        }
        assert!(!bases.has_room(start), "the oldest was not served for long enough");
        let later = start + REBUILT_SERVED;
        assert!(bases.has_room(later));
        bases.add_rebuilt(digest(3), later);
        assert_eq!(bases.served().collect::<Vec<_>>(), [1, 2, 3].map(digest));
        assert_eq!(Bases::new(u64::MAX).rebuilt_max, REBUILT_MIN);
    }

    #[test]
    fn the_newest_rounds_are_always_served() {
        let mut bases = Bases::new(1);
        for round in 0..5_u8 {
            bases.add_recent(u32::from(round), digest(round));
        }
        assert_eq!(bases.served().collect::<Vec<_>>(), [3, 4].map(digest));
        assert!(bases.is_recent(4) && !bases.is_recent(2));
    }

    #[test]
    fn devices_that_ask_take_turns() {
        let mut bases = Bases::new(1);
        let device = |byte: u8| DeviceId::from_bytes([byte; 32]);
        let mut asking = BTreeMap::from([(device(1), 10), (device(2), 20), (device(3), 30)]);
        let mut next = |asking: &BTreeMap<DeviceId, u32>| bases.next_of(asking);
        assert_eq!([(); 4].map(|()| next(&asking)), [10, 20, 30, 10].map(Some));
        asking.remove(&device(2));
        assert_eq!([(); 2].map(|()| next(&asking)), [30, 10].map(Some));
        assert_eq!(next(&BTreeMap::new()), None);
    }
}
