//! The newest base states by digest, so that rounds and audits of recent rounds need no download.

use std::{collections::VecDeque, sync::Arc};

use units::Digest;

/// Number of states in memory: the current one, and those of rounds that may still be audited.
pub(crate) const STATES_HELD_MAX: usize = 4;

/// The newest states of this worker, each checked against its digest.
#[derive(Debug, Default)]
pub(crate) struct States {
    held: VecDeque<(Digest, Arc<Vec<f32>>)>,
}

impl States {
    /// Returns the parameters with this digest, if they are still in memory.
    #[must_use]
    pub(crate) fn find(&self, digest: &Digest) -> Option<Arc<Vec<f32>>> {
        self.held
            .iter()
            .find(|(held, _)| held == digest)
            .map(|(_, parameters)| Arc::clone(parameters))
    }

    /// Stores `parameters`, whose digest the caller has checked, and removes the oldest beyond [`STATES_HELD_MAX`].
    pub(crate) fn hold(&mut self, digest: Digest, parameters: Arc<Vec<f32>>) {
        if self.find(&digest).is_none() {
            self.held.push_back((digest, parameters));
            while self.held.len() > STATES_HELD_MAX {
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
        let mut states = States::default();
        let digest = |byte: usize| Digest::from_bytes([u8::try_from(byte).unwrap(); 32]);
        for byte in 0..=STATES_HELD_MAX {
            states.hold(digest(byte), Arc::new(vec![0.0; byte]));
        }
        assert!(states.find(&digest(0)).is_none());
        assert_eq!(states.find(&digest(STATES_HELD_MAX)).unwrap().len(), STATES_HELD_MAX);
    }
}
