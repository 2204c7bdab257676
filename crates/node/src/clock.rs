//! The clock of the block producer.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Returns the time for the next block. Tests use their own.
pub trait Clock: Send + Sync {
    /// Returns the time in Unix seconds. It may fall; block timestamps don't.
    fn now(&self) -> u64;
}

/// The wall clock read once, then advanced by the monotonic clock: later changes of the wall clock have no effect.
///
/// If the monotonic clock stops while the machine sleeps (Linux), so does this one, until the node is restarted:
/// deadlines of a run don't pass while nobody could meet them.
#[derive(Clone, Copy, Debug)]
pub struct AnchoredClock {
    wall: Duration,
    started: Instant,
}

impl AnchoredClock {
    /// Reads the wall clock. A time before 1970 counts as 1970.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the node is where time enters the ledger")]
    pub fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { wall, started: Instant::now() }
    }
}

impl Clock for AnchoredClock {
    fn now(&self) -> u64 {
        self.wall.saturating_add(self.started.elapsed()).as_secs()
    }
}
