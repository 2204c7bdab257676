//! A machine whose owner, sensors and clock do what they want, and what is true of it.

use agent::{Limits, Offer, Pause, Sensor, Situation, Worker};
use sensors::{
    Battery, Call, Heat, Input, Load, Memory, Milliseconds, Network, Power, Reading, Readings,
    Seen, WallTime,
};
use units::Wei;

const MIB: u64 = 1 << 20;

/// Something that happens.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// Nothing, for so many steps.
    Quiet(u16),
    /// A step after so many milliseconds.
    After(u64),
    /// The clock runs backwards by so many.
    Backwards(u64),
    /// Input, so many milliseconds ago.
    Input(u64),
    /// A sensor gets a fault, or loses it.
    Fault(Sensor, Option<Fault>),
    /// The state of the machine changes: which part, and how much of what it can be, in 256ths.
    Change(u8, u8),
}

/// How a sensor fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It sees nothing.
    Blind,
    /// It says the same again and again.
    Stuck,
    /// It says what it said some milliseconds ago, as seen then.
    Late(u64),
    /// It tells of the future.
    Ahead,
    /// It says something that cannot be.
    Absurd,
}

/// The machine.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) now: u64,
    /// When the owner last did something.
    pub(crate) input: u64,
    /// When the owner last did something that was not hidden by a sensor that sees nothing.
    pub(crate) input_seen: u64,
    pub(crate) state: State,
    faults: [Option<Fault>; Sensor::ALL.len()],
    stuck: [u64; Sensor::ALL.len()],
    /// When each sensor's newest saying was seen.
    newest: [u64; Sensor::ALL.len()],
}

/// What is true of it.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) is_called: bool,
    pub(crate) full_screen: Option<String>,
    pub(crate) gpu: bool,
    pub(crate) exclusive: bool,
    pub(crate) is_on_mains: bool,
    pub(crate) percent: u8,
    pub(crate) is_metered: bool,
    pub(crate) millicelsius: i32,
    pub(crate) throttle_count: u64,
    pub(crate) load: u32,
    pub(crate) wait_bps: u32,
    pub(crate) available_mib: u64,
    pub(crate) disk_mib: u64,
    pub(crate) minute: u16,
    pub(crate) milliwatts: u64,
    pub(crate) grams: u32,
    pub(crate) pause: Option<u64>,
    pub(crate) offer: Option<u128>,
    pub(crate) is_revoked: bool,
    pub(crate) is_unread: bool,
    pub(crate) is_failed: bool,
}

impl World {
    pub(crate) fn new(now: u64) -> Self {
        let state = State {
            is_called: false,
            full_screen: None,
            gpu: false,
            exclusive: false,
            is_on_mains: true,
            percent: 100,
            is_metered: false,
            millicelsius: 40_000,
            throttle_count: 0,
            load: 0,
            wait_bps: 0,
            available_mib: 30_000,
            disk_mib: 100_000,
            minute: 0,
            milliwatts: 10_000,
            grams: 100,
            pause: None,
            offer: None,
            is_revoked: false,
            is_unread: false,
            is_failed: false,
        };
        Self {
            now,
            input: 0,
            input_seen: 0,
            state,
            faults: [None; Sensor::ALL.len()],
            stuck: [now; Sensor::ALL.len()],
            newest: [0; Sensor::ALL.len()],
        }
    }

    pub(crate) fn fault(&mut self, sensor: Sensor, fault: Option<Fault>) {
        self.faults[index(sensor)] = fault;
        self.stuck[index(sensor)] = self.now;
    }

    /// The clock has run backwards: what was said before it is forgotten.
    pub(crate) fn forget(&mut self) {
        self.newest = [0; Sensor::ALL.len()];
        self.input = self.input.min(self.now);
        self.input_seen = self.input_seen.min(self.now);
    }

    /// Shows the last input to a sensor that sees, before a step.
    pub(crate) fn look(&mut self) {
        if self.faults[index(Sensor::Input)] != Some(Fault::Blind) {
            self.input_seen = self.input;
        }
    }

    /// Returns whether a sensor sees nothing, and `limits` let it.
    pub(crate) fn may_lack(&self, sensor: Sensor, limits: &Limits) -> bool {
        self.faults[index(sensor)] == Some(Fault::Blind)
            && limits.sensors.may_be_missing.contains(&sensor)
    }

    pub(crate) fn change(&mut self, part: u8, share: u8) {
        let (now, is_set) = (self.now, share % 2 == 1);
        let of = |most: u64| most * u64::from(share) / 255;
        let small = |most: u64| u32::try_from(of(most)).unwrap();
        let state = &mut self.state;
        match part % 21 {
            0 => state.is_called = is_set,
            1 => {
                let programs = [None, Some("mpv".to_owned()), Some("swaylock".to_owned())];
                state.full_screen.clone_from(&programs[usize::from(share % 3)]);
            }
            2 => state.gpu = is_set,
            3 => state.exclusive = is_set,
            4 => state.is_on_mains = !is_set,
            5 => state.percent = u8::try_from(of(100)).unwrap(),
            6 => state.is_metered = is_set,
            7 => state.millicelsius = i32::try_from(of(120_000)).unwrap() - 10_000,
            8 => state.throttle_count += of(2),
            9 => state.load = small(4_000),
            10 => state.wait_bps = small(10_000),
            11 => state.available_mib = of(32_000),
            12 => state.disk_mib = of(20_000),
            13 => state.minute = u16::try_from(of(10_079)).unwrap(),
            14 => state.milliwatts = of(300_000),
            15 => state.grams = small(800),
            16 => state.pause = is_set.then(|| now + of(600_000)),
            17 => state.offer = is_set.then(|| u128::from(of(4_000))),
            18 => state.is_revoked = 200 < share,
            19 => state.is_unread = is_set,
            _ => state.is_failed = is_set,
        }
    }

    /// Returns whether what a sensor says now can be relied on.
    pub(crate) fn is_sound(&self, sensor: Sensor) -> bool {
        let at = self.at(sensor);
        let is_seen = !matches!(self.faults[index(sensor)], Some(Fault::Blind | Fault::Absurd));
        is_seen
            && at <= self.now
            && self.now - at <= sensor.age_ms_max()
            && self.newest[index(sensor)] <= at
    }

    /// Notes what was said, after a step.
    pub(crate) fn said(&mut self) {
        for sensor in Sensor::ALL {
            let at = self.at(sensor);
            let is_heard = at <= self.now && self.now - at <= sensor.age_ms_max();
            if is_heard {
                let newest = &mut self.newest[index(sensor)];
                *newest = (*newest).max(at);
            }
        }
    }

    fn at(&self, sensor: Sensor) -> u64 {
        match self.faults[index(sensor)] {
            Some(Fault::Stuck) => self.stuck[index(sensor)].min(self.now),
            Some(Fault::Late(age)) => self.now.saturating_sub(age),
            Some(Fault::Ahead) => self.now + 1,
            Some(Fault::Blind | Fault::Absurd) | None => self.now,
        }
    }

    fn read<T>(&self, sensor: Sensor, value: T, absurd: T) -> Reading<T> {
        let seen = match self.faults[index(sensor)] {
            Some(Fault::Blind) => Seen::Unknown("a fault".to_owned()),
            Some(Fault::Absurd) => Seen::Known(absurd),
            _ => Seen::Known(value),
        };
        Reading { seen, source: sensor.name().to_owned(), at: Milliseconds(self.at(sensor)) }
    }

    pub(crate) fn readings(&self) -> Readings {
        let state = &self.state;
        let names = |is: bool| if is { vec!["game".to_owned()] } else { Vec::new() };
        let load = |bps| Load {
            cores_permille: state.load,
            cpu_wait_bps: state.wait_bps,
            memory_wait_bps: 0,
            io_wait_bps: bps,
        };
        let battery = |percent| Battery { percent, discharge_milliwatts: 0 };
        let power =
            |percent| Power { is_on_mains: state.is_on_mains, battery: Some(battery(percent)) };
        let heat = |highest_millicelsius| Heat {
            highest_millicelsius,
            sensor: "cpu".to_owned(),
            throttle_count: state.throttle_count,
        };
        let memory =
            |available| Memory { available_bytes: available * MIB, total_bytes: 32_000 * MIB };
        let time = |minute_of_week| WallTime { unix_seconds: 0, minute_of_week };
        let input = |at| Input { last: Some(Milliseconds(at)) };
        let call = Call { device: state.is_called.then(|| "video0".to_owned()) };
        let network = Network { is_online: true, is_metered: state.is_metered };
        Readings {
            input: self.read(Sensor::Input, input(self.input), input(self.now + 1)),
            load: self.read(Sensor::Load, load(0), load(10_001)),
            memory: self.read(Sensor::Memory, memory(state.available_mib), memory(32_001)),
            // A sensor that names something more where it can't contradict itself is no lie that could be seen.
            gpu: self.read(Sensor::Gpu, names(state.gpu), names(true)),
            full_screen: self.read(
                Sensor::FullScreen,
                state.full_screen.clone(),
                Some("x".to_owned()),
            ),
            call: self.read(Sensor::Call, call, Call { device: Some("x".to_owned()) }),
            exclusive: self.read(Sensor::Exclusive, names(state.exclusive), names(true)),
            power: self.read(Sensor::Power, power(state.percent), power(101)),
            heat: self.read(Sensor::Heat, heat(state.millicelsius), heat(-300_000)),
            network: self.read(
                Sensor::Network,
                network,
                Network { is_online: true, is_metered: true },
            ),
            disk: self.read(Sensor::Disk, state.disk_mib * MIB, 0),
            time: self.read(Sensor::Time, time(state.minute), time(10_080)),
        }
    }

    pub(crate) fn situation(&self) -> Situation {
        let state = &self.state;
        let offer = |wei: u128| Offer {
            project: "project 1".to_owned(),
            per_hour: Wei::new(wei),
            gross_per_hour: None,
            energy_per_hour: None,
            is_finishing: false,
        };
        let until = Milliseconds(self.now + 1);
        Situation {
            pause: state
                .pause
                .map(|until| Pause { until: Some(Milliseconds(until)), at: Milliseconds(0) }),
            worker: if state.is_failed {
                Worker::Failed { text: "a fault".to_owned(), until }
            } else {
                Worker::Ready
            },
            offer: state.offer.map(offer),
            milliwatts: Some(self.read(Sensor::Watts, state.milliwatts, u64::MAX)),
            carbon_grams: Some(self.read(Sensor::Carbon, state.grams, u32::MAX)),
            is_stopping: false,
            revoked: state.is_revoked.then(|| "stolen".to_owned()),
            unread: state.is_unread.then(|| "an unknown key".to_owned()),
        }
    }

    /// Returns what in the world forbids to work within `limits`: an own reading of the rules, not that of the policy.
    pub(crate) fn forbids(&self, limits: &Limits) -> Option<&'static str> {
        let Limits { hours, machine, power, programs, energy, earning, .. } = limits;
        let state = &self.state;
        let lacks = |sensor: Sensor| !self.may_lack(sensor, limits) && !self.is_sound(sensor);
        let is_needed = |sensor: Sensor| match sensor {
            Sensor::Exclusive => !programs.exclusive.is_empty(),
            Sensor::Network => !limits.network.on_metered,
            Sensor::Time => !hours.is_always(),
            Sensor::Watts => power.watts_max != 0,
            Sensor::Carbon => energy.carbon_grams_max != 0,
            _ => true,
        };
        if Sensor::ALL.into_iter().any(|sensor| is_needed(sensor) && lacks(sensor)) {
            return Some("a sensor");
        }
        let sees = |sensor: Sensor| self.faults[index(sensor)] != Some(Fault::Blind);
        let rules = [
            ("a call", sees(Sensor::Call) && state.is_called),
            ("the screen", sees(Sensor::FullScreen) && state.full_screen.as_deref() == Some("mpv")),
            ("the graphics processor", sees(Sensor::Gpu) && state.gpu),
            (
                "an exclusive program",
                sees(Sensor::Exclusive) && state.exclusive && programs.exclusive.contains("game"),
            ),
            (
                "the battery",
                sees(Sensor::Power)
                    && (state.percent < power.battery_percent_min
                        || !state.is_on_mains && !power.on_battery),
            ),
            ("metered", sees(Sensor::Network) && state.is_metered && !limits.network.on_metered),
            (
                "heat",
                sees(Sensor::Heat) && i32::from(power.celsius_max) * 1_000 <= state.millicelsius,
            ),
            ("load", sees(Sensor::Load) && machine.others_percent_max * 10 < state.load),
            (
                "waiting",
                sees(Sensor::Load) && u32::from(machine.wait_percent_max) * 100 < state.wait_bps,
            ),
            (
                "memory",
                sees(Sensor::Memory) && state.available_mib < u64::from(machine.memory_left_mib),
            ),
            ("disk", sees(Sensor::Disk) && state.disk_mib < u64::from(machine.disk_left_mib)),
            ("hours", !hours.is_always() && (!sees(Sensor::Time) || !hours.is_open(state.minute))),
            (
                "watts",
                sees(Sensor::Watts)
                    && power.watts_max != 0
                    && u64::from(power.watts_max) * 1_000 < state.milliwatts,
            ),
            (
                "carbon",
                sees(Sensor::Carbon)
                    && energy.carbon_grams_max != 0
                    && energy.carbon_grams_max < state.grams,
            ),
            ("a pause", state.pause.is_some_and(|until| self.now < until)),
            ("the price", state.offer.is_some_and(|wei| wei < earning.floor_per_hour.0.as_u128())),
            ("the account", state.is_revoked),
            ("the account's policy", state.is_unread),
            ("the worker", state.is_failed),
        ];
        rules.into_iter().find(|(_, is_broken)| *is_broken).map(|(name, _)| name)
    }
}

fn index(sensor: Sensor) -> usize {
    Sensor::ALL.into_iter().position(|other| other == sensor).unwrap()
}
