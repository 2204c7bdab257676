//! Limits from elsewhere, which can only tighten the owner's own.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::windows::is_of_day;
use super::{
    DAY_MINUTES, EnergyCosts, Grain, Hours, Idle, Limits, LimitsError, Loss, Machine, Network,
    Power, Programs, Sensors, Windows,
};
use crate::policy::Sensor;

impl Limits {
    /// Returns the limits that a policy from elsewhere says: what it does not say, it does not limit.
    ///
    /// # Errors
    /// As [`Limits::parse`].
    pub fn parse_policy(text: &str) -> Result<Self, LimitsError> {
        // Alone first, because its errors say the line.
        Self::check_size(text)?;
        let _: Self = toml::from_str(text)?;
        let mut table = super::describe::table(&Self::loosest())?;
        merge(&mut table, toml::from_str(text)?);
        let limits: Self = table.try_into()?;
        limits.check()?;
        Ok(limits.tied())
    }

    /// The limits that limit least.
    fn loosest() -> Self {
        let sensors = Sensor::ALL.into_iter().collect();
        Self {
            idle: Idle {
                gentle_after_seconds: 10,
                full_after_seconds: 10,
                settle_seconds: 5,
                linger: true,
                release_after_minutes: 1_440,
            },
            hours: Hours::default(),
            machine: Machine {
                cores_percent: 100,
                gentle_cores_percent: 100,
                memory_mib: 1 << 24,
                memory_left_mib: 128,
                disk_mib: 1 << 30,
                disk_left_mib: 64,
                others_percent_max: 102_400,
                wait_percent_max: 100,
            },
            power: Power {
                celsius_max: 110,
                watts_max: 0,
                on_battery: true,
                battery_percent_min: 0,
            },
            network: Network {
                on_metered: true,
                upload_kib_per_second: 1 << 24,
                download_kib_per_second: 1 << 24,
            },
            programs: Programs { exclusive: BTreeSet::new(), ..Programs::default() },
            sensors: Sensors { may_be_missing: sensors },
            earning: super::Earning { at_a_loss: Loss::Work, ..super::Earning::default() },
            energy: EnergyCosts::default(),
            alerts: super::Alerts::default(),
        }
    }

    /// Returns these limits, each as tight as the tighter of the two. What is no limit stays the owner's: interests, what energy costs, alerts, and
    /// which programs don't count as use of the graphics processor or of the screen.
    #[must_use]
    pub fn tightened_by(&self, policy: &Self) -> Self {
        let (idle, machine) = (&self.idle, &self.machine);
        let gentle_after = idle.gentle_after_seconds.max(policy.idle.gentle_after_seconds);
        let full_after = idle.full_after_seconds.max(policy.idle.full_after_seconds);
        let cores = machine.cores_percent.min(policy.machine.cores_percent);
        let gentle = machine.gentle_cores_percent.min(policy.machine.gentle_cores_percent);
        Self {
            idle: Idle {
                gentle_after_seconds: gentle_after,
                full_after_seconds: full_after.max(gentle_after),
                settle_seconds: idle.settle_seconds.max(policy.idle.settle_seconds),
                linger: idle.linger && policy.idle.linger,
                release_after_minutes: idle
                    .release_after_minutes
                    .min(policy.idle.release_after_minutes),
            },
            hours: self.hours.tightened_by(&policy.hours),
            machine: Machine {
                cores_percent: cores,
                gentle_cores_percent: gentle.min(cores),
                memory_mib: machine.memory_mib.min(policy.machine.memory_mib),
                memory_left_mib: machine.memory_left_mib.max(policy.machine.memory_left_mib),
                disk_mib: machine.disk_mib.min(policy.machine.disk_mib),
                disk_left_mib: machine.disk_left_mib.max(policy.machine.disk_left_mib),
                others_percent_max: machine
                    .others_percent_max
                    .min(policy.machine.others_percent_max),
                wait_percent_max: machine.wait_percent_max.min(policy.machine.wait_percent_max),
            },
            power: self.power.tightened_by(&policy.power),
            network: self.network.tightened_by(&policy.network),
            programs: Programs {
                exclusive: self
                    .programs
                    .exclusive
                    .union(&policy.programs.exclusive)
                    .cloned()
                    .collect(),
                ..self.programs.clone()
            },
            sensors: Sensors {
                may_be_missing: self
                    .sensors
                    .may_be_missing
                    .intersection(&policy.sensors.may_be_missing)
                    .copied()
                    .collect(),
            },
            earning: super::Earning {
                floor_per_hour: Grain(
                    self.earning.floor_per_hour.0.max(policy.earning.floor_per_hour.0),
                ),
                at_a_loss: match (self.earning.at_a_loss, policy.earning.at_a_loss) {
                    (Loss::Work, Loss::Work) => Loss::Work,
                    (Loss::Pause, _) | (_, Loss::Pause) => Loss::Pause,
                },
                ..self.earning.clone()
            },
            energy: EnergyCosts {
                carbon_grams_max: lower_limit(
                    self.energy.carbon_grams_max,
                    policy.energy.carbon_grams_max,
                ),
                ..self.energy.clone()
            },
            alerts: self.alerts.clone(),
        }
    }
}

impl Power {
    fn tightened_by(&self, policy: &Self) -> Self {
        Self {
            celsius_max: self.celsius_max.min(policy.celsius_max),
            watts_max: lower_limit(self.watts_max, policy.watts_max),
            on_battery: self.on_battery && policy.on_battery,
            battery_percent_min: self.battery_percent_min.max(policy.battery_percent_min),
        }
    }
}

impl Network {
    fn tightened_by(&self, policy: &Self) -> Self {
        Self {
            on_metered: self.on_metered && policy.on_metered,
            upload_kib_per_second: self.upload_kib_per_second.min(policy.upload_kib_per_second),
            download_kib_per_second: self
                .download_kib_per_second
                .min(policy.download_kib_per_second),
        }
    }
}

impl Hours {
    /// Returns the hours at which both allow work.
    fn tightened_by(&self, policy: &Self) -> Self {
        let (mine, theirs) = (self.days(), policy.days());
        let day = |index: usize| {
            if mine == theirs {
                return mine[index].clone();
            }
            parts(|minute| is_of_day(&mine, index, minute) && is_of_day(&theirs, index, minute))
        };
        let only_off_peak = self.only_off_peak || policy.only_off_peak;
        let is_off_peak = |hours: &Self, minute| {
            let is_open = hours.off_peak.is_open(minute) || hours.off_peak.is_open_next_day(minute);
            is_open || !hours.only_off_peak
        };
        let off_peak = match (self.only_off_peak, policy.only_off_peak) {
            (_, false) => self.off_peak.clone(),
            (false, true) => policy.off_peak.clone(),
            (true, true) if self.off_peak == policy.off_peak => self.off_peak.clone(),
            (true, true) => {
                parts(|minute| is_off_peak(self, minute) && is_off_peak(policy, minute))
            }
        };
        Self {
            monday: day(0),
            tuesday: day(1),
            wednesday: day(2),
            thursday: day(3),
            friday: day(4),
            saturday: day(5),
            sunday: day(6),
            only_off_peak,
            off_peak,
        }
    }
}

/// Returns the windows of one day that hold the minutes that `is_open`.
fn parts(is_open: impl Fn(u16) -> bool) -> Windows {
    let mut parts = Vec::new();
    let mut begun = None;
    for minute in 0..=DAY_MINUTES {
        match (begun, minute < DAY_MINUTES && is_open(minute)) {
            (None, true) => begun = Some(minute),
            (Some(begin), false) => {
                parts.push((begin, minute));
                begun = None;
            }
            _ => {}
        }
    }
    Windows::from_parts(parts)
}

/// The tighter of two limits of which 0 stands for none.
fn lower_limit(one: u32, other: u32) -> u32 {
    match (one, other) {
        (0, limit) | (limit, 0) => limit,
        (one, other) => one.min(other),
    }
}

/// Writes `other`'s values over those of `table`.
fn merge(table: &mut Table, other: Table) {
    for (key, value) in other {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(section)), Value::Table(values)) => merge(section, values),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}
