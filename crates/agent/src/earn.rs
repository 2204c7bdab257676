//! What the owner is left with: energy, its price, net earnings, and which project to work for.
//!
//! - Energy is *marginal*: what the machine draws with the worker, less what it draws without, because it would be on anyway.
//! - It is measured where a meter can be read, else estimated from what the owner says; the two are never added under one name.
//! - Net is what was paid, in the owner's currency, less marginal energy times its price at that minute of the week.

mod alerts;
mod books;
mod choice;
mod closing;
mod energy;
mod prices;
mod roster;
mod schedule;

pub use alerts::{Alert, Standing, Terms, alerts};
pub use books::{Books, DAYS_MAX, Sums};
pub use choice::{Candidate, Shares, TAGS_MAX};
pub use closing::{Closing, Ending, WATCHED_MAX, Watched};
pub use energy::{Baseline, Draw, Interval, break_even_per_hour, cost};
pub use prices::{PRICES_MAX, Prices, PricesError};
pub use roster::{KeptRoster, LISTED_MAX, Leave, Listed, Next, Roster, Unsuitable};
pub use schedule::{SCHEDULED_MAX, Schedule, Scheduled, ToldSchedule};

use sensors::WallTime;
use units::Wei;

use crate::limits::{DAY_MINUTES, Money, WEEK_MINUTES};

/// Wei in one GRAIN.
const GRAIN: u128 = 1_000_000_000_000_000_000;

/// Returns what an amount of GRAIN is worth, rounded down; `None` if the owner has not said what one is, or if it is too much to say.
#[must_use]
pub fn worth_down(amount: Wei, grain_is_worth: Money) -> Option<Money> {
    let price = u128::try_from(grain_is_worth.0).ok().filter(|price| 0 < *price)?;
    // In two parts, so that it does not overflow.
    let (whole, part) = (amount.as_u128() / GRAIN, amount.as_u128() % GRAIN);
    let worth = whole.checked_mul(price)?.checked_add(part.checked_mul(price)? / GRAIN)?;
    i64::try_from(worth).ok().map(Money)
}

/// Returns the least amount of GRAIN that is worth `cost`; `None` if the owner has not said what one is, or if it is too much to say.
#[must_use]
pub fn worth_at_least(cost: Money, grain_is_worth: Money) -> Option<Wei> {
    let price = u128::try_from(grain_is_worth.0).ok().filter(|price| 0 < *price)?;
    let cost = u128::try_from(cost.0.max(0)).ok()?;
    Some(Wei::new(cost.checked_mul(GRAIN)?.div_ceil(price)))
}

/// Returns an amount of GRAIN with three significant digits: an estimate has no more.
#[must_use]
pub fn rounded(amount: Wei) -> String {
    let text = amount.to_grain();
    let (mut digits, mut kept) = (0, String::new());
    let fraction = text.find('.').unwrap_or(text.len());
    for (at, letter) in text.chars().enumerate() {
        if digits >= 3 && at > fraction {
            break;
        }
        if letter.is_ascii_digit() && (digits > 0 || letter != '0') {
            digits += 1;
        }
        kept.push(letter);
    }
    kept.trim_end_matches('.').to_owned()
}

/// Returns the local day of a time, counted from 1970.
#[must_use]
pub fn local_day(time: &WallTime) -> u32 {
    let minutes = time.unix_seconds / 60;
    // 1970 began on a Thursday.
    let utc = (minutes + 3 * u64::from(DAY_MINUTES)) % u64::from(WEEK_MINUTES);
    let ahead =
        (u64::from(time.minute_of_week) + u64::from(WEEK_MINUTES) - utc) % u64::from(WEEK_MINUTES);
    // No place is more than 14 hours ahead; more than half a week is behind.
    let local = if ahead < u64::from(WEEK_MINUTES) / 2 {
        minutes + ahead
    } else {
        (minutes + ahead).saturating_sub(u64::from(WEEK_MINUTES))
    };
    u32::try_from(local / u64::from(DAY_MINUTES)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
