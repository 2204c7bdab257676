//! What happens in a simulation, drawn from its seed before it begins.

use std::time::Duration;

use units::Bps;
use worker::Behaviour;

use crate::{Host, Random, network::Quality};

/// A whole simulation: the same plan gives the same history.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What else is random is drawn from it: keys, latencies, losses.
    pub seed: u64,
    /// Rounds of the project.
    pub rounds: u32,
    /// Seconds until the deadline of a round.
    pub round_seconds: u32,
    /// Seconds until the deadline of an audit.
    pub audit_seconds: u32,
    /// Seconds without progress after which anyone may abandon the run.
    pub stall_seconds: u32,
    /// The devices.
    pub cast: Vec<Part>,
    /// Whether the owner runs an auditing device.
    pub has_auditor: bool,
    /// Whether the owner's coordinator brings no commitment to the ledger, and asks for the update at once.
    pub is_thief: bool,
    /// How good the paths between machines are.
    pub quality: Quality,
    /// What breaks, in the order of time.
    pub faults: Vec<Fault>,
    /// How the owner ends the run.
    pub ending: PlannedEnding,
    /// Virtual time after which the run must be over.
    pub time_max: Duration,
}

/// A device of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// How it does its work.
    pub behaviour: Behaviour,
    /// Time that it takes for an inner step.
    pub step: Duration,
    /// When it comes.
    pub begins: Duration,
}

/// Something that breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When.
    pub begins: Duration,
    /// For how long.
    pub lasts: Duration,
    /// What.
    pub kind: FaultKind,
}

/// What breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The machine is off, and starts again from its disk.
    Crash(Host),
    /// These machines reach no others, only each other.
    Island(Vec<Host>),
}

/// How the owner ends the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlannedEnding {
    /// By its last round.
    Complete,
    /// It cancels it, at this time after the beginning.
    Cancel(Duration),
    /// Its coordinator is gone for good from this time on: others abandon the run.
    Gone(Duration),
}

/// Largest share of lost packets and connections.
const LOSS_MAX: u16 = 3_000;

impl Plan {
    /// Draws a plan for a small network: 4 to 10 devices of which up to a quarter cheat, a few rounds, mostly 30 % loss, crashes
    /// of everything, and partitions.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed).split();
        let devices = 4 + random.below(7);
        Self::with(seed, devices, 3 + random.below(4), random)
    }

    /// Draws a plan for a network of any size and length.
    #[must_use]
    pub fn sized(seed: u64, devices: u16, rounds: u32) -> Self {
        let random = Random::new(seed).split();
        Self::with(seed, devices.into(), rounds.into(), random)
    }

    fn with(seed: u64, devices: u64, rounds: u64, mut random: Random) -> Self {
        let round_seconds = 40 + random.below(81);
        let span = Duration::from_secs(rounds * round_seconds);
        let is_bad = random.chance(8, 10);
        let loss = if is_bad { LOSS_MAX } else { small(random.below(LOSS_MAX.into())) };
        let latency_max = Duration::from_millis(5 + random.below(150));
        let quality = Quality {
            latency_min: latency_max / 4,
            latency_max,
            loss: Bps::new(loss).unwrap_or(Bps::ZERO),
            dials_lost: Bps::new(loss).unwrap_or(Bps::ZERO),
            ..Quality::GOOD
        };
        let cast = cast(&mut random, devices, round_seconds);
        let faults = faults(&mut random, &cast, span);
        let ending = match random.below(10) {
            0 => PlannedEnding::Cancel(random.time(Duration::ZERO, span)),
            1 => PlannedEnding::Gone(random.time(Duration::from_secs(5), span)),
            _ => PlannedEnding::Complete,
        };
        let stall_seconds = 600;
        Self {
            seed,
            rounds: u32::try_from(rounds).unwrap_or(u32::MAX),
            round_seconds: u32::try_from(round_seconds).unwrap_or(u32::MAX),
            audit_seconds: u32::try_from(round_seconds + random.below(30)).unwrap_or(u32::MAX),
            stall_seconds,
            has_auditor: random.chance(9, 10),
            cast,
            quality,
            faults,
            ending,
            is_thief: random.chance(1, 8),
            time_max: span * 10 + Duration::from_secs(u64::from(stall_seconds) + 3_600),
        }
    }

    /// Returns the hosts of all devices that train.
    pub(crate) fn workers(&self) -> impl Iterator<Item = Host> {
        (0_u16..).zip(&self.cast).map(|(number, _)| Host::Worker(number))
    }
}

fn small(number: u64) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// Draws the devices: at most a quarter of them cheat.
fn cast(random: &mut Random, devices: u64, round_seconds: u64) -> Vec<Part> {
    const CHEATS: [Behaviour; 10] = [
        Behaviour::MadeUp,
        Behaviour::Poisoned,
        Behaviour::Garbage,
        Behaviour::Short,
        Behaviour::NotANumber,
        Behaviour::Copied,
        Behaviour::Twice,
        Behaviour::Late,
        Behaviour::FalseAudits,
        Behaviour::Colluder,
    ];
    let cheats = random.below(devices / 4 + 1);
    (0..devices)
        .map(|number| {
            let step_max = Duration::from_secs(round_seconds) / 8;
            let behaviour = match number < cheats {
                true => random.choose(&CHEATS).copied().unwrap_or_default(),
                false => Behaviour::Honest,
            };
            Part {
                behaviour,
                step: random.time(step_max / 8, step_max),
                begins: random.time(Duration::ZERO, Duration::from_secs(5)),
            }
        })
        .collect()
}

/// Draws what breaks: three to nine things within `span`, and at least one in two minutes of it, each for up to 40 s.
fn faults(random: &mut Random, cast: &[Part], span: Duration) -> Vec<Fault> {
    let count = (3 + random.below(7)).max(span.as_secs() / 120);
    let mut faults: Vec<Fault> = (0..count)
        .map(|_| Fault {
            begins: random.time(Duration::from_secs(1), span),
            lasts: random.time(Duration::from_millis(200), Duration::from_secs(40)),
            kind: fault(random, cast),
        })
        .collect();
    faults.sort_by_key(|fault| fault.begins);
    faults
}

fn fault(random: &mut Random, cast: &[Part]) -> FaultKind {
    let devices = u64::try_from(cast.len()).unwrap_or(u64::MAX);
    let worker = |random: &mut Random| Host::Worker(small(random.below(devices)));
    match random.below(10) {
        0 | 1 => FaultKind::Crash(Host::Node),
        2 | 3 => FaultKind::Crash(Host::Coordinator),
        4 | 5 => FaultKind::Crash(worker(random)),
        6 => FaultKind::Crash(Host::Auditor),
        7 => FaultKind::Island(vec![Host::Node]),
        8 => FaultKind::Island(vec![Host::Coordinator]),
        _ => {
            let count = 1 + random.below(devices.div_ceil(2));
            FaultKind::Island((0..count).map(|_| worker(random)).collect())
        }
    }
}
