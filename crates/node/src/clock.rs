//! Time as the producer sees it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Tells the time of the next block. Tests inject their own.
pub trait Clock: Send + Sync {
    /// Unix seconds. May fall; block timestamps won't.
    fn now(&self) -> u64;
}

/// The wall clock read once, then moved by the monotonic clock: later changes of the wall clock move nothing.
///
/// Where the monotonic clock stops while the machine sleeps (Linux), so does this one, until the node is started again: a run's
/// deadlines don't pass while nobody could meet them.
#[derive(Clone, Copy, Debug)]
pub struct AnchoredClock {
    wall: Duration,
    started: Instant,
}

impl AnchoredClock {
    /// Anchors at the present. A wall clock before 1970 counts as 1970.
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
