//! Counters of energy.

use serde::{Deserialize, Serialize};

/// What a device used so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Energy {
    /// What counts: a file, or a device.
    pub source: String,
    /// Microjoules since some moment in the past. Only differences mean something; the counter never falls while the program runs.
    pub microjoules: u64,
    /// How well it is known.
    pub quality: Quality,
}

/// How well energy is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// A counter of the hardware.
    Measured,
    /// Power, now and then, times time.
    Estimated,
}
