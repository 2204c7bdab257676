//! How warm the machine is, from thermal zones and hardware monitors.

use crate::linux::root::Root;
use crate::{Heat, Seen};

/// Where heat is read.
pub(crate) const SOURCE: &str = "/sys/class/thermal, /sys/class/hwmon";

/// Temperatures outside of this range, in thousandths of a degree, are sensors that are not connected.
const SENSIBLE: std::ops::RangeInclusive<i32> = 1..=150_000;

/// Reads the warmest sensor, and how often the processor was slowed down.
///
/// A machine without any sensor (a virtual machine) is unknown: whoever limits temperature there has to say that there is none.
pub(crate) fn read(root: &Root) -> Seen<Heat> {
    let mut warmest: Option<(i32, String)> = None;
    let mut see = |value: Option<i32>, name: String| {
        if let Some(value) = value.filter(|value| SENSIBLE.contains(value))
            && warmest.as_ref().is_none_or(|(highest, _)| *highest < value)
        {
            warmest = Some((value, name));
        }
    };
    for zone in root.names("sys/class/thermal") {
        if zone.starts_with("thermal_zone") {
            let folder = format!("sys/class/thermal/{zone}");
            let kind = root.word(&format!("{folder}/type")).unwrap_or_default();
            see(root.number(&format!("{folder}/temp")), format!("{zone} {kind}").trim_end().into());
        }
    }
    for monitor in root.names("sys/class/hwmon") {
        let folder = format!("sys/class/hwmon/{monitor}");
        let name = root.word(&format!("{folder}/name")).unwrap_or_else(|| monitor.clone());
        for file in root.names(&folder) {
            if let Some(sensor) =
                file.strip_suffix("_input").filter(|sensor| sensor.starts_with("temp"))
            {
                let label =
                    root.word(&format!("{folder}/{sensor}_label")).unwrap_or_else(|| sensor.into());
                see(root.number(&format!("{folder}/{file}")), format!("{name} {label}"));
            }
        }
    }
    match warmest {
        Some((highest_millicelsius, sensor)) => {
            Seen::Known(Heat { highest_millicelsius, sensor, throttle_count: throttle_count(root) })
        }
        None => Seen::Unknown(format!("{SOURCE}: there is no temperature sensor")),
    }
}

/// Returns how often any package was slowed down since the machine started; cores where packages do not count.
fn throttle_count(root: &Root) -> u64 {
    let mut packages = std::collections::BTreeMap::new();
    let mut cores = 0_u64;
    for processor in root.names("sys/devices/system/cpu") {
        let folder = format!("sys/devices/system/cpu/{processor}");
        let count = |key: &str| root.number::<u64>(&format!("{folder}/thermal_throttle/{key}"));
        if let Some(count) = count("package_throttle_count") {
            // Every core of a package repeats the package's counter.
            let package: u32 =
                root.number(&format!("{folder}/topology/physical_package_id")).unwrap_or(0);
            packages.insert(package, count);
        }
        cores = cores.saturating_add(count("core_throttle_count").unwrap_or(0));
    }
    if packages.is_empty() {
        cores
    } else {
        packages.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}
