//! Triggers of the kernel that tell when programs wait for memory or disks.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};

use crate::linux::root::Root;

/// Three tenths of a second of waiting within two seconds. Without rights the kernel allows only windows of whole two seconds (commit d82caa273565).
///
/// The processor has no trigger: a worker of lowest priority waits for it whenever others use it, and would tell of itself.
const TRIGGER: &[u8] = b"some 300000 2000000\0";

/// The triggers that could be set.
#[derive(Debug, Default)]
pub(crate) struct Triggers(Vec<File>);

impl Triggers {
    /// Sets the triggers. Where the kernel has none, the readings of pressure remain.
    pub(crate) fn set(root: &Root) -> Self {
        let set = |resource: &str| {
            let path = root.path(&format!("proc/pressure/{resource}"));
            let mut file = OpenOptions::new().read(true).write(true).open(path).ok()?;
            file.write_all(TRIGGER).ok()?;
            Some(file)
        };
        Self(["memory", "io"].into_iter().filter_map(set).collect())
    }

    /// Returns what can be waited for.
    pub(crate) fn handles(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.0.iter().map(AsFd::as_fd)
    }
}
