//! Energy used so far, as counters.
//!
//! RAPL (`/sys/class/powercap/intel-rapl:*`, Intel and AMD) counts what a processor package used, and, beside it, its memory (the part
//! `dram`; cores and graphics are within the package). The zone `psys` holds all of them, and counts only where there is no package. A counter begins
//! anew at `max_energy_range_uj`, and from nothing after a suspension: the meter adds up differences, so it must be asked before two turns have
//! passed (a minute at most; a turn takes longer than that). A battery's power is integrated over the time between two calls: an
//! estimate, and only while it discharges, when it feeds the whole machine.

use std::collections::BTreeMap;

use crate::linux::power;
use crate::linux::root::Root;
use crate::{Energy, Milliseconds, Quality};

/// A battery's power holds for this long; a longer time between two calls is a suspension.
const GAP_MS_MAX: u64 = 10_000;

/// No package or its memory draws more, in milliwatts. A counter that says so has not turned over, but begun from nothing.
const MILLIWATTS_MAX: u64 = 1_000_000;

/// Remembers the last counters.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    zones: BTreeMap<String, Zone>,
    batteries: BTreeMap<String, Counter>,
    last: Option<Milliseconds>,
}

#[derive(Debug)]
struct Zone {
    last_microjoules: u64,
    read: Milliseconds,
    counter: Counter,
}

#[derive(Debug, Default)]
struct Counter {
    microjoules: u64,
    nanojoules: u64,
}

impl Meter {
    /// Returns every counter, each since its first reading. None if the machine has no meter that may be read.
    pub(crate) fn read(&mut self, root: &Root, now: Milliseconds) -> Vec<Energy> {
        let mut found = Vec::new();
        for (name, label) in zones(root) {
            found.extend(self.zone(root, (&name, &label), now));
        }
        let elapsed_ms = self.last.map_or(0, |last| now.since(last));
        for name in root.names("sys/class/power_supply") {
            let file = |key: &str| format!("sys/class/power_supply/{name}/{key}");
            let is_battery = root.word(&file("type")).as_deref() == Some("Battery")
                && root.word(&file("scope")).as_deref() != Some("Device");
            if is_battery {
                let is_discharging = root.word(&file("status")).as_deref() == Some("Discharging");
                let counter = self.batteries.entry(name.clone()).or_default();
                if let Some(power) = power::battery_microwatts(root, &name)
                    && is_discharging
                    && elapsed_ms <= GAP_MS_MAX
                {
                    counter.add_nanojoules(power.saturating_mul(elapsed_ms));
                }
                found.push(Energy {
                    source: format!("/sys/class/power_supply/{name}"),
                    microjoules: counter.microjoules,
                    quality: Quality::Estimated,
                });
            }
        }
        self.last = Some(now);
        found
    }

    fn zone(
        &mut self,
        root: &Root,
        (name, label): (&str, &str),
        now: Milliseconds,
    ) -> Option<Energy> {
        let folder = format!("sys/class/powercap/{name}");
        let counted: u64 = root.number(&format!("{folder}/energy_uj"))?;
        let zone = self.zones.entry(name.to_owned()).or_insert_with(|| Zone {
            last_microjoules: counted,
            read: now,
            counter: Counter::default(),
        });
        // Milliwatts in a millisecond are microjoules.
        let most = MILLIWATTS_MAX.saturating_mul(now.since(zone.read).max(1));
        let used = match counted.checked_sub(zone.last_microjoules) {
            Some(used) => used,
            // It has turned over.
            None => {
                let range: u64 = root.number(&format!("{folder}/max_energy_range_uj")).unwrap_or(0);
                range.saturating_sub(zone.last_microjoules).saturating_add(counted)
            }
        };
        let used = if used <= most { used } else { counted.min(most) };
        (zone.last_microjoules, zone.read) = (counted, now);
        zone.counter.microjoules = zone.counter.microjoules.saturating_add(used);
        Some(Energy {
            source: format!("/{folder} {label}").trim_end().into(),
            microjoules: zone.counter.microjoules,
            quality: Quality::Measured,
        })
    }
}

/// Returns the zones that together count a machine once, with their labels.
fn zones(root: &Root) -> Vec<(String, String)> {
    let all = root.names("sys/class/powercap").into_iter().filter(|name| {
        name.strip_prefix("intel-rapl:").is_some_and(|rest| rest.matches(':').count() <= 1)
    });
    let all = all.map(|name| {
        let label = root.word(&format!("sys/class/powercap/{name}/name")).unwrap_or_default();
        (name, label)
    });
    let is_part = |name: &str| name.matches(':').count() == 2;
    let (platform, others): (Vec<_>, Vec<_>) = all.partition(|(_, label)| label == "psys");
    let found: Vec<_> =
        others.into_iter().filter(|(name, label)| !is_part(name) || label == "dram").collect();
    if found.iter().any(|(name, _)| !is_part(name)) { found } else { platform }
}

impl Counter {
    fn add_nanojoules(&mut self, nanojoules: u64) {
        let sum = self.nanojoules.saturating_add(nanojoules);
        self.microjoules = self.microjoules.saturating_add(sum / 1000);
        self.nanojoules = sum % 1000;
    }
}
