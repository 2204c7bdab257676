//! macOS.
#![expect(unsafe_code, reason = "the system's functions have no safe wrapper")]

use std::path::Path;

use rustix::time::{ClockId, clock_gettime};

use crate::{Memory, Milliseconds, Power, Seen};

/// Where all is read.
pub(crate) const SOURCE: &str = "macOS";

#[link(name = "CoreGraphics", kind = "framework")]
unsafe extern "C" {
    /// Seconds since the last event of a kind (`CGEventSource.h`).
    fn CGEventSourceSecondsSinceLastEventType(state: i32, kind: u32) -> f64;
}

/// State of the hardware, not of a session.
const HARDWARE: i32 = 1;

/// Every kind of event.
const ANY: u32 = u32::MAX;

/// Returns the time since the machine started, sleep included.
#[must_use]
pub fn now() -> Milliseconds {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let milliseconds = u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000;
    Milliseconds(seconds.saturating_mul(1000).saturating_add(milliseconds))
}

/// Returns how long nobody has touched the machine.
pub(crate) fn idle_ms() -> Result<u64, String> {
    // SAFETY: takes two numbers and returns one.
    let seconds = unsafe { CGEventSourceSecondsSinceLastEventType(HARDWARE, ANY) };
    std::time::Duration::try_from_secs_f64(seconds)
        .map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
        .map_err(|error| format!("CGEventSourceSecondsSinceLastEventType: {seconds}: {error}"))
}

/// Memory: how much is free is not read yet.
pub(crate) fn memory() -> Seen<Memory> {
    Seen::Unknown("memory is not sensed on this operating system yet".into())
}

/// Mains and battery are not read yet.
pub(crate) fn power() -> Seen<Power> {
    Seen::Unknown("power is not sensed on this operating system yet".into())
}

/// Reads how many bytes can be written where `folder` is.
pub(crate) fn disk(folder: &Path) -> Seen<u64> {
    match rustix::fs::statvfs(folder) {
        Ok(found) => Seen::Known(found.f_bavail.saturating_mul(found.f_frsize)),
        Err(error) => Seen::Unknown(format!("{}: {error}", folder.display())),
    }
}
