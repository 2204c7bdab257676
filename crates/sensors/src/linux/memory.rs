//! Memory of the machine, and space on a disk.

use std::path::Path;

use crate::linux::root::Root;
use crate::{Memory, Seen};

/// Where memory is read.
pub(crate) const SOURCE: &str = "/proc/meminfo";

/// Reads how much memory there is, and how much programs could take.
pub(crate) fn memory(root: &Root) -> Seen<Memory> {
    let text = match root.text("proc/meminfo") {
        Ok(text) => text,
        Err(reason) => return Seen::Unknown(reason),
    };
    let bytes = |key: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim_start_matches(':')
            .split_whitespace()
            .next()?
            .parse::<u64>()
            .ok()?
            .checked_mul(1024)
    };
    match (bytes("MemAvailable"), bytes("MemTotal")) {
        (Some(available_bytes), Some(total_bytes)) => {
            Seen::Known(Memory { available_bytes, total_bytes })
        }
        _ => Seen::Unknown(format!("{SOURCE}: has no MemAvailable and MemTotal")),
    }
}

/// Reads how many bytes a program without special rights can write where `folder` is.
pub(crate) fn disk(folder: &Path) -> Seen<u64> {
    match rustix::fs::statvfs(folder) {
        Ok(found) => Seen::Known(found.f_bavail.saturating_mul(found.f_frsize)),
        Err(error) => Seen::Unknown(format!("{}: {error}", folder.display())),
    }
}
