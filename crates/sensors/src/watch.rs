//! What is told at once, without waiting for the next reading.

use crate::Milliseconds;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it was noticed.
    pub at: Milliseconds,
    /// What happened.
    pub kind: EventKind,
    /// Where: a display, a device, a program.
    pub source: String,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Somebody touched a key or a pointer, or typed at a terminal.
    Input,
    /// The supply of power may have changed: read it.
    Power,
    /// An exclusive program began.
    Exclusive,
    /// Programs wait for memory or disks.
    Pressure,
}
