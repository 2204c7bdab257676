//! How a simulation went.

use std::time::Duration;

use alloy_primitives::B256;
use units::Digest;

use crate::Settled;

/// What is kept of a simulation's trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// The lines, to read them.
    Lines,
    /// Only their digest.
    Digest,
}

/// How a simulation went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The seed of its plan.
    pub seed: u64,
    /// What it came to, or what did not hold.
    pub result: Result<Settled, String>,
    /// Digest of the trace: two runs of one plan have the same.
    pub trace: Digest,
    /// Number of lines of the trace.
    pub events: u64,
    /// The lines, if they were recorded.
    pub lines: Vec<String>,
    /// Virtual time that passed.
    pub virtual_time: Duration,
    /// Height of the last block.
    pub height: u64,
    /// State root of the ledger at the end.
    pub state_root: B256,
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            seed: 0,
            result: Err("it did not begin".to_owned()),
            trace: Digest::ZERO,
            events: 0,
            lines: Vec::new(),
            virtual_time: Duration::ZERO,
            height: 0,
            state_root: B256::ZERO,
        }
    }
}

impl Outcome {
    /// Returns how to repeat a simulation that failed; `None` if it did not.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        let reason = self.result.as_ref().err()?;
        let seed = self.seed;
        Some(format!(
            "seed {seed}: {reason}\nreproduce: gleaner experiment network --seeds {seed}..{} --trace",
            seed.saturating_add(1)
        ))
    }
}
