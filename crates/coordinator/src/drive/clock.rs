//! What time it is on a ledger that makes blocks only when something happens.

use std::time::Instant;

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
