//! Which of the owner's exclusive programs run.

use std::collections::{BTreeMap, BTreeSet};

use crate::Milliseconds;
use crate::linux::root::Root;

/// Where programs are read.
pub(crate) const SOURCE: &str = "/proc/*/comm, /proc/*/exe";

/// The kernel cuts names of programs after this many bytes.
const COMM_SIZE_MAX: usize = 15;

/// A process whose name has not changed is looked at closely again after so long, in milliseconds.
const AGAIN_MS: u64 = 30_000;

/// Remembers what processes were called, because looking at all of them closely costs much.
#[derive(Debug, Default)]
pub(crate) struct Search {
    known: BTreeMap<u32, (String, Option<String>)>,
    forgets: Milliseconds,
}

impl Search {
    /// Returns those of `names` that run, sorted.
    pub(crate) fn running(
        &mut self,
        root: &Root,
        names: &[String],
        now: Milliseconds,
    ) -> Vec<String> {
        if names.is_empty() {
            return Vec::new();
        }
        if self.forgets <= now {
            self.known.clear();
            self.forgets = Milliseconds(now.0.saturating_add(AGAIN_MS));
        }
        let mut seen = BTreeMap::new();
        for process in root.processes() {
            let Some(comm) = root.word(&format!("proc/{process}/comm")) else { continue };
            let found = match self.known.remove(&process) {
                Some((before, found)) if before == comm => found,
                _ => matching(root, process, names).cloned(),
            };
            seen.insert(process, (comm, found));
        }
        self.known = seen;
        let found: BTreeSet<&String> =
            self.known.values().filter_map(|(_, found)| found.as_ref()).collect();
        found.into_iter().cloned().collect()
    }
}

/// Returns the name that a process goes by, if it is one of `names`: as the kernel calls it, as its file is called, or as its first argument says
/// (programs for Windows under Wine have their name only there).
pub(crate) fn matching<'a>(root: &Root, process: u32, names: &'a [String]) -> Option<&'a String> {
    let comm = root.word(&format!("proc/{process}/comm"))?;
    let by_comm = names.iter().find(|name| {
        let end = (0..=COMM_SIZE_MAX.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
        comm == name[..end.unwrap_or(0)]
    });
    if by_comm.is_some() {
        return by_comm;
    }
    if let Some(file) = root.link_name(&format!("proc/{process}/exe")) {
        // The kernel marks a file that was replaced while it runs.
        let file = file.trim_end_matches(" (deleted)");
        if let Some(name) = names.iter().find(|name| *name == file) {
            return Some(name);
        }
    }
    let line = root.text(&format!("proc/{process}/cmdline")).ok()?;
    let first = line.split('\0').next()?;
    let file = first.rsplit(['/', '\\']).next()?;
    names.iter().find(|name| *name == file)
}
