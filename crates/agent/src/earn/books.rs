//! What work took and brought, by day.

use std::collections::BTreeMap;

use sensors::Quality;
use serde::{Deserialize, Serialize};

use super::GRAIN;
use super::energy::{Draw, cost, money_up};
use crate::limits::Money;

/// Days that are kept one by one; older ones count in the total only.
pub const DAYS_MAX: usize = 400;

/// Sums of a day, or of all time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sums {
    /// Milliseconds in which the worker ran.
    pub worked_ms: u64,
    /// Marginal energy that meters counted, in microjoules.
    pub measured_microjoules: u64,
    /// Marginal energy that was estimated, in microjoules.
    pub estimated_microjoules: u64,
    /// What was paid, in wei.
    pub paid_wei: u128,
    /// What was paid, as GRAIN was worth then, in millionths of the owner's currency times wei of a GRAIN: exact, so that many small payments add up.
    pub worth: i128,
    /// What older programs noted instead, in millionths, each payment rounded down.
    #[serde(rename = "gross", skip_serializing_if = "is_zero")]
    pub worth_rounded: i128,
    /// What energy cost, in millionths of the currency times microjoules of a kWh.
    pub energy: i128,
}

impl Sums {
    /// Returns what energy cost, rounded up.
    #[must_use]
    pub fn energy(&self) -> Money {
        money_up(self.energy)
    }

    /// Returns what was paid, rounded down.
    #[must_use]
    pub fn gross(&self) -> Money {
        let gross = self.worth_rounded.saturating_add(self.worth / GRAIN.cast_signed());
        Money(i64::try_from(gross).unwrap_or(i64::MAX))
    }

    /// Returns what the owner is left with: what was paid less what energy cost, rounded down.
    #[must_use]
    pub fn net(&self) -> Money {
        Money(self.gross().0.saturating_sub(self.energy().0))
    }

    fn draw(&mut self, draw: Draw, milliseconds: u64, price: Money) {
        self.worked_ms = self.worked_ms.saturating_add(milliseconds);
        let sum = match draw.quality {
            Quality::Measured => &mut self.measured_microjoules,
            Quality::Estimated => &mut self.estimated_microjoules,
        };
        *sum = sum.saturating_add(draw.microjoules);
        self.energy = self.energy.saturating_add(cost(draw.microjoules, price));
    }

    fn pay(&mut self, wei: u128, grain_is_worth: Money) {
        self.paid_wei = self.paid_wei.saturating_add(wei);
        let wei = i128::try_from(wei).unwrap_or(i128::MAX);
        let worth = wei.saturating_mul(i128::from(grain_is_worth.0.max(0)));
        self.worth = self.worth.saturating_add(worth);
    }
}

fn is_zero(number: &i128) -> bool {
    *number == 0
}

/// The books: kept on disk by whoever runs the agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Books {
    /// Of all time.
    pub total: Sums,
    /// By day, counted from 1970 in local time.
    pub days: BTreeMap<u32, Sums>,
}

impl Books {
    /// Notes energy of `milliseconds` of work on a day, at a price.
    pub fn draw(&mut self, day: u32, draw: Draw, milliseconds: u64, price: Money) {
        for sums in [&mut self.total, self.days.entry(day).or_default()] {
            sums.draw(draw, milliseconds, price);
        }
        self.forget();
    }

    /// Notes pay of a day: `wei`, and what one GRAIN was worth; 0 if the owner does not say it.
    pub fn pay(&mut self, day: u32, wei: u128, grain_is_worth: Money) {
        for sums in [&mut self.total, self.days.entry(day).or_default()] {
            sums.pay(wei, grain_is_worth);
        }
        self.forget();
    }

    fn forget(&mut self) {
        while DAYS_MAX < self.days.len() {
            self.days.pop_first();
        }
    }

    /// Returns the sums of a day.
    #[must_use]
    pub fn day(&self, day: u32) -> Sums {
        self.days.get(&day).copied().unwrap_or_default()
    }
}
