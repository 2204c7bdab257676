//! What every platform's sensors can do.

use crate::{Energy, Milliseconds, Readings};

/// Sensors of one platform.
pub trait Sense {
    /// Reads all sensors. What is costly to read is read at most every five seconds, and says when it was read.
    ///
    /// `now` is what [`crate::now`] says.
    fn read(&mut self, now: Milliseconds) -> Readings;

    /// Returns counters of energy: ask at least once a minute. None if the machine has no meter that this process may read.
    fn energy(&mut self, now: Milliseconds) -> Vec<Energy>;
}
