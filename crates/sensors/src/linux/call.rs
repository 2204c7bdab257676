//! Whether a camera or microphone is in use.

use std::fs;

use crate::linux::root::Root;
use crate::{Call, Seen};

/// Where calls are read.
pub(crate) const SOURCE: &str = "/proc/asound, /dev/video*";

/// Reads which device records. Microphones first: they are cheap to read.
pub(crate) fn read(root: &Root) -> Seen<Call> {
    if let Some(device) = microphone(root) {
        return Seen::Known(Call { device: Some(device) });
    }
    match camera(root) {
        Ok(device) => Seen::Known(Call { device }),
        Err(reason) => Seen::Unknown(reason),
    }
}

/// Returns the first capture stream of ALSA that runs. PulseAudio and PipeWire open one only while somebody records.
fn microphone(root: &Root) -> Option<String> {
    for card in root.names("proc/asound") {
        if !card.starts_with("card") || !card.ends_with(|last: char| last.is_ascii_digit()) {
            continue;
        }
        for stream in root.names(&format!("proc/asound/{card}")) {
            if !(stream.starts_with("pcm") && stream.ends_with('c')) {
                continue;
            }
            for part in root.names(&format!("proc/asound/{card}/{stream}")) {
                let status = root.word(&format!("proc/asound/{card}/{stream}/{part}/status"));
                if status.is_some_and(|status| status.starts_with("state: RUNNING")) {
                    return Some(format!("{card} {stream}"));
                }
            }
        }
    }
    None
}

/// Returns the first camera that somebody holds open.
///
/// A driver that nobody uses says so at once. Else the open files of processes are searched; those of other users cannot be, so
/// where the driver is in use and nobody is found, it is unknown.
fn camera(root: &Root) -> Result<Option<String>, String> {
    let mut suspects = Vec::new();
    for name in root.names("sys/class/video4linux") {
        let module = root.link_name(&format!("sys/class/video4linux/{name}/device/driver/module"));
        let users = module
            .as_ref()
            .and_then(|module| root.number::<u64>(&format!("sys/module/{module}/refcnt")));
        // Modules that stand on this one count as users too.
        let holders = module
            .map_or(0, |module| root.names(&format!("sys/module/{module}/holders")).len() as u64);
        if users.is_none_or(|users| holders < users) {
            suspects.push((name, users));
        }
    }
    if suspects.is_empty() {
        return Ok(None);
    }
    let mut is_all_seen = true;
    for process in root.processes() {
        let folder = root.path(&format!("proc/{process}/fd"));
        let Ok(entries) = fs::read_dir(&folder) else {
            is_all_seen &= fs::metadata(&folder)
                .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
            continue;
        };
        for entry in entries.flatten() {
            let Ok(target) = fs::read_link(entry.path()) else { continue };
            let name = target.file_name().and_then(|name| name.to_str());
            if let Some((name, _)) =
                suspects.iter().find(|(suspect, _)| name == Some(suspect.as_str()))
                && target.parent().is_some_and(|folder| folder.ends_with("dev"))
            {
                return Ok(Some(name.clone()));
            }
        }
    }
    match suspects.iter().find(|(_, users)| users.is_none_or(|users| 0 < users)) {
        Some((name, _)) if !is_all_seen => Err(format!(
            "/dev/{name}: its driver is in use, and open files of other users cannot be read: run the agent as a system service"
        )),
        _ => Ok(None),
    }
}
