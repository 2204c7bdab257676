//! What work took and brought, by day.

use std::collections::BTreeMap;

use sensors::Quality;
use serde::{Deserialize, Serialize};

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
    /// What was paid, in the owner's currency as GRAIN was worth then, in millionths.
    pub gross: i128,
    /// What energy cost, in millionths of the currency times microjoules of a kWh.
    pub energy: i128,
}

impl Sums {
    /// Returns what energy cost, rounded up.
    #[must_use]
    pub fn energy(&self) -> Money {
        money_up(self.energy)
    }

    /// Returns what was paid.
    #[must_use]
    pub fn gross(&self) -> Money {
        Money(i64::try_from(self.gross).unwrap_or(i64::MAX))
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

    fn pay(&mut self, wei: u128, worth: Money) {
        self.paid_wei = self.paid_wei.saturating_add(wei);
        self.gross = self.gross.saturating_add(i128::from(worth.0));
    }
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

    /// Notes pay of a day: `wei`, and what they were worth.
    pub fn pay(&mut self, day: u32, wei: u128, worth: Money) {
        for sums in [&mut self.total, self.days.entry(day).or_default()] {
            sums.pay(wei, worth);
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
