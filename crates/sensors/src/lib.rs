//! Says what a machine's owner needs of it: input, load, power, heat and network.
//!
//! A sensor answers with a [`Reading`]: what it saw, where, and when. What cannot be seen is [`Seen::Unknown`] with the reason, never a guess:
//! whoever decides treats it as if the machine were in use.
//!
//! Sensors of Linux are complete and tested. Those of macOS and Windows compile, and have never run: most of what they say is unknown.
//!
//! The crate decides nothing.

mod clock;
#[cfg(any(target_os = "macos", windows))]
mod elsewhere;
mod energy;
#[cfg(target_os = "linux")]
mod linux;
mod options;
mod readings;
mod sense;
mod watch;

#[cfg(any(target_os = "macos", windows))]
pub use elsewhere::{Sensors, Watcher, clock_error_ms, now};
pub use energy::{Energy, Quality};
#[cfg(target_os = "linux")]
pub use linux::{Sensors, Watcher, clock_error_ms, now};
pub use options::{EXCLUSIVE_MAX, Metered, Options};
pub use readings::{
    Battery, Call, Heat, Input, Load, Memory, Milliseconds, Network, Power, Reading, Readings,
    Seen, WallTime,
};
pub use sense::Sense;
pub use watch::{Event, EventKind};
