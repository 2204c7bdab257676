//! Programs of others that use a graphics processor.
//!
//! Two ways: NVIDIA's management library, loaded while the program runs, and what drivers of the kernel count for each open file of a device
//! (`drm-engine-*` in `/proc/<pid>/fdinfo`: amdgpu, i915, xe, nouveau, panfrost and others). Both see the time that a program used, not only that it has the
//! device open, since a desktop always has.

use std::collections::BTreeMap;
use std::fs;

use crate::linux::nvml::Nvml;
use crate::linux::root::Root;
use crate::{Milliseconds, Seen};

/// Where use of graphics processors is read.
pub(crate) const SOURCE: &str = "NVML, /proc/*/fdinfo";

/// A program uses a graphics processor if it kept one busy for more than this share of the time, in percent. A desktop that shows a clock stays below.
const BUSY_PERCENT: u64 = 10;

/// Remembers what every program has used, because use is a difference.
#[derive(Debug)]
pub(crate) struct Meter {
    own_process: u32,
    nvml: Option<Nvml>,
    engines: BTreeMap<u32, u64>,
    last: Option<Milliseconds>,
}

impl Meter {
    /// Loads NVIDIA's library if the machine has it.
    pub(crate) fn new(root: &Root, own_process: u32) -> Self {
        let nvml = root.has("proc/driver/nvidia/version").then(Nvml::load);
        Self { own_process, nvml, engines: BTreeMap::new(), last: None }
    }

    /// Returns the energy counters of graphics processors.
    pub(crate) fn energy(&self) -> Vec<crate::Energy> {
        self.nvml.as_ref().map(Nvml::energy).unwrap_or_default()
    }

    /// Returns who used a graphics processor since the last call, by name, sorted.
    pub(crate) fn read(&mut self, root: &Root, now: Milliseconds) -> Seen<Vec<String>> {
        let ours = descendants(root, self.own_process);
        let mut names = Vec::new();
        if let Some(nvml) = &self.nvml {
            match nvml.users(BUSY_PERCENT) {
                Ok(processes) => names.extend(
                    processes
                        .into_iter()
                        .filter(|process| !ours.contains(process))
                        .map(|process| name(root, process)),
                ),
                Err(reason) => return Seen::Unknown(reason),
            }
        }
        let has_drm = root.names("sys/class/drm").iter().any(|name| name.starts_with("renderD"));
        if has_drm {
            names.extend(self.drm(root, now, &ours));
        }
        names.sort();
        names.dedup();
        Seen::Known(names)
    }

    fn drm(&mut self, root: &Root, now: Milliseconds, ours: &[u32]) -> Vec<String> {
        let mut engines = BTreeMap::new();
        for process in root.processes() {
            if let Some(nanoseconds) = engine_nanoseconds(root, process) {
                engines.insert(process, nanoseconds);
            }
        }
        let elapsed_ms = self.last.map_or(0, |last| now.since(last));
        let threshold = elapsed_ms.saturating_mul(1_000_000 / 100 * BUSY_PERCENT);
        let names = engines
            .iter()
            .filter(|(process, used)| {
                let before = self.engines.get(process).copied().unwrap_or(0);
                0 < elapsed_ms && threshold < used.saturating_sub(before) && !ours.contains(process)
            })
            .map(|(process, _)| name(root, *process))
            .collect();
        self.engines = engines;
        self.last = Some(now);
        names
    }
}

/// Returns how long a program kept engines of graphics processors busy; `None` if it has none open, or if it is another user's.
///
/// A file that was opened once and inherited or duplicated is counted once (`drm-client-id`).
fn engine_nanoseconds(root: &Root, process: u32) -> Option<u64> {
    let folder = format!("proc/{process}/fd");
    let mut clients = BTreeMap::new();
    for entry in fs::read_dir(root.path(&folder)).ok()?.flatten() {
        let is_device =
            fs::read_link(entry.path()).is_ok_and(|target| target.starts_with("/dev/dri"));
        let Some(file) = entry.file_name().to_str().map(str::to_owned).filter(|_| is_device) else {
            continue;
        };
        let text = root.text(&format!("proc/{process}/fdinfo/{file}")).unwrap_or_default();
        let mut client = file;
        let mut sum = 0_u64;
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            if key == "drm-client-id" {
                client = value.trim().to_owned();
            } else if key.starts_with("drm-engine-") && !key.starts_with("drm-engine-capacity-") {
                let nanoseconds =
                    value.trim().strip_suffix(" ns").and_then(|text| text.parse().ok());
                sum = sum.saturating_add(nanoseconds.unwrap_or(0));
            }
        }
        clients.insert(client, sum);
    }
    if clients.is_empty() {
        None
    } else {
        Some(clients.values().fold(0, |sum, part| sum.saturating_add(*part)))
    }
}

fn name(root: &Root, process: u32) -> String {
    root.word(&format!("proc/{process}/comm")).unwrap_or_else(|| format!("process {process}"))
}

/// Returns a process and everything below it.
fn descendants(root: &Root, process: u32) -> Vec<u32> {
    let mut found = vec![process];
    let mut next = 0;
    while let Some(process) = found.get(next).copied().filter(|_| next < 4096) {
        next += 1;
        for thread in root.names(&format!("proc/{process}/task")) {
            let text =
                root.text(&format!("proc/{process}/task/{thread}/children")).unwrap_or_default();
            found.extend(text.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        }
    }
    found
}
