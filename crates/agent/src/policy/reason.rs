//! Reasons against working, with their evidence and what would change them.

use sensors::Milliseconds;
use serde::{Deserialize, Serialize};

use super::Activity;
use crate::limits::{Grain, Limits, Money};

/// What is sensed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensor {
    /// Keyboard, pointer, sessions.
    Input,
    /// Load and waiting of other programs.
    Load,
    /// Memory.
    Memory,
    /// Graphics processors.
    Gpu,
    /// Programs that fill the screen.
    FullScreen,
    /// Camera and microphone.
    Call,
    /// The owner's exclusive programs.
    Exclusive,
    /// Mains and battery.
    Power,
    /// Temperature.
    Heat,
    /// Network.
    Network,
    /// Disk.
    Disk,
    /// Time of day.
    Time,
    /// Power that the machine draws.
    Watts,
    /// Carbon of a kWh.
    Carbon,
}

impl Sensor {
    /// All of them.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Input,
        Self::Load,
        Self::Memory,
        Self::Gpu,
        Self::FullScreen,
        Self::Call,
        Self::Exclusive,
        Self::Power,
        Self::Heat,
        Self::Network,
        Self::Disk,
        Self::Time,
        Self::Watts,
        Self::Carbon,
    ];

    /// How many there are.
    pub(super) const COUNT: usize = 14;

    /// Returns its place among them.
    pub(super) const fn index(self) -> usize {
        self as usize
    }

    /// Returns the age above which what it said is too old to rely on, in milliseconds.
    #[must_use]
    pub const fn age_ms_max(self) -> u64 {
        match self {
            Self::Input | Self::Power => 3_000,
            Self::Load | Self::Memory | Self::Time => 5_000,
            // Searched for every two seconds.
            Self::Gpu | Self::FullScreen | Self::Call | Self::Exclusive => 6_000,
            Self::Heat | Self::Watts => 10_000,
            Self::Network => 15_000,
            Self::Disk => 60_000,
            Self::Carbon => 7_200_000,
        }
    }

    /// Returns its name, as in documents and settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Load => "load",
            Self::Memory => "memory",
            Self::Gpu => "gpu",
            Self::FullScreen => "full_screen",
            Self::Call => "call",
            Self::Exclusive => "exclusive",
            Self::Power => "power",
            Self::Heat => "heat",
            Self::Network => "network",
            Self::Disk => "disk",
            Self::Time => "time",
            Self::Watts => "watts",
            Self::Carbon => "carbon",
        }
    }
}

/// What programs wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// A core.
    Cpu,
    /// Memory.
    Memory,
    /// A disk.
    Disk,
}

impl Resource {
    const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Disk => "disk",
        }
    }
}

/// A reason against running at full, with what was seen and the limit it is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "a variant says what its fields are, and their names say the unit")]
pub enum Why {
    /// The owner ends the agent.
    Stopping,
    /// The account has cut this device off.
    Revoked { text: String },
    /// The account's policy can't be read.
    PolicyUnread { text: String },
    /// The owner paused the agent; for how many more seconds, if not until told otherwise.
    Paused { seconds: Option<u64> },
    /// The worker ended by itself.
    WorkerFailed { text: String, seconds: u64 },
    /// No project is there to work for.
    NoProject { text: String, seconds: u64 },
    /// Somebody used the machine a short time ago.
    InUse { idle_milliseconds: u64, needed_seconds: u32, is_gentle: bool },
    /// A sensor cannot see.
    Unknown { sensor: Sensor, explanation: String },
    /// A sensor has been silent for too long.
    Stale { sensor: Sensor, age_milliseconds: u64 },
    /// What a sensor says cannot be.
    Contradiction { sensor: Sensor, explanation: String },
    /// Nobody watched for a while: the machine slept, or the agent was kept waiting.
    Unwatched { seconds: u64 },
    /// The clock of the machine ran backwards.
    ClockBackwards { milliseconds: u64 },
    /// Other programs compute.
    OthersLoad { percent: u32, limit_percent: u32 },
    /// Other programs wait.
    OthersWait { resource: Resource, percent: u32, limit_percent: u32 },
    /// Other programs use a graphics processor.
    GpuInUse { programs: Vec<String> },
    /// A program fills the screen.
    FullScreen { program: String },
    /// Camera or microphone are in use.
    InCall { device: String },
    /// One of the owner's exclusive programs runs.
    ExclusiveRuns { programs: Vec<String> },
    /// The machine runs on battery.
    OnBattery { percent: Option<u8> },
    /// The battery is low.
    BatteryLow { percent: u8, limit_percent: u8 },
    /// The machine draws much power.
    TooMuchPower { milliwatts: u64, limit_watts: u32 },
    /// It is warm.
    Hot { millicelsius: i32, limit_celsius: u8, sensor: String },
    /// The processor was slowed down because of heat.
    Throttled { seconds: u64 },
    /// Memory is short.
    MemoryShort { available_mib: u64, needed_mib: u64 },
    /// Disk space is short.
    DiskShort { free_mib: u64, needed_mib: u64 },
    /// Traffic is paid for.
    Metered,
    /// The owner wants no work at this hour; minutes until the next that is allowed.
    OutsideHours { minutes: Option<u16> },
    /// The project pays less than the owner wants.
    BelowFloor {
        offered: Grain,
        floor: Grain,
        #[serde(default)]
        is_finishing: bool,
    },
    /// Energy costs more than the project pays, for an hour.
    AtALoss {
        gross: Money,
        energy: Money,
        currency: String,
        #[serde(default)]
        is_finishing: bool,
    },
    /// The grid's energy is dirty.
    Carbon { grams: u32, limit_grams: u32 },
    /// Everything has to stay calm for a while.
    Settling { milliseconds: u64, allows: Activity },
}

/// Something that would change a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What has to happen.
    pub text: String,
    /// In how many seconds it happens by itself, if that is known.
    pub seconds: Option<u64>,
    /// The setting of the owner that would do.
    pub setting: Option<String>,
}

/// A reason with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The most that it allows.
    pub allows: Activity,
    /// It, in words.
    pub text: String,
    /// Where it was seen.
    pub source: String,
    /// When it was seen.
    pub seen_at: Milliseconds,
    /// Since when it holds.
    pub since: Milliseconds,
    /// What would change it.
    pub change: Vec<Change>,
    /// It, with figures.
    #[serde(rename = "evidence")]
    pub why: Why,
}

impl Reason {
    /// The reason of a worker that nothing hinders any more, and that waits whether this lasts.
    pub(super) fn settling(
        wait: u64,
        now: Milliseconds,
        since: Milliseconds,
        allows: Activity,
        limits: &Limits,
    ) -> Self {
        let why = Why::Settling { milliseconds: wait, allows };
        Self {
            allows,
            text: why.text(limits),
            source: "policy".to_owned(),
            seen_at: now,
            since,
            change: why.change(limits),
            why,
        }
    }
}

impl Why {
    /// Whether it is about pay and energy alone: nobody uses the machine because of it.
    #[must_use]
    pub fn is_pay(&self) -> bool {
        matches!(
            self,
            Self::BelowFloor { .. }
                | Self::AtALoss { .. }
                | Self::NoProject { .. }
                | Self::Settling { .. }
        )
    }

    /// Whether it ends by time without input alone, which is a hysteresis of its own.
    pub(super) fn is_input(&self) -> bool {
        matches!(self, Self::InUse { .. })
    }

    /// Returns what tells it from others in one step.
    pub(super) fn key(&self) -> (&'static str, &'static str) {
        match self {
            Self::Stopping => ("stopping", ""),
            Self::Revoked { .. } => ("revoked", ""),
            Self::PolicyUnread { .. } => ("policy_unread", ""),
            Self::Paused { .. } => ("paused", ""),
            Self::WorkerFailed { .. } => ("worker_failed", ""),
            Self::NoProject { .. } => ("no_project", ""),
            Self::InUse { .. } => ("in_use", ""),
            Self::Unknown { sensor, .. } => ("unknown", sensor.name()),
            Self::Stale { sensor, .. } => ("stale", sensor.name()),
            Self::Contradiction { sensor, .. } => ("contradiction", sensor.name()),
            Self::Unwatched { .. } => ("unwatched", ""),
            Self::ClockBackwards { .. } => ("clock_backwards", ""),
            Self::OthersLoad { .. } => ("others_load", ""),
            Self::OthersWait { resource, .. } => ("others_wait", resource.name()),
            Self::GpuInUse { .. } => ("gpu_in_use", ""),
            Self::FullScreen { .. } => ("full_screen", ""),
            Self::InCall { .. } => ("in_call", ""),
            Self::ExclusiveRuns { .. } => ("exclusive_runs", ""),
            Self::OnBattery { .. } => ("on_battery", ""),
            Self::BatteryLow { .. } => ("battery_low", ""),
            Self::TooMuchPower { .. } => ("too_much_power", ""),
            Self::Hot { .. } => ("hot", ""),
            Self::Throttled { .. } => ("throttled", ""),
            Self::MemoryShort { .. } => ("memory_short", ""),
            Self::DiskShort { .. } => ("disk_short", ""),
            Self::Metered => ("metered", ""),
            Self::OutsideHours { .. } => ("outside_hours", ""),
            Self::BelowFloor { .. } => ("below_floor", ""),
            Self::AtALoss { .. } => ("at_a_loss", ""),
            Self::Carbon { .. } => ("carbon", ""),
            Self::Settling { .. } => ("settling", ""),
        }
    }

    /// Returns the most that it allows.
    pub(super) fn allows(&self) -> Activity {
        let below = |is_below: bool| if is_below { Activity::Gentle } else { Activity::Frozen };
        match self {
            Self::Stopping | Self::Revoked { .. } => Activity::Exited,
            Self::WorkerFailed { .. }
            | Self::NoProject { .. }
            | Self::MemoryShort { .. }
            | Self::DiskShort { .. } => Activity::Released,
            Self::OthersWait { resource: Resource::Memory, .. } => Activity::Released,
            Self::InUse { is_gentle, .. } => below(*is_gentle),
            Self::OthersLoad { percent, limit_percent } => below(percent <= limit_percent),
            Self::TooMuchPower { milliwatts, limit_watts } => {
                below(*milliwatts <= u64::from(*limit_watts) * 1_000)
            }
            Self::Hot { millicelsius, limit_celsius, .. } => {
                below(*millicelsius < i32::from(*limit_celsius) * 1_000)
            }
            Self::Throttled { .. } => Activity::Gentle,
            // A round that has begun may be finished.
            Self::BelowFloor { is_finishing: true, .. }
            | Self::AtALoss { is_finishing: true, .. } => Activity::Full,
            Self::Settling { allows, .. } => *allows,
            Self::PolicyUnread { .. }
            | Self::Paused { .. }
            | Self::Unknown { .. }
            | Self::Stale { .. }
            | Self::Contradiction { .. }
            | Self::Unwatched { .. }
            | Self::ClockBackwards { .. }
            | Self::OthersWait { .. }
            | Self::GpuInUse { .. }
            | Self::FullScreen { .. }
            | Self::InCall { .. }
            | Self::ExclusiveRuns { .. }
            | Self::OnBattery { .. }
            | Self::BatteryLow { .. }
            | Self::Metered
            | Self::OutsideHours { .. }
            | Self::BelowFloor { .. }
            | Self::AtALoss { .. }
            | Self::Carbon { .. } => Activity::Frozen,
        }
    }
}
