//! What sensors say.

use serde::{Deserialize, Serialize};

/// Milliseconds since the machine started, suspended time included (`CLOCK_BOOTTIME`): it never falls, and a suspension is a jump.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Milliseconds(pub u64);

impl Milliseconds {
    /// Returns how many milliseconds `self` is after `earlier`; 0 if it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// What was seen, or why nothing was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen<T> {
    /// It was seen.
    Known(T),
    /// It could not be seen, and why. Counts as in use.
    Unknown(String),
}

/// What one sensor says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading<T> {
    /// What it saw.
    pub seen: Seen<T>,
    /// Where: a file, a bus, a display.
    pub source: String,
    /// When.
    pub at: Milliseconds,
}

/// Keyboard, pointer and sessions from elsewhere, together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// When the owner last did something; `None` if nobody has since the sensor began.
    pub last: Option<Milliseconds>,
}

/// What programs other than ours use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Thousandths of one core that programs of others used since the last reading, whatever their priority.
    pub cores_permille: u32,
    /// Share of the last ten seconds in which some program of others waited for a core, in hundredths of a percent (`cpu.pressure`, some avg10).
    pub cpu_wait_bps: u32,
    /// The same for memory.
    pub memory_wait_bps: u32,
    /// The same for disks.
    pub io_wait_bps: u32,
}

/// Memory of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Bytes that programs could take without swapping (`MemAvailable`).
    pub available_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
}

/// Where the machine's power comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Power {
    /// Whether it is on mains; true for a machine without a battery.
    pub is_on_mains: bool,
    /// Its battery, if it has one.
    pub battery: Option<Battery>,
}

/// A battery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Battery {
    /// How full it is, in percent of what it can hold now.
    pub percent: u8,
    /// What it gives, in milliwatts; 0 while it is charged.
    pub discharge_milliwatts: u64,
}

/// How warm the machine is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heat {
    /// The warmest sensor, in thousandths of a degree Celsius.
    pub highest_millicelsius: i32,
    /// Its name.
    pub sensor: String,
    /// How often the processor has been slowed down because of heat since the machine started.
    pub throttle_count: u64,
}

/// How the machine is connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Whether there is a way to the internet.
    pub is_online: bool,
    /// Whether its traffic is paid for by volume.
    pub is_metered: bool,
}

/// An audio or video call, or a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The device that is in use, for instance `video0`; `None` if none is.
    pub device: Option<String>,
}

/// The owner's wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WallTime {
    /// Seconds since 1970, UTC.
    pub unix_seconds: u64,
    /// Minutes since Monday, 00:00, local time: 0 to 10,079.
    pub minute_of_week: u16,
}

/// What all sensors said last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readings {
    /// Keyboard, pointer and sessions from elsewhere.
    pub input: Reading<Input>,
    /// Processor and pressure.
    pub load: Reading<Load>,
    /// Memory.
    pub memory: Reading<Memory>,
    /// Programs of others that use a graphics processor, by name.
    pub gpu: Reading<Vec<String>>,
    /// The program that fills the screen, if one does.
    pub full_screen: Reading<Option<String>>,
    /// Camera and microphone.
    pub call: Reading<Call>,
    /// Those of the owner's exclusive programs that run, by name.
    pub exclusive: Reading<Vec<String>>,
    /// Mains and battery.
    pub power: Reading<Power>,
    /// Temperature.
    pub heat: Reading<Heat>,
    /// Network.
    pub network: Reading<Network>,
    /// Bytes free where the worker's folder is.
    pub disk: Reading<u64>,
    /// Time of day.
    pub time: Reading<WallTime>,
}
