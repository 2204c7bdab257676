//! The time on a ledger that makes blocks only for transactions, and how long to wait for slow devices.

use std::time::Duration;

use ledger_client::Ledger;
use ledger_views::{Ask as _, Head};
use tokio::time::Instant;
use units::{UnixSeconds, Wei};

/// The newest block seen, and when it was first seen.
#[derive(Debug, Default)]
pub(super) struct LedgerClock {
    seen: Option<(u64, Instant)>,
}

impl LedgerClock {
    /// Returns the time that a block made now would have, at most a second too early: the head's time plus the time
    /// since it was seen.
    fn estimate(&mut self, head: &Head) -> UnixSeconds {
        let now = Instant::now();
        let since = match self.seen {
            Some((height, since)) if height == head.height => since,
            _ => now,
        };
        self.seen = Some((head.height, since));
        head.time.after(u32::try_from(now.duration_since(since).as_secs()).unwrap_or(u32::MAX))
    }

    /// Returns whether the ledger's time has reached `deadline`. A ledger without transactions may make no blocks, so
    /// its time does not advance: then this sends a transaction to make one.
    pub(super) async fn is_past(
        &mut self,
        ledger: &Ledger,
        deadline: UnixSeconds,
    ) -> anyhow::Result<bool> {
        let head = ledger.head().await?;
        if head.time >= deadline {
            return Ok(true);
        }
        if self.estimate(&head) >= deadline {
            make_block(ledger).await?;
        }
        Ok(false)
    }
}

/// Sends a transaction so that a block is made.
pub(super) async fn make_block(ledger: &Ledger) -> anyhow::Result<()> {
    if let Some(owner) = ledger.account() {
        ledger.transfer(&owner, Wei::ZERO).await?;
    }
    Ok(())
}

/// Shortest wait for a connected worker without a commitment once there is a quorum; the longest is until the deadline.
const PATIENCE_MIN: Duration = Duration::from_secs(15);

/// The others may take this many times as long as the quorum took.
const PATIENCE_FACTOR: u32 = 3;

/// How long the current round has been open, as measured by this process.
#[derive(Debug, Default)]
pub(super) struct RoundClock {
    round: Option<u32>,
    opened: Option<Instant>,
    has_quorum_since: Option<Instant>,
}

impl RoundClock {
    /// Returns whether devices without a commitment had enough time: there is a quorum, and devices that are much slower
    /// than it would have finished.
    pub(super) fn is_patience_over(&mut self, round: u32, has_quorum: bool) -> bool {
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
