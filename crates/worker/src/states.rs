//! The newest base states by digest, so that rounds and audits of recent rounds need no download.

use std::{collections::VecDeque, sync::Arc};

use units::Digest;

/// Largest number of states in memory: the current one, that of the round which was started ahead, and those of rounds that may still be
/// audited, also by a coordinator that takes over from one that was lost with its disk.
pub(crate) const STATES_HELD_MAX: usize = 4;

/// The newest states of this worker, each checked against its digest.
#[derive(Debug)]
pub(crate) struct States {
    /// How many are held.
    count_max: usize,
    held: VecDeque<(Digest, Arc<Vec<f32>>)>,
    /// The state that is expected next, until it is asked for.
    expected: Option<(Digest, Arc<Vec<f32>>)>,
}

impl States {
    /// Holds at most `count_max` states, and at least one.
    pub(crate) fn new(count_max: usize) -> Self {
        Self {
            count_max: count_max.clamp(1, STATES_HELD_MAX),
            held: VecDeque::new(),
            expected: None,
        }
    }

    /// Changes how many states are held.
    pub(crate) fn limit(&mut self, count_max: usize) {
        self.count_max = count_max.clamp(1, STATES_HELD_MAX);
        self.held.drain(..self.held.len().saturating_sub(self.count_max));
    }

    /// Returns the parameters with this digest, if they are still in memory.
    #[must_use]
    pub(crate) fn find(&mut self, digest: &Digest) -> Option<Arc<Vec<f32>>> {
        if let Some((expected, parameters)) =
            self.expected.take_if(|(expected, _)| expected == digest)
        {
            self.hold(expected, parameters);
        }
        self.held
            .iter()
            .find(|(held, _)| held == digest)
            .map(|(_, parameters)| Arc::clone(parameters))
    }

    /// Keeps the state that is expected next, beside the held ones: the ledger may never name it.
    pub(crate) fn expect(&mut self, digest: Digest, parameters: Arc<Vec<f32>>) {
        self.expected = Some((digest, parameters));
    }

    /// Stores `parameters`, whose digest the caller has checked, and removes the oldest beyond the limit.
    pub(crate) fn hold(&mut self, digest: Digest, parameters: Arc<Vec<f32>>) {
        if !self.held.iter().any(|(held, _)| *held == digest) {
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
        let next = STATES_HELD_MAX + 1;
        states.expect(digest(next), Arc::new(Vec::new()));
        assert!(states.find(&digest(1)).is_some(), "what may never come pushes nothing out");
        assert!(states.find(&digest(next)).is_some());
        assert!(states.find(&digest(1)).is_none(), "what came does");
        states.limit(1);
        assert!(states.find(&digest(STATES_HELD_MAX)).is_none());
        assert!(states.find(&digest(next)).is_some());
    }
}
