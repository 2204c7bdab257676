//! What readings say against working.

use sensors::{Heat, Input, Load, Milliseconds, Power, Reading, Readings, Seen, WallTime};

use super::reason::Resource;
use super::{Sensor, Situation, Why, Worker};
use crate::limits::{Grain, Limits, Loss, WEEK_MINUTES};

/// How long the worker runs gently after the processor was slowed down because of heat, in milliseconds.
const THROTTLE_MS: u64 = 300_000;

/// A reason, who says it, and when that was seen.
pub(super) type Found = (Why, String, Milliseconds);

/// What is remembered of readings.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    /// The last input, or the last moment at which there may have been some unseen.
    input: Option<Milliseconds>,
    /// When the policy began to watch.
    begun: Milliseconds,
    /// When each sensor last said something.
    said: [Milliseconds; Sensor::COUNT],
    /// How often the processor had been slowed down at the last look.
    throttle_count: Option<u64>,
    throttled: Option<Milliseconds>,
}

impl Memory {
    pub(super) fn new(now: Milliseconds) -> Self {
        Self {
            input: None,
            begun: now,
            said: [Milliseconds(0); Sensor::COUNT],
            throttle_count: None,
            throttled: None,
        }
    }

    /// Notes that the machine may have been used until `now`, unseen.
    pub(super) fn touch(&mut self, now: Milliseconds) {
        self.input = Some(self.input.map_or(now, |input| input.max(now)));
    }
}

/// One step's look at everything.
pub(super) struct Judge<'a> {
    pub(super) now: Milliseconds,
    pub(super) limits: &'a Limits,
    pub(super) readings: &'a Readings,
    pub(super) situation: &'a Situation,
    /// Whether the worker has its memory, so that it is missing from what is available.
    pub(super) is_held: bool,
}

impl Judge<'_> {
    /// Returns everything against running at full.
    pub(super) fn reasons(&self, memory: &mut Memory) -> Vec<Found> {
        let mut found = Vec::new();
        self.owner(&mut found);
        self.input(memory, &mut found);
        self.others(memory, &mut found);
        self.load(memory, &mut found);
        self.power(memory, &mut found);
        self.heat(memory, &mut found);
        self.surroundings(memory, &mut found);
        self.hours(memory, &mut found);
        self.earnings(memory, &mut found);
        found
    }

    /// What people said: the owner, the account, the worker's end.
    fn owner(&self, found: &mut Vec<Found>) {
        let Situation { pause, worker, is_stopping, revoked, unread, .. } = self.situation;
        if *is_stopping {
            found.push((Why::Stopping, "owner".to_owned(), self.now));
        }
        if let Some(text) = revoked {
            found.push((Why::Revoked { text: text.clone() }, "account".to_owned(), self.now));
        }
        if let Some(text) = unread {
            found.push((Why::PolicyUnread { text: text.clone() }, "account".to_owned(), self.now));
        }
        if let Some(pause) = pause
            && pause.until.is_none_or(|until| self.now < until)
        {
            let seconds = pause.until.map(|until| seconds_up(until.since(self.now)));
            found.push((Why::Paused { seconds }, "owner".to_owned(), pause.at));
        }
        let (text, until) = match worker {
            Worker::Ready => return,
            Worker::Failed { text, until } | Worker::NoProject { text, until } => (text, *until),
        };
        if until <= self.now {
            return;
        }
        let (text, seconds) = (text.clone(), seconds_up(until.since(self.now)));
        match worker {
            Worker::NoProject { .. } => {
                found.push((Why::NoProject { text, seconds }, "ledger".to_owned(), self.now));
            }
            Worker::Ready | Worker::Failed { .. } => {
                found.push((Why::WorkerFailed { text, seconds }, "worker".to_owned(), self.now));
            }
        }
    }

    fn input(&self, memory: &mut Memory, found: &mut Vec<Found>) {
        let reading = &self.readings.input;
        let is_sound = |input: &Input| match input.last {
            Some(last) if self.now < last => Err("it tells of input in the future".to_owned()),
            _ => Ok(()),
        };
        match self.look(Sensor::Input, reading, is_sound, memory, found) {
            Some(input) => {
                let last = input.last.unwrap_or(memory.begun);
                memory.input = Some(memory.input.map_or(last, |seen| seen.max(last)));
            }
            // The owner may have said that no input can be seen on this machine.
            None if self.may_lack(Sensor::Input, reading) => {}
            // Whoever cannot see may miss something.
            None => memory.touch(self.now),
        }
        let idle_milliseconds = self.now.since(memory.input.unwrap_or(memory.begun));
        let idle = &self.limits.idle;
        if idle_milliseconds < u64::from(idle.full_after_seconds) * 1_000 {
            let gentle_after_ms = u64::from(idle.gentle_after_seconds) * 1_000;
            let is_gentle = idle.linger || gentle_after_ms <= idle_milliseconds;
            let needed_seconds =
                if is_gentle { idle.full_after_seconds } else { idle.gentle_after_seconds };
            let why = Why::InUse { idle_milliseconds, needed_seconds, is_gentle };
            found.push((why, reading.source.clone(), reading.at));
        }
    }

    /// What others do with the machine that is no input.
    fn others(&self, memory: &mut Memory, found: &mut Vec<Found>) {
        let Readings { gpu, full_screen, call, exclusive, .. } = self.readings;
        let programs = &self.limits.programs;
        if let Some(names) = self.look(Sensor::Gpu, gpu, sound, memory, found) {
            let others = names.iter().filter(|name| !programs.gpu_ignored.contains(*name));
            let others: Vec<String> = others.cloned().collect();
            if !others.is_empty() {
                found.push((Why::GpuInUse { programs: others }, gpu.source.clone(), gpu.at));
            }
        }
        if let Some(Some(program)) =
            self.look(Sensor::FullScreen, full_screen, sound, memory, found)
            && !programs.full_screen_ignored.contains(program)
        {
            let why = Why::FullScreen { program: program.clone() };
            found.push((why, full_screen.source.clone(), full_screen.at));
        }
        if let Some(seen) = self.look(Sensor::Call, call, sound, memory, found)
            && let Some(device) = &seen.device
        {
            found.push((Why::InCall { device: device.clone() }, call.source.clone(), call.at));
        }
        // Without a list there is nothing to look for.
        if !programs.exclusive.is_empty()
            && let Some(names) = self.look(Sensor::Exclusive, exclusive, sound, memory, found)
            && !names.is_empty()
        {
            let why = Why::ExclusiveRuns { programs: names.clone() };
            found.push((why, exclusive.source.clone(), exclusive.at));
        }
    }

    fn load(&self, memory: &mut Memory, found: &mut Vec<Found>) {
        let reading = &self.readings.load;
        let is_sound = |load: &Load| {
            let most = load.cpu_wait_bps.max(load.memory_wait_bps).max(load.io_wait_bps);
            if most <= 10_000 { Ok(()) } else { Err(format!("a share of {most} in 10000")) }
        };
        let Some(load) = self.look(Sensor::Load, reading, is_sound, memory, found) else { return };
        let limit_percent = self.limits.machine.others_percent_max;
        let percent = load.cores_permille.div_ceil(10);
        if limit_percent / 2 < percent {
            let why = Why::OthersLoad { percent, limit_percent };
            found.push((why, reading.source.clone(), reading.at));
        }
        let limit_percent = u32::from(self.limits.machine.wait_percent_max);
        for (resource, bps) in [
            (Resource::Cpu, load.cpu_wait_bps),
            (Resource::Memory, load.memory_wait_bps),
            (Resource::Disk, load.io_wait_bps),
        ] {
            let percent = bps.div_ceil(100);
            if limit_percent < percent {
                let why = Why::OthersWait { resource, percent, limit_percent };
                found.push((why, reading.source.clone(), reading.at));
            }
        }
    }

    fn power(&self, memory: &mut Memory, found: &mut Vec<Found>) {
        let reading = &self.readings.power;
        let is_sound = |power: &Power| match &power.battery {
            Some(battery) if 100 < battery.percent => Err(format!("{} percent", battery.percent)),
            None if !power.is_on_mains => Err("neither mains nor battery".to_owned()),
            _ => Ok(()),
        };
        let limits = &self.limits.power;
        if let Some(power) = self.look(Sensor::Power, reading, is_sound, memory, found) {
            let percent = power.battery.as_ref().map(|battery| battery.percent);
            if !power.is_on_mains && !limits.on_battery {
                found.push((Why::OnBattery { percent }, reading.source.clone(), reading.at));
            }
            let limit_percent = limits.battery_percent_min;
            if let Some(percent) = percent.filter(|percent| *percent < limit_percent) {
                let why = Why::BatteryLow { percent, limit_percent };
                found.push((why, reading.source.clone(), reading.at));
            }
        }
        if limits.watts_max == 0 {
            return;
        }
        let unknown = no_reading("no meter of the machine's power can be read", "meters", self.now);
        let reading = self.situation.milliwatts.as_ref().unwrap_or(&unknown);
        if let Some(&milliwatts) = self.look(Sensor::Watts, reading, sound, memory, found) {
            let limit_watts = limits.watts_max;
            // From nine tenths of the limit on the worker runs gently.
            if u64::from(limit_watts) * 900 < milliwatts {
                let why = Why::TooMuchPower { milliwatts, limit_watts };
                found.push((why, reading.source.clone(), reading.at));
            }
        }
    }

    fn heat(&self, memory: &mut Memory, found: &mut Vec<Found>) {
        let reading = &self.readings.heat;
        let is_sound = |heat: &Heat| {
            let degrees = heat.highest_millicelsius / 1_000;
            if (-40..=150).contains(&degrees) { Ok(()) } else { Err(format!("{degrees} °C")) }
        };
        if let Some(heat) = self.look(Sensor::Heat, reading, is_sound, memory, found) {
            if memory.throttle_count.is_some_and(|count| count < heat.throttle_count) {
                memory.throttled = Some(self.now);
            }
            memory.throttle_count = Some(heat.throttle_count);
            let limit_celsius = self.limits.power.celsius_max;
            // From five degrees below the limit on the worker runs gently.
            if (i32::from(limit_celsius) - 5) * 1_000 <= heat.highest_millicelsius {
                let millicelsius = heat.highest_millicelsius;
                let why = Why::Hot { millicelsius, limit_celsius, sensor: heat.sensor.clone() };
                found.push((why, reading.source.clone(), reading.at));
            }
        }
        if let Some(at) = memory.throttled
            && self.now.since(at) < THROTTLE_MS
        {
            let seconds = seconds_up(THROTTLE_MS - self.now.since(at));
            found.push((Why::Throttled { seconds }, reading.source.clone(), at));
        }
    }

    /// Memory, disk and network.
    fn surroundings(&self, memory: &mut Memory, found: &mut Vec<Found>) {
        let Readings { memory: free, disk, network, .. } = self.readings;
        let machine = &self.limits.machine;
        let is_sound = |free: &sensors::Memory| {
            let is_sound = free.available_bytes <= free.total_bytes;
            if is_sound { Ok(()) } else { Err("more is available than there is".to_owned()) }
        };
        if let Some(seen) = self.look(Sensor::Memory, free, is_sound, memory, found) {
            // What the worker holds is missing already; before it starts, its share must be there, too.
            let wanted = if self.is_held { 0 } else { u64::from(machine.memory_mib) };
            let needed_mib = u64::from(machine.memory_left_mib) + wanted;
            let available_mib = seen.available_bytes >> 20;
            if available_mib < needed_mib {
                let why = Why::MemoryShort { available_mib, needed_mib };
                found.push((why, free.source.clone(), free.at));
            }
        }
        if let Some(bytes) = self.look(Sensor::Disk, disk, sound, memory, found) {
            let (free_mib, needed_mib) = (bytes >> 20, u64::from(machine.disk_left_mib));
            if free_mib < needed_mib {
                found.push((Why::DiskShort { free_mib, needed_mib }, disk.source.clone(), disk.at));
            }
        }
        if !self.limits.network.on_metered
            && let Some(seen) = self.look(Sensor::Network, network, sound, memory, found)
            && seen.is_metered
        {
            found.push((Why::Metered, network.source.clone(), network.at));
        }
    }

    fn hours(&self, memory: &mut Memory, found: &mut Vec<Found>) {
        let (reading, hours) = (&self.readings.time, &self.limits.hours);
        // Who may work at all times needs no clock.
        if hours.is_always() {
            return;
        }
        let is_sound = |time: &WallTime| {
            let minute = time.minute_of_week;
            if minute < WEEK_MINUTES { Ok(()) } else { Err(format!("minute {minute} of the week")) }
        };
        let time = self.look(Sensor::Time, reading, is_sound, memory, found);
        let minutes = match time {
            Some(time) if hours.is_open(time.minute_of_week) => return,
            Some(time) => hours.opens_in(time.minute_of_week),
            None => None,
        };
        // Hours are no wish that a missing clock could lift.
        if time.is_some() || self.may_lack(Sensor::Time, reading) {
            found.push((Why::OutsideHours { minutes }, reading.source.clone(), reading.at));
        }
    }

    fn earnings(&self, memory: &mut Memory, found: &mut Vec<Found>) {
        let Limits { earning, energy, .. } = self.limits;
        if let Some(offer) = &self.situation.offer {
            let source = || offer.project.clone();
            let floor = earning.floor_per_hour;
            if offer.per_hour < floor.0 {
                let is_finishing = offer.is_finishing;
                let why = Why::BelowFloor { offered: Grain(offer.per_hour), floor, is_finishing };
                found.push((why, source(), self.now));
            }
            if let (Some(gross), Some(cost), Loss::Pause) =
                (offer.gross_per_hour, offer.energy_per_hour, earning.at_a_loss)
                && gross < cost
            {
                let currency = energy.currency.clone();
                let is_finishing = offer.is_finishing;
                let why = Why::AtALoss { gross, energy: cost, currency, is_finishing };
                found.push((why, source(), self.now));
            }
        }
        let limit_grams = energy.carbon_grams_max;
        if limit_grams == 0 {
            return;
        }
        let unknown = no_reading("no figure for now", "energy.carbon_file", self.now);
        let reading = self.situation.carbon_grams.as_ref().unwrap_or(&unknown);
        if let Some(&grams) = self.look(Sensor::Carbon, reading, sound, memory, found)
            && limit_grams < grams
        {
            let why = Why::Carbon { grams, limit_grams };
            found.push((why, reading.source.clone(), reading.at));
        }
    }

    /// Returns whether nothing is seen, and the owner has said that this does not matter.
    fn may_lack<T>(&self, sensor: Sensor, reading: &Reading<T>) -> bool {
        matches!(reading.seen, Seen::Unknown(_))
            && self.limits.sensors.may_be_missing.contains(&sensor)
    }

    /// Returns what a sensor saw, if it can be relied on; else says why not.
    fn look<'r, T>(
        &self,
        sensor: Sensor,
        reading: &'r Reading<T>,
        is_sound: impl Fn(&T) -> Result<(), String>,
        memory: &mut Memory,
        found: &mut Vec<Found>,
    ) -> Option<&'r T> {
        if self.may_lack(sensor, reading) {
            return None;
        }
        let wrong = |explanation: String| Why::Contradiction { sensor, explanation };
        let said = &mut memory.said[sensor.index()];
        let (at, age_milliseconds) = (reading.at, self.now.since(reading.at));
        let why = if self.now < at {
            wrong("it tells of the future".to_owned())
        } else if at < *said {
            wrong("it is older than what the same sensor said before".to_owned())
        } else if sensor.age_ms_max() < age_milliseconds {
            Why::Stale { sensor, age_milliseconds }
        } else {
            *said = at;
            match &reading.seen {
                Seen::Unknown(explanation) => {
                    Why::Unknown { sensor, explanation: explanation.clone() }
                }
                Seen::Known(seen) => match is_sound(seen) {
                    Ok(()) => return Some(seen),
                    Err(explanation) => wrong(explanation),
                },
            }
        };
        found.push((why, reading.source.clone(), at));
        None
    }
}

/// For sensors that can't contradict themselves.
#[expect(clippy::unnecessary_wraps, reason = "as the checks of other sensors")]
fn sound<T>(_: &T) -> Result<(), String> {
    Ok(())
}

fn no_reading<T>(why: &str, source: &str, now: Milliseconds) -> Reading<T> {
    Reading { seen: Seen::Unknown(why.to_owned()), source: source.to_owned(), at: now }
}

fn seconds_up(milliseconds: u64) -> u64 {
    milliseconds.div_ceil(1_000)
}
