//! What the threads that wait for events have seen, for whoever reads next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Milliseconds, Seen};

/// Shared between the threads that wait and the sensors that are read.
#[derive(Debug, Default)]
pub(crate) struct Notes(Mutex<Noted>);

/// What was noted.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    /// The last input that a thread saw, and where.
    pub(crate) input: Option<(Milliseconds, String)>,
    /// Displays, by name.
    pub(crate) displays: BTreeMap<String, DisplayNote>,
    /// Input devices of the kernel.
    pub(crate) devices: Devices,
    /// Exclusive programs that have begun since somebody last asked.
    pub(crate) begun: BTreeSet<String>,
}

/// What a display's thread saw last.
#[derive(Clone, Debug)]
pub(crate) struct DisplayNote {
    /// When it last answered, or refused.
    pub(crate) at: Milliseconds,
    /// What it said, or why nothing.
    pub(crate) state: Result<DisplaySeen, String>,
}

/// What a display says.
#[derive(Clone, Debug)]
pub(crate) struct DisplaySeen {
    /// The last input that it counted.
    pub(crate) last: Option<Milliseconds>,
    /// Which program fills it.
    pub(crate) full_screen: Seen<Option<String>>,
    /// Whether it is a guest of a Wayland display, which sees all input.
    pub(crate) is_guest: bool,
}

/// Keyboards, pointers and buttons, as the kernel knows them (`/dev/input/event*`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Devices {
    /// Keyboards and pointers that are listened to.
    pub(crate) heard: BTreeSet<String>,
    /// Devices that cannot be opened.
    pub(crate) refused: BTreeSet<String>,
}

impl Notes {
    /// Gives access to what was noted. A thread that panicked left whole values behind.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes input that has just been seen.
    pub(crate) fn note_input(&self, at: Milliseconds, source: &str) {
        let mut noted = self.lock();
        if noted.input.as_ref().is_none_or(|(last, _)| *last <= at) {
            noted.input = Some((at, source.to_owned()));
        }
    }

    /// Notes what a display says.
    pub(crate) fn note_display(
        &self,
        name: &str,
        at: Milliseconds,
        state: Result<DisplaySeen, String>,
    ) {
        self.lock().displays.insert(name.to_owned(), DisplayNote { at, state });
    }
}
