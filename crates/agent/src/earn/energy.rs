//! How much energy work takes, beside what the machine takes anyway, and what it costs.

use sensors::Quality;
use serde::{Deserialize, Serialize};

use crate::limits::{EnergyCosts, Money};

/// Microjoules of a kWh.
const KWH_MICROJOULES: i128 = 3_600_000_000_000;

/// Time that the machine must be watched without the worker before its own figure replaces the owner's, in milliseconds.
const BASELINE_MS_MIN: u64 = 60_000;

/// How fast the baseline follows: an hour of quiet counts as much as all before.
const BASELINE_MS_MAX: u64 = 3_600_000;

/// What happened in a part of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// How long it was, in milliseconds.
    pub milliseconds: u64,
    /// What the machine drew in it, in microjoules, if a meter says so; and how it knows.
    pub drawn: Option<(u64, Quality)>,
    /// How much of the worker's full allowance of cores it had, in percent; 0 while it stood still.
    pub share_percent: u8,
    /// Whether the owner used the machine, so that it says nothing of what an idle one draws.
    pub is_used: bool,
}

/// Energy that work took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Marginal energy, in microjoules.
    pub microjoules: u64,
    /// How well it is known.
    pub quality: Quality,
}

/// What the machine draws without the worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Baseline {
    microjoules: u64,
    milliseconds: u64,
    /// The least power that was seen without the worker, in milliwatts, whoever used the machine.
    least: Option<u64>,
}

impl Baseline {
    /// Returns the power without the worker, in milliwatts: as it was measured; while that is too short the least that was seen without it, or what the
    /// owner says. The meters see only parts of a machine, so what the owner says of the whole of it may be far above.
    #[must_use]
    pub fn milliwatts(&self, costs: &EnergyCosts) -> u64 {
        if self.is_measured() {
            return self.microjoules / self.milliseconds;
        }
        self.least.unwrap_or(u64::from(costs.idle_watts) * 1_000)
    }

    /// Returns whether it was measured for long enough while nobody used the machine.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        BASELINE_MS_MIN <= self.milliseconds
    }

    /// Returns the energy that work took in an interval, and learns from one without work. Over a power without the worker that is not measured yet, it is
    /// an estimate.
    pub fn take(&mut self, interval: &Interval, costs: &EnergyCosts) -> Draw {
        let share = u64::from(interval.share_percent.min(100));
        let Some((drawn, quality)) = interval.drawn else {
            let more = u64::from(costs.full_watts.saturating_sub(costs.idle_watts)) * 1_000;
            // Milliwatts in a millisecond are microjoules.
            let microjoules =
                more.saturating_mul(interval.milliseconds).saturating_mul(share) / 100;
            return Draw { microjoules, quality: Quality::Estimated };
        };
        if share == 0 {
            let milliwatts = drawn / interval.milliseconds.max(1);
            self.least = Some(self.least.map_or(milliwatts, |least| least.min(milliwatts)));
            if !interval.is_used {
                self.learn(drawn, interval.milliseconds);
            }
            return Draw { microjoules: 0, quality };
        }
        let quality = if self.is_measured() { quality } else { Quality::Estimated };
        let own = self.milliwatts(costs).saturating_mul(interval.milliseconds);
        Draw { microjoules: drawn.saturating_sub(own), quality }
    }

    fn learn(&mut self, microjoules: u64, milliseconds: u64) {
        if BASELINE_MS_MAX < self.milliseconds {
            self.microjoules /= 2;
            self.milliseconds /= 2;
        }
        self.microjoules = self.microjoules.saturating_add(microjoules);
        self.milliseconds = self.milliseconds.saturating_add(milliseconds);
    }
}

/// Returns what energy costs, in millionths of the currency times microjoules of a kWh: exact, so that many small parts add up.
#[must_use]
pub fn cost(microjoules: u64, price_per_kwh: Money) -> i128 {
    i128::from(microjoules) * i128::from(price_per_kwh.0)
}

/// Returns such a cost as money, rounded up: against the owner's joy, for the truth.
pub(super) fn money_up(cost: i128) -> Money {
    let whole = cost.div_euclid(KWH_MICROJOULES);
    let up = whole + i128::from(cost.rem_euclid(KWH_MICROJOULES) != 0);
    Money(i64::try_from(up).unwrap_or(if up < 0 { i64::MIN } else { i64::MAX }))
}

/// Returns what an hour of work must pay so that nothing is lost, rounded up.
#[must_use]
pub fn break_even_per_hour(marginal_milliwatts: u64, price_per_kwh: Money) -> Money {
    money_up(cost(marginal_milliwatts.saturating_mul(3_600_000), price_per_kwh))
}
