//! The owner's file of limits, looked at now and then while the agent runs.
//!
//! Editors empty a file before they write it again, and an empty file would be the defaults: a change is taken when it has been there at two looks. A file that
//! is gone (a folder that is not mounted any more) changes nothing, because its limits may be tighter than the defaults.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sensors::Milliseconds;

/// Time between two looks, in milliseconds.
const LOOK_MS: u64 = 2_000;

/// What tells a file from how it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    modified: SystemTime,
    size: u64,
}

/// What a look has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing new.
    Same,
    /// Another file, which stands still.
    Changed,
    /// None any more.
    Gone,
}

/// The file.
#[derive(Debug)]
pub(super) struct LimitsFile {
    path: PathBuf,
    /// As it was when it was read last, and at the last look.
    read: Option<Stamp>,
    seen: Option<Stamp>,
    looked: Milliseconds,
}

impl LimitsFile {
    /// Remembers how it is. Call it before it is read: what changes afterwards is found.
    pub(super) fn new(path: PathBuf, now: Milliseconds) -> Self {
        let read = stamp(&path);
        Self { path, read, seen: read, looked: now }
    }

    /// Returns where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks whether it is to be read again.
    pub(super) fn look(&mut self, now: Milliseconds) -> Found {
        if now.since(self.looked) < LOOK_MS {
            return Found::Same;
        }
        self.looked = now;
        let found = stamp(&self.path);
        let stands_still = found == self.seen;
        self.seen = found;
        if found == self.read || !stands_still {
            return Found::Same;
        }
        self.read = found;
        if found.is_some() { Found::Changed } else { Found::Gone }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    let modified = metadata.modified().ok()?;
    Some(Stamp { inode: metadata.ino(), modified, size: metadata.len() })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_read_again_when_it_stands_still_and_its_loss_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        fs::write(&path, "tight").unwrap();
        let mut file = LimitsFile::new(path.clone(), Milliseconds(0));
        let mut now = 0;
        let mut look = |file: &mut LimitsFile| {
            now += LOOK_MS;
            file.look(Milliseconds(now))
        };
        assert_eq!(look(&mut file), Found::Same);
        // Emptied at one look, and written at the next: the empty file is never taken.
        fs::write(&path, "").unwrap();
        assert_eq!(look(&mut file), Found::Same);
        fs::write(&path, "tighter").unwrap();
        assert_eq!(look(&mut file), Found::Same);
        assert_eq!(look(&mut file), Found::Changed);
        assert_eq!(look(&mut file), Found::Same);
        // Another file of the same size and time.
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let other = folder.path().join("other");
        fs::write(&other, "looser!").unwrap();
        fs::File::open(&other).unwrap().set_modified(modified).unwrap();
        fs::rename(&other, &path).unwrap();
        assert_eq!((look(&mut file), look(&mut file)), (Found::Same, Found::Changed));
        fs::remove_file(&path).unwrap();
        assert_eq!((look(&mut file), look(&mut file)), (Found::Same, Found::Gone));
        assert_eq!(look(&mut file), Found::Same);
        fs::write(&path, "").unwrap();
        assert_eq!((look(&mut file), look(&mut file)), (Found::Same, Found::Changed));
        // Not before the time.
        fs::write(&path, "x").unwrap();
        assert_eq!(file.look(Milliseconds(now + 1)), Found::Same);
    }
}
