//! When somebody last typed at a terminal: a console, a window, a session over SSH.
//!
//! The kernel marks a terminal as read when a program takes what was typed, in steps of eight seconds. Other users' terminals can be
//! looked at too.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

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
