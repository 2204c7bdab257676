//! The clock that never falls, and the one that files have.

use crate::{Milliseconds, Seen};

/// The kernel's word for a clock that nobody keeps right (`STA_UNSYNC`, adjtimex(2)).
const ADRIFT: i32 = libc::STA_UNSYNC;

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

/// Returns how far the wall clock may be off, in milliseconds, as the program says that keeps it right; none if there is none.
#[must_use]
pub fn clock_error_ms() -> Seen<Option<u64>> {
    #[expect(unsafe_code, reason = "no safe wrapper of adjtimex is at hand")]
    // SAFETY: `timex` is plain numbers, for which zero bytes are a value; with no mode the call only writes into it.
    let (answer, clock) = unsafe {
        let mut clock: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&raw mut clock), clock)
    };
    if answer < 0 {
        return Seen::Unknown(std::io::Error::last_os_error().to_string());
    }
    if clock.status & ADRIFT != 0 {
        return Seen::Known(None);
    }
    Seen::Known(Some(u64::try_from(clock.maxerror).unwrap_or(0) / 1_000))
}
