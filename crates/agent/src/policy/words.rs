//! Reasons in words, and what would change them.

use super::{Change, Sensor, Why};
use crate::limits::Limits;

impl Why {
    /// Says it in one line.
    pub(super) fn text(&self, limits: &Limits) -> String {
        match self {
            Self::Stopping => "the agent was told to end".to_owned(),
            Self::Revoked { text } => format!("the account does not accept this device: {text}"),
            Self::PolicyUnread { text } => {
                format!("the policy of your account can't be read, so it may forbid this: {text}")
            }
            Self::Paused { seconds: Some(seconds) } => {
                format!("you paused it for another {}", duration(*seconds))
            }
            Self::Paused { seconds: None } => "you paused it until you resume it".to_owned(),
            Self::WorkerFailed { text, seconds } => {
                format!(
                    "the worker ended by itself and starts again in {}: {text}",
                    duration(*seconds)
                )
            }
            Self::NoProject { text, seconds } => {
                format!(
                    "no project is there to work for, and they are looked for again in {}: {text}",
                    duration(*seconds)
                )
            }
            Self::InUse { idle_milliseconds, needed_seconds, is_gentle } => format!(
                "the last input was {} ago; it runs {} after {} without",
                duration(idle_milliseconds / 1_000),
                if *is_gentle { "at full" } else { "gently" },
                duration(u64::from(*needed_seconds)),
            ),
            Self::Unknown { sensor, explanation } => {
                format!("{} cannot be seen, which counts as in use: {explanation}", of(*sensor))
            }
            Self::Stale { sensor, age_milliseconds } => format!(
                "{} was last seen {} ago, which counts as in use",
                of(*sensor),
                duration(age_milliseconds / 1_000)
            ),
            Self::Contradiction { sensor, explanation } => format!(
                "what is said of {} cannot be, which counts as in use: {explanation}",
                of(*sensor)
            ),
            Self::Unwatched { seconds } => format!(
                "nobody watched the machine for {}: it slept, or was too busy",
                duration(*seconds)
            ),
            Self::ClockBackwards { milliseconds } => {
                format!("the machine's clock ran backwards by {milliseconds} ms")
            }
            Self::OthersLoad { percent, limit_percent } => format!(
                "other programs use {percent} % of a core; it stops above {limit_percent} %, and is gentle above half of that"
            ),
            Self::OthersWait { resource, percent, limit_percent } => format!(
                "programs waited for {} in {percent} % of the last ten seconds, more than {limit_percent} %",
                resource.words()
            ),
            _ => self.text_of_machine(limits),
        }
    }

    fn text_of_machine(&self, limits: &Limits) -> String {
        match self {
            Self::GpuInUse { programs } => {
                format!("the graphics processor is used by {}", some(programs))
            }
            Self::FullScreen { program } => format!("{program} fills the screen"),
            Self::InCall { device } => format!("{device} is in use: a call or a recording"),
            Self::ExclusiveRuns { programs } => {
                format!("{} has the machine for itself, as you wanted", some(programs))
            }
            Self::OnBattery { percent: Some(percent) } => {
                format!("the machine runs on battery ({percent} %)")
            }
            Self::OnBattery { percent: None } => "the machine runs on battery".to_owned(),
            Self::BatteryLow { percent, limit_percent } => {
                format!("the battery is at {percent} %, below {limit_percent} %")
            }
            Self::TooMuchPower { milliwatts, limit_watts } => format!(
                "the machine draws {} W; it is gentle near {limit_watts} W, and stops above",
                milliwatts / 1_000
            ),
            Self::Hot { millicelsius, limit_celsius, sensor } => format!(
                "{sensor} is at {} °C; it is gentle near {limit_celsius} °C, and stops there",
                millicelsius / 1_000
            ),
            Self::Throttled { seconds } => format!(
                "heat slowed the processor down: it stays gentle for another {}",
                duration(*seconds)
            ),
            Self::MemoryShort { available_mib, needed_mib } => {
                format!("{available_mib} MiB of memory are free, and {needed_mib} MiB are needed")
            }
            Self::DiskShort { free_mib, needed_mib } => {
                format!("{free_mib} MiB of disk are free, and {needed_mib} MiB shall stay free")
            }
            Self::Metered => "the network's traffic is paid for".to_owned(),
            Self::OutsideHours { minutes: Some(minutes) } => format!(
                "you want no work at this hour; the next window opens in {}",
                duration(u64::from(*minutes) * 60)
            ),
            Self::OutsideHours { minutes: None } => "your hours allow no work".to_owned(),
            Self::BelowFloor { offered, floor, is_finishing } => format!(
                "the project pays {} GRAIN an hour, and you want {}{}",
                offered.0.to_grain(),
                floor.0.to_grain(),
                if *is_finishing { ": its seat is given up after this round" } else { "" }
            ),
            Self::AtALoss { gross, energy, currency, is_finishing } => format!(
                "an hour pays {gross} {currency}, and its energy costs {energy} {currency}{}",
                if *is_finishing { ": it stops after this round" } else { "" }
            ),
            Self::Carbon { grams, limit_grams } => {
                format!("a kWh emits {grams} g of carbon dioxide, more than {limit_grams} g")
            }
            Self::Settling { milliseconds, .. } => format!(
                "nothing is in the way; it runs more if that stays so for another {} of {}",
                duration(milliseconds.div_ceil(1_000)),
                duration(u64::from(limits.idle.settle_seconds))
            ),
            // The rest is said by the other function.
            _ => String::new(),
        }
    }

    /// Says what would change it: time, an event, a setting of the owner.
    pub(super) fn change(&self, limits: &Limits) -> Vec<Change> {
        let settle = u64::from(limits.idle.settle_seconds);
        match self {
            Self::Stopping => vec![event("start the agent again")],
            Self::Revoked { .. } => {
                vec![event("let the account accept this device again: gleaner devices restore")]
            }
            Self::PolicyUnread { .. } => vec![
                event("install a newer gleaner"),
                event("gleaner devices policy set, or clear"),
            ],
            Self::Paused { seconds } => {
                let mut changes = vec![event("gleaner resume")];
                changes.extend(seconds.map(|seconds| wait("the pause ends", seconds)));
                changes
            }
            Self::WorkerFailed { seconds, .. } => vec![wait("it is started again", *seconds)],
            Self::NoProject { seconds, .. } => vec![
                wait("a project opens that suits", *seconds),
                setting("other projects", "earning.interests"),
            ],
            Self::InUse { idle_milliseconds, needed_seconds, is_gentle } => {
                let needed = u64::from(*needed_seconds) * 1_000;
                let seconds = needed.saturating_sub(*idle_milliseconds).div_ceil(1_000);
                let mut changes = vec![wait("nobody touches the machine", seconds)];
                let key = if *is_gentle {
                    "idle.full_after_seconds"
                } else {
                    "idle.gentle_after_seconds"
                };
                changes.push(setting("a shorter wait", key));
                if !is_gentle {
                    changes.push(setting("work beside you", "idle.linger = true"));
                }
                changes
            }
            Self::Unknown { sensor, .. } => vec![
                event("let the agent see it"),
                setting(
                    "work without it",
                    &format!("sensors.may_be_missing = [\"{}\"]", sensor.name()),
                ),
            ],
            Self::Stale { .. } | Self::Contradiction { .. } => {
                vec![event("the sensor answers as it should")]
            }
            Self::Unwatched { .. } | Self::ClockBackwards { .. } => {
                vec![wait("it is watched again", settle)]
            }
            Self::Throttled { seconds } => vec![wait("it is not slowed down again", *seconds)],
            Self::OutsideHours { minutes } => {
                let seconds = minutes.map(|minutes| u64::from(minutes) * 60);
                let mut changes: Vec<_> =
                    seconds.map(|seconds| wait("the window opens", seconds)).into_iter().collect();
                changes.push(setting("other hours", "hours"));
                changes
            }
            Self::Settling { milliseconds, .. } => {
                vec![wait("it stays calm", milliseconds.div_ceil(1_000))]
            }
            _ => self.change_of_machine(),
        }
    }

    fn change_of_machine(&self) -> Vec<Change> {
        let (what, key) = match self {
            Self::OthersLoad { .. } => ("the others compute less", "machine.others_percent_max"),
            Self::OthersWait { .. } => ("the others wait less", "machine.wait_percent_max"),
            Self::GpuInUse { .. } => ("the program ends", "programs.gpu_ignored"),
            Self::FullScreen { .. } => {
                ("the program leaves the full screen", "programs.full_screen_ignored")
            }
            Self::InCall { .. } => return vec![event("camera and microphone are let go")],
            Self::ExclusiveRuns { .. } => ("the program ends", "programs.exclusive"),
            Self::OnBattery { .. } => ("plug the machine in", "power.on_battery = true"),
            Self::BatteryLow { .. } => ("the battery is charged", "power.battery_percent_min"),
            Self::TooMuchPower { .. } => ("the machine draws less", "power.watts_max"),
            Self::Hot { .. } => ("the machine cools down", "power.celsius_max"),
            Self::MemoryShort { .. } => ("other programs free memory", "machine.memory_left_mib"),
            Self::DiskShort { .. } => ("free disk space", "machine.disk_left_mib"),
            Self::Metered => ("use another network", "network.on_metered = true"),
            Self::BelowFloor { .. } => ("a project pays more", "earning.floor_per_hour"),
            Self::AtALoss { .. } => {
                ("pay rises or energy gets cheaper", "earning.at_a_loss = \"work\"")
            }
            Self::Carbon { .. } => ("the grid gets cleaner", "energy.carbon_grams_max"),
            _ => return Vec::new(),
        };
        vec![event(what), setting("another limit", key)]
    }
}

impl super::Resource {
    const fn words(self) -> &'static str {
        match self {
            Self::Cpu => "a core",
            Self::Memory => "memory",
            Self::Disk => "a disk",
        }
    }
}

const fn of(sensor: Sensor) -> &'static str {
    match sensor {
        Sensor::Input => "keyboard and pointer",
        Sensor::Load => "the load of other programs",
        Sensor::Memory => "free memory",
        Sensor::Gpu => "use of the graphics processor",
        Sensor::FullScreen => "whether a program fills the screen",
        Sensor::Call => "camera and microphone",
        Sensor::Exclusive => "the list of programs",
        Sensor::Power => "mains and battery",
        Sensor::Heat => "temperature",
        Sensor::Network => "the network",
        Sensor::Disk => "free disk space",
        Sensor::Time => "the time of day",
        Sensor::Watts => "power",
        Sensor::Carbon => "carbon of the grid",
    }
}

fn event(text: &str) -> Change {
    Change { text: text.to_owned(), seconds: None, setting: None }
}

fn wait(text: &str, seconds: u64) -> Change {
    Change { text: text.to_owned(), seconds: Some(seconds), setting: None }
}

fn setting(text: &str, key: &str) -> Change {
    Change { text: text.to_owned(), seconds: None, setting: Some(key.to_owned()) }
}

/// Names up to three, and counts the others.
fn some(names: &[String]) -> String {
    let first: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    match names.len().saturating_sub(first.len()) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// Says a number of seconds as people do.
fn duration(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}
