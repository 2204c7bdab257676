//! When somebody last typed at a terminal: a console, a window, a session over SSH.
//!
//! The kernel marks a terminal as read when a program takes what was typed, in steps of eight seconds. Other users' terminals can be
//! looked at too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use rustix::fs::inotify::{self, ReadFlags, WatchFlags};

use crate::Milliseconds;
use crate::linux::root::Root;

/// The most terminals that are looked at.
const TERMINALS_MAX: usize = 4096;

/// Remembers when each terminal was read.
#[derive(Debug, Default)]
pub(crate) struct Meter(BTreeMap<String, Terminal>);

#[derive(Clone, Copy, Debug)]
struct Terminal {
    read_ms: i64,
    last: Milliseconds,
}

impl Meter {
    /// Returns the last time somebody typed, and where; `None` if there is no terminal.
    ///
    /// A time stamp that changed while we looked means now: a clock that is set in between cannot hide it.
    pub(crate) fn read(
        &mut self,
        root: &Root,
        now: Milliseconds,
        unix_ms: i64,
    ) -> Option<(Milliseconds, String)> {
        let mut seen = BTreeMap::new();
        for name in names(root) {
            let Ok(found) = fs::metadata(root.path(&name)) else { continue };
            let read_ms =
                found.atime().saturating_mul(1000).saturating_add(found.atime_nsec() / 1_000_000);
            let last = match self.0.get(&name) {
                Some(known) if known.read_ms == read_ms => known.last,
                Some(_) => now,
                None => {
                    let age = u64::try_from(unix_ms.saturating_sub(read_ms)).unwrap_or(0);
                    Milliseconds(now.0.saturating_sub(age))
                }
            };
            seen.insert(name, Terminal { read_ms, last });
        }
        self.0 = seen;
        let (name, terminal) = self.0.iter().max_by_key(|(_, terminal)| terminal.last)?;
        Some((terminal.last, format!("/{name}")))
    }
}

/// Returns the terminals of a machine: windows and sessions (`dev/pts/3`), consoles (`dev/tty2`), and what the kernel's own console is (`dev/ttyS0`).
pub(crate) fn names(root: &Root) -> Vec<String> {
    let is_number = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let windows = root.names("dev/pts").into_iter().filter(|name| is_number(name));
    let consoles = root.names("dev").into_iter().filter(|name| {
        name.strip_prefix("tty").is_some_and(|number| is_number(number) && number != "0")
    });
    let active = root.word("sys/class/tty/console/active").unwrap_or_default();
    let active =
        active.split_whitespace().filter(|name| *name != "tty0").map(|name| format!("dev/{name}"));
    let mut all: Vec<String> = windows
        .map(|name| format!("dev/pts/{name}"))
        .chain(consoles.map(|name| format!("dev/{name}")))
        .chain(active)
        .take(TERMINALS_MAX)
        .collect();
    all.sort();
    all.dedup();
    all
}

/// Listens to terminals: the kernel tells when a program has read what was typed.
///
/// A program that waits for whole lines reads at the end of the line; shells and editors read every key. Terminals of other users can't be listened to,
/// only looked at ([`Meter`]).
#[derive(Debug)]
pub(crate) struct Keys {
    handle: OwnedFd,
    watched: BTreeMap<i32, String>,
}

/// What was heard.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// The terminal that somebody typed at.
    pub(crate) input: Option<String>,
    /// Whether there may be new terminals, devices or displays.
    pub(crate) is_changed: bool,
}

/// Folders in which new terminals, devices and displays appear.
const FOLDERS: [&str; 3] = ["dev/pts", "dev/input", "tmp/.X11-unix"];

impl Keys {
    /// Begins to listen.
    pub(crate) fn begin(root: &Root) -> io::Result<Self> {
        let handle = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
        let mut keys = Self { handle, watched: BTreeMap::new() };
        keys.look(root);
        Ok(keys)
    }

    /// Listens to terminals that are new.
    pub(crate) fn look(&mut self, root: &Root) {
        for folder in FOLDERS {
            // Absent on some machines; looked at again.
            let flags = WatchFlags::CREATE | WatchFlags::ATTRIB;
            if let Ok(number) = inotify::add_watch(&self.handle, root.path(folder), flags) {
                self.watched.insert(number, format!("{folder}/"));
            }
        }
        let known: BTreeSet<String> = self.watched.values().cloned().collect();
        for name in names(root).into_iter().filter(|name| !known.contains(name)) {
            if let Ok(number) =
                inotify::add_watch(&self.handle, root.path(&name), WatchFlags::ACCESS)
            {
                self.watched.insert(number, name);
            }
        }
    }

    /// Takes what was heard.
    pub(crate) fn take(&mut self, root: &Root) -> Heard {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.handle, &mut buffer);
        let mut heard = Heard::default();
        let mut gone = Vec::new();
        while let Ok(event) = reader.next() {
            let flags = event.events();
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                // What was lost may have been a key.
                heard = Heard { input: Some("terminals".into()), is_changed: true };
            } else if flags.contains(ReadFlags::IGNORED) {
                gone.push(event.wd());
            } else if flags.contains(ReadFlags::ACCESS) {
                heard.input = self.watched.get(&event.wd()).map(|name| format!("/{name}"));
            } else {
                heard.is_changed = true;
            }
        }
        for number in gone {
            self.watched.remove(&number);
        }
        if heard.is_changed {
            self.look(root);
        }
        heard
    }
}

impl AsFd for Keys {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}
