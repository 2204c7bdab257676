//! The owner's limits: what the machine may be used for, when, and for how much.
//!
//! They are a TOML file in sections. Every value has a default, and the defaults protect the owner: nothing within three minutes of input,
//! nothing on battery, nothing over a metered network, half of the cores, no call, no full screen, no game disturbed.

mod describe;
mod earning;
mod tighten;
mod windows;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use describe::{Origin, Setting, commented};
pub use earning::{Alerts, Earning, EnergyCosts, Grain, Loss, Money, MoneyError};
pub use windows::{DAY_MINUTES, WEEK_MINUTES, Windows, WindowsError};

use crate::policy::Sensor;

/// Size of a file of limits, in bytes, above which it is refused.
pub const FILE_SIZE_MAX: usize = 256 * 1024;

/// Names in one list.
pub const NAMES_MAX: usize = 256;

/// Everything that the owner decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// When the machine counts as idle.
    pub idle: Idle,
    /// The hours at which it may work.
    pub hours: Hours,
    /// How much of it may be used.
    pub machine: Machine,
    /// Heat and power.
    pub power: Power,
    /// Network.
    pub network: Network,
    /// Programs that come first.
    pub programs: Programs,
    /// Sensors that this machine lacks.
    pub sensors: Sensors,
    /// Which work, for how much.
    pub earning: Earning,
    /// What energy costs.
    pub energy: EnergyCosts,
    /// Who is told what.
    pub alerts: Alerts,
}

/// When the machine counts as idle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Idle {
    /// Seconds without input before the worker runs gently.
    pub gentle_after_seconds: u32,
    /// Seconds without input before it runs at full.
    pub full_after_seconds: u32,
    /// Seconds for which every other reason must be gone before it runs more than now.
    pub settle_seconds: u32,
    /// Whether it runs gently while somebody uses the machine.
    pub linger: bool,
    /// Minutes frozen after which its memory is given back.
    pub release_after_minutes: u32,
}

impl Default for Idle {
    fn default() -> Self {
        Self {
            gentle_after_seconds: 120,
            full_after_seconds: 180,
            settle_seconds: 30,
            linger: false,
            release_after_minutes: 10,
        }
    }
}

/// The hours at which the machine may work, in its own local time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hours {
    /// Monday; a window that ends before it begins goes on after midnight.
    pub monday: Windows,
    /// Tuesday.
    pub tuesday: Windows,
    /// Wednesday.
    pub wednesday: Windows,
    /// Thursday.
    pub thursday: Windows,
    /// Friday.
    pub friday: Windows,
    /// Saturday.
    pub saturday: Windows,
    /// Sunday.
    pub sunday: Windows,
    /// Whether it works in off-peak windows only.
    pub only_off_peak: bool,
    /// The off-peak windows of every day.
    pub off_peak: Windows,
}

/// How much of the machine may be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Machine {
    /// Cores at full, in percent of all.
    pub cores_percent: u8,
    /// Cores when gentle, in percent of all.
    pub gentle_cores_percent: u8,
    /// Memory for the worker, in MiB.
    pub memory_mib: u32,
    /// Memory that stays free, in MiB: below it the worker's is given back.
    pub memory_left_mib: u32,
    /// Disk space for the worker, in MiB.
    pub disk_mib: u32,
    /// Disk space that stays free, in MiB.
    pub disk_left_mib: u32,
    /// Load of other programs above which the worker stops, in percent of one core.
    pub others_percent_max: u32,
    /// Share of time in which programs may wait for a core, memory or a disk, in percent.
    pub wait_percent_max: u8,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            cores_percent: 50,
            gentle_cores_percent: 10,
            memory_mib: 2048,
            memory_left_mib: 1024,
            disk_mib: 1024,
            disk_left_mib: 5120,
            others_percent_max: 50,
            wait_percent_max: 20,
        }
    }
}

/// Heat and power.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Power {
    /// Temperature of the warmest sensor at which the worker stops, in degrees Celsius.
    pub celsius_max: u8,
    /// Power of the machine at which it stops, in watts; 0 for no limit.
    pub watts_max: u32,
    /// Whether it may run on battery.
    pub on_battery: bool,
    /// Charge of the battery below which it does not run, on mains neither, in percent.
    pub battery_percent_min: u8,
}

impl Default for Power {
    fn default() -> Self {
        Self { celsius_max: 75, watts_max: 0, on_battery: false, battery_percent_min: 50 }
    }
}

/// Network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// Whether it may work over a network whose traffic is paid for.
    pub on_metered: bool,
    /// What the worker may send, in KiB a second.
    pub upload_kib_per_second: u32,
    /// What it may fetch, in KiB a second.
    pub download_kib_per_second: u32,
}

impl Default for Network {
    fn default() -> Self {
        Self { on_metered: false, upload_kib_per_second: 512, download_kib_per_second: 2048 }
    }
}

/// Programs that come first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Programs {
    /// Names of programs; while one of them runs, the worker stops.
    pub exclusive: BTreeSet<String>,
    /// Programs that use the graphics processor all the time, and don't count as its use.
    pub gpu_ignored: BTreeSet<String>,
    /// Programs that fill the screen while nobody uses it: lockers and screen savers.
    pub full_screen_ignored: BTreeSet<String>,
}

impl Default for Programs {
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self {
            exclusive: BTreeSet::new(),
            gpu_ignored: names(&[
                "Xorg",
                "Xwayland",
                "gnome-shell",
                "kwin_wayland",
                "kwin_x11",
                "sway",
            ]),
            full_screen_ignored: names(&["i3lock", "swaylock", "xscreensaver", "xsecurelock"]),
        }
    }
}

/// Sensors that this machine lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sensors {
    /// Sensors without which the worker may run; what one of them does say still counts.
    pub may_be_missing: BTreeSet<Sensor>,
}

/// Why a file of limits is refused.
#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    /// It is too large.
    #[error("the file has {size} bytes: at most {FILE_SIZE_MAX} are read")]
    Size {
        /// Its size.
        size: usize,
    },
    /// It is not TOML, or has a key that does not exist or a value of the wrong kind; the text says where and what is known.
    #[error(transparent)]
    Syntax(#[from] toml::de::Error),
    /// A value is outside its range.
    #[error("{key} is {value}: give {range}")]
    Range {
        /// Section and name.
        key: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        range: String,
    },
}

impl Limits {
    /// Returns the limits that `text` says, the default for what it does not say.
    ///
    /// # Errors
    /// When it is not TOML, has an unknown key, or a value outside its range.
    pub fn parse(text: &str) -> Result<Self, LimitsError> {
        Self::check_size(text)?;
        let limits: Self = toml::from_str(text)?;
        limits.check()?;
        Ok(limits.tied())
    }

    /// Returns them with what depends on each other in order, so that nobody has to give both: full not before gentle, and gentle not on more cores
    /// than full.
    fn tied(mut self) -> Self {
        let Self { idle, machine, .. } = &mut self;
        idle.full_after_seconds = idle.full_after_seconds.max(idle.gentle_after_seconds);
        machine.gentle_cores_percent = machine.gentle_cores_percent.min(machine.cores_percent);
        self
    }

    fn check_size(text: &str) -> Result<(), LimitsError> {
        let size = text.len();
        if size <= FILE_SIZE_MAX { Ok(()) } else { Err(LimitsError::Size { size }) }
    }

    /// Checks every value's range.
    ///
    /// # Errors
    /// The first value outside its range.
    pub fn check(&self) -> Result<(), LimitsError> {
        let Self { idle, machine, power, network, .. } = self;
        within("idle.gentle_after_seconds", idle.gentle_after_seconds, 10, 86_400)?;
        within("idle.full_after_seconds", idle.full_after_seconds, 10, 86_400)?;
        within("idle.settle_seconds", idle.settle_seconds, 5, 3_600)?;
        within("idle.release_after_minutes", idle.release_after_minutes, 1, 1_440)?;
        within("machine.cores_percent", u32::from(machine.cores_percent), 1, 100)?;
        let gentle = u32::from(machine.gentle_cores_percent);
        within("machine.gentle_cores_percent", gentle, 1, 100)?;
        within("machine.memory_mib", machine.memory_mib, 256, 1 << 24)?;
        within("machine.memory_left_mib", machine.memory_left_mib, 128, 1 << 24)?;
        within("machine.disk_mib", machine.disk_mib, 64, 1 << 30)?;
        within("machine.disk_left_mib", machine.disk_left_mib, 64, 1 << 30)?;
        within("machine.others_percent_max", machine.others_percent_max, 1, 102_400)?;
        within("machine.wait_percent_max", u32::from(machine.wait_percent_max), 1, 100)?;
        within("power.celsius_max", u32::from(power.celsius_max), 30, 110)?;
        within("power.watts_max", power.watts_max, 0, 100_000)?;
        within("power.battery_percent_min", u32::from(power.battery_percent_min), 0, 100)?;
        // Below, the other side would give up.
        within("network.upload_kib_per_second", network.upload_kib_per_second, 64, 1 << 24)?;
        within("network.download_kib_per_second", network.download_kib_per_second, 64, 1 << 24)?;
        let Programs { exclusive, gpu_ignored, full_screen_ignored } = &self.programs;
        names("programs.exclusive", exclusive.iter())?;
        names("programs.gpu_ignored", gpu_ignored.iter())?;
        names("programs.full_screen_ignored", full_screen_ignored.iter())?;
        earning::check(self)
    }
}

/// Checks that `value` is at least `min` and at most `max`.
fn within(key: &'static str, value: u32, min: u32, max: u32) -> Result<(), LimitsError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(LimitsError::Range { key, value: value.to_string(), range: format!("{min} to {max}") })
}

/// Checks names of a list: not too many, none empty or long, none with characters that are not shown.
fn names<'a>(
    key: &'static str,
    mut names: impl ExactSizeIterator<Item = &'a String>,
) -> Result<(), LimitsError> {
    if NAMES_MAX < names.len() {
        let value = format!("a list of {}", names.len());
        return Err(LimitsError::Range { key, value, range: format!("at most {NAMES_MAX} names") });
    }
    let is_wrong = |name: &&String| {
        name.is_empty()
            || 128 < name.len()
            || name.chars().any(|letter| letter.is_control() || units::is_hidden(letter))
    };
    match names.find(is_wrong) {
        None => Ok(()),
        Some(name) => Err(LimitsError::Range {
            key,
            value: format!("{name:?}"),
            range: "names of 1 to 128 visible bytes".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests;
