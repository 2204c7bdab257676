//! Mains and battery, from `/sys/class/power_supply`.

use crate::linux::root::Root;
use crate::{Battery, Power, Seen};

/// Where power is read.
pub(crate) const SOURCE: &str = "/sys/class/power_supply";

/// Reads whether the machine is on mains, and its battery.
///
/// Batteries of other devices (a mouse, a headset: `scope` is `Device`) are left out. Several batteries count as one: the mean of their
/// percentages, the sum of what they give. A machine with a battery is on mains if an adapter says so, or, where there is no adapter, if no battery
/// discharges.
pub(crate) fn read(root: &Root) -> Seen<Power> {
    match try_read(root) {
        Ok(power) => Seen::Known(power),
        Err(reason) => Seen::Unknown(reason),
    }
}

fn try_read(root: &Root) -> Result<Power, String> {
    let mut adapters = Vec::new();
    let mut percents = Vec::new();
    let mut discharge_milliwatts = 0_u64;
    let mut is_discharging = false;
    for name in root.names("sys/class/power_supply") {
        let file = |key: &str| format!("sys/class/power_supply/{name}/{key}");
        if root.word(&file("scope")).as_deref() == Some("Device") {
            continue;
        }
        let kind = root.word(&file("type")).ok_or(format!("{SOURCE}/{name}: has no type"))?;
        match kind.as_str() {
            "Mains" | "USB" | "Wireless" => {
                let online: u8 = root
                    .number(&file("online"))
                    .ok_or(format!("{SOURCE}/{name}: has no `online`"))?;
                adapters.push(online != 0);
            }
            // A supply for emergencies is a battery behind the mains.
            "Battery" | "UPS" => {
                if root.number::<u8>(&file("present")) == Some(0) {
                    continue;
                }
                let percent: u8 = root
                    .number(&file("capacity"))
                    .ok_or(format!("{SOURCE}/{name}: has no `capacity`"))?;
                percents.push(u32::from(percent.min(100)));
                let status = root
                    .word(&file("status"))
                    .ok_or(format!("{SOURCE}/{name}: has no `status`"))?;
                if status == "Discharging" {
                    is_discharging = true;
                    discharge_milliwatts = discharge_milliwatts
                        .saturating_add(battery_microwatts(root, &name).unwrap_or(0) / 1000);
                }
            }
            _ => {}
        }
    }
    let battery = match u32::try_from(percents.len()) {
        Ok(count) if 0 < count => Some(Battery {
            percent: u8::try_from(percents.iter().sum::<u32>() / count).unwrap_or(100),
            discharge_milliwatts,
        }),
        _ => None,
    };
    let has_mains = if adapters.is_empty() { !is_discharging } else { adapters.contains(&true) };
    // A machine without a battery runs, so it is on mains, whatever a port for charging others says.
    let is_on_mains = battery.is_none() || (has_mains && !is_discharging);
    Ok(Power { is_on_mains, battery })
}

/// Returns what a battery gives or takes now, in microwatts, if it says.
pub(crate) fn battery_microwatts(root: &Root, name: &str) -> Option<u64> {
    let value = |key: &str| root.number::<i64>(&format!("sys/class/power_supply/{name}/{key}"));
    if let Some(power) = value("power_now") {
        return Some(power.unsigned_abs());
    }
    let (current, voltage) = (value("current_now")?, value("voltage_now")?);
    u64::try_from(
        u128::from(current.unsigned_abs()) * u128::from(voltage.unsigned_abs()) / 1_000_000,
    )
    .ok()
}
