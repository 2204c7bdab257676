//! What time it is on a ledger that makes blocks only when something happens, and how long stragglers are waited for.

use std::time::{Duration, Instant};

use ledger_client::Head;
use units::UnixSeconds;

/// The newest block seen, and when it was first seen.
#[derive(Debug, Default)]
pub(super) struct LedgerClock {
    seen: Option<(u64, Instant)>,
}

impl LedgerClock {
    /// The time that a block made now would carry, a second early at the most: the head's time and what has passed since it was seen.
    pub(super) fn estimate(&mut self, head: &Head) -> UnixSeconds {
        #[expect(
            clippy::disallowed_methods,
            reason = "waiting is measured by the monotonic clock; the ledger has the last word"
        )]
        let now = Instant::now();
        let since = match self.seen {
            Some((height, since)) if height == head.height => since,
            _ => now,
        };
        self.seen = Some((head.height, since));
        head.time.after(u32::try_from(now.duration_since(since).as_secs()).unwrap_or(u32::MAX))
    }
}

/// A worker on the line that has not committed is waited for at least so long once there is a quorum, and at most until the deadline.
const PATIENCE_MIN: Duration = Duration::from_secs(15);

/// How many times as long as the quorum took the others may take.
const PATIENCE_FACTOR: u32 = 3;

/// How long the present round has been open, as this process saw it.
#[derive(Debug, Default)]
pub(super) struct RoundClock {
    round: Option<u32>,
    opened: Option<Instant>,
    has_quorum_since: Option<Instant>,
}

impl RoundClock {
    /// Whether those who have not committed have had time enough: the quorum is there, and much slower machines than it had theirs too.
    pub(super) fn is_patience_over(&mut self, round: u32, has_quorum: bool) -> bool {
        #[expect(clippy::disallowed_methods, reason = "who waits for whom changes no rule")]
        let now = Instant::now();
        if self.round != Some(round) {
            *self = Self { round: Some(round), opened: Some(now), has_quorum_since: None };
        }
        if !has_quorum {
            return false;
        }
        let since = *self.has_quorum_since.get_or_insert(now);
        let took = self.opened.map_or(Duration::ZERO, |opened| since.duration_since(opened));
        now.duration_since(since) >= PATIENCE_MIN.max(took.saturating_mul(PATIENCE_FACTOR))
    }
}
