//! The moment at which something is sent.

use std::time::{SystemTime, UNIX_EPOCH};

use ledger_client::Ledger;

/// Returns the seconds since 1970 from which deadlines count: the later of the next block's time and this machine's clock.
///
/// A ledger without transactions makes no blocks, so its newest block may be hours old, and the next one has the time of its maker's clock. Whichever of the
/// two clocks is slow does no harm.
///
/// # Errors
/// When the ledger does not answer.
pub(crate) async fn sending_time(ledger: &Ledger) -> anyhow::Result<u64> {
    #[expect(clippy::disallowed_methods, reason = "the next block's time is a clock's")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let clock = since.map_or(0, |since| since.as_secs());
    Ok(clock.max(ledger.next_time().await?.as_u64()))
}
