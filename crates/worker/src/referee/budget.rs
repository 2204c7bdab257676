//! How much a referee does in an hour.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// The time in which replays and bytes are counted.
const HOUR: Duration = Duration::from_secs(3600);

/// Largest number of replays in an hour: one every 15 s, which leaves the node most of its time.
const REPLAYS_MAX: usize = 240;
/// Largest number of those for one run, so that no run keeps the referee from the others.
const REPLAYS_PER_RUN_MAX: usize = 80;
/// Largest number of bytes fetched in an hour: the states of 80 rounds of a model with 50 million parameters.
const BYTES_MAX: u64 = 16 << 30;

/// The replays of the last hour, those that failed included: whoever opens a run whose coordinator does not answer takes a
/// referee's time as well.
#[derive(Debug, Default)]
pub(super) struct Budget {
    begun: VecDeque<(Instant, u64)>,
    fetched: VecDeque<(Instant, u64)>,
}

impl Budget {
    /// Whether another replay of this run is within the bounds.
    pub(super) fn has_room(&mut self, run: u64, now: Instant) -> bool {
        for counted in [&mut self.begun, &mut self.fetched] {
            counted.retain(|(at, _)| now.duration_since(*at) < HOUR);
        }
        let of_run = self.begun.iter().filter(|(_, of)| *of == run).count();
        let bytes = self.fetched.iter().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
        self.begun.len() < REPLAYS_MAX && of_run < REPLAYS_PER_RUN_MAX && bytes < BYTES_MAX
    }

    /// Counts a replay that begins.
    pub(super) fn begin(&mut self, run: u64, now: Instant) {
        self.begun.push_back((now, run));
    }

    /// Counts what was fetched for a replay.
    pub(super) fn fetched(&mut self, bytes: u64, now: Instant) {
        self.fetched.push_back((now, bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_room_for_so_many_replays() {
        let (mut budget, start) = (Budget::default(), Instant::now());
        for _ in 0..REPLAYS_PER_RUN_MAX {
            assert!(budget.has_room(1, start));
            budget.begin(1, start);
        }
        assert!(!budget.has_room(1, start) && budget.has_room(2, start));
        for at in 0..(REPLAYS_MAX - REPLAYS_PER_RUN_MAX) {
            assert!(budget.has_room(1000, start));
            budget.begin(u64::try_from(at).unwrap() + 2, start);
        }
        assert!(!budget.has_room(1000, start));
        assert!(budget.has_room(1, start + HOUR));
    }

    #[test]
    fn large_states_fill_the_hour_sooner() {
        let (mut budget, start) = (Budget::default(), Instant::now());
        budget.fetched(BYTES_MAX - 1, start);
        assert!(budget.has_room(1, start));
        budget.fetched(1, start);
        assert!(!budget.has_room(1, start) && !budget.has_room(2, start));
        assert!(budget.has_room(1, start + HOUR));
    }
}
