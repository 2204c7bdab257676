//! The clock that never falls, and the one that files have.

use crate::Milliseconds;

/// Returns the time since the machine started, suspended time included.
#[must_use]
pub fn now() -> Milliseconds {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let milliseconds = u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000;
    Milliseconds(seconds.saturating_mul(1000).saturating_add(milliseconds))
}

/// Returns milliseconds since 1970, UTC.
pub(crate) fn unix_milliseconds() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
