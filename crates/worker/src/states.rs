//! The newest base states by digest, so that rounds and audits of recent rounds need no download.

use std::{collections::VecDeque, sync::Arc};

use units::Digest;

/// Largest number of states in memory: the current one, and those of rounds that may still be audited.
pub(crate) const STATES_HELD_MAX: usize = 4;

/// The newest states of this worker, each checked against its digest.
#[derive(Debug)]
pub(crate) struct States {
    /// How many are held.
    count_max: usize,
    held: VecDeque<(Digest, Arc<Vec<f32>>)>,
}

impl States {
    /// Holds at most `count_max` states, and at least one.
    pub(crate) fn new(count_max: usize) -> Self {
        Self { count_max: count_max.clamp(1, STATES_HELD_MAX), held: VecDeque::new() }
    }

    /// Changes how many states are held.
    pub(crate) fn limit(&mut self, count_max: usize) {
        self.count_max = count_max.clamp(1, STATES_HELD_MAX);
        self.held.drain(..self.held.len().saturating_sub(self.count_max));
    }

    /// Returns the parameters with this digest, if they are still in memory.
    #[must_use]
    pub(crate) fn find(&self, digest: &Digest) -> Option<Arc<Vec<f32>>> {
        self.held
            .iter()
            .find(|(held, _)| held == digest)
            .map(|(_, parameters)| Arc::clone(parameters))
    }

    /// Returns the parameters that were stored last.
    pub(crate) fn newest(&self) -> Option<Arc<Vec<f32>>> {
        self.held.back().map(|(_, parameters)| Arc::clone(parameters))
    }

    /// Stores `parameters`, whose digest the caller has checked, and removes the oldest beyond the limit.
    pub(crate) fn hold(&mut self, digest: Digest, parameters: Arc<Vec<f32>>) {
        if self.find(&digest).is_none() {
            self.held.push_back((digest, parameters));
            while self.held.len() > self.count_max {
                self.held.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_states_are_held() {
        let mut states = States::new(STATES_HELD_MAX);
        let digest = |byte: usize| Digest::from_bytes([u8::try_from(byte).unwrap(); 32]);
        for byte in 0..=STATES_HELD_MAX {
            states.hold(digest(byte), Arc::new(vec![0.0; byte]));
        }
        assert!(states.find(&digest(0)).is_none());
        assert_eq!(states.find(&digest(STATES_HELD_MAX)).unwrap().len(), STATES_HELD_MAX);
        states.limit(1);
        assert!(states.find(&digest(STATES_HELD_MAX - 1)).is_none());
        assert!(states.find(&digest(STATES_HELD_MAX)).is_some());
    }
}
