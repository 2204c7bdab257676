//! Which work the owner wants, for how much, and who is told.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use units::Wei;

use super::{Limits, LimitsError, names, within};

/// Which work, for how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Earning {
    /// Projects that would pay this machine less an hour are not worked for, in GRAIN.
    pub floor_per_hour: Grain,
    /// Tags of projects (words of their names, and `project-N`), and how much of the work each shall get compared with the others; 0 for never. Empty:
    /// the project that pays best.
    pub interests: BTreeMap<String, u32>,
    /// How much more another project must pay before the worker leaves its own, in percent.
    pub switch_margin_percent: u32,
    /// Minutes of work for a project before the worker leaves it for another one.
    pub stay_minutes: u32,
    /// What to do while energy costs more than work pays.
    pub at_a_loss: Loss,
}

impl Default for Earning {
    fn default() -> Self {
        Self {
            floor_per_hour: Grain(Wei::ZERO),
            interests: BTreeMap::new(),
            switch_margin_percent: 20,
            stay_minutes: 60,
            at_a_loss: Loss::Pause,
        }
    }
}

/// What to do while energy costs more than work pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Pause.
    Pause,
    /// Work on.
    Work,
}

/// What energy costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnergyCosts {
    /// Price of a kWh at all times, in the owner's currency; 0 if it is not known.
    pub price_per_kwh: Money,
    /// File with prices by time, used instead; empty for none.
    pub price_file: String,
    /// Name of the currency.
    pub currency: String,
    /// What the owner counts one GRAIN as, in that currency; 0 if it is not known.
    pub grain_is_worth: Money,
    /// Number of a price feed of the ledger that says it in that currency, used instead while it answers; 0 for none.
    pub grain_feed: u64,
    /// What the machine draws when it does nothing, in watts, where no meter says it.
    pub idle_watts: u32,
    /// What it draws when the worker runs at full, in watts, where no meter says it.
    pub full_watts: u32,
    /// File with the carbon of a kWh by time, in grams; empty for none.
    pub carbon_file: String,
    /// Carbon of a kWh above which the worker stops, in grams; 0 for no limit.
    pub carbon_grams_max: u32,
}

impl Default for EnergyCosts {
    fn default() -> Self {
        Self {
            price_per_kwh: Money::ZERO,
            price_file: String::new(),
            currency: "EUR".to_owned(),
            grain_is_worth: Money::ZERO,
            grain_feed: 0,
            idle_watts: 40,
            full_watts: 120,
            carbon_file: String::new(),
            carbon_grams_max: 0,
        }
    }
}

/// Who is told when reward, price, rules or standing change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alerts {
    /// Whether a notification is shown on the desktop.
    pub desktop: bool,
    /// Program and arguments to start; the alert is in `GLEANER_ALERT`, and as JSON its stdin. An argument `{text}` becomes the alert. Empty for none.
    pub command: Vec<String>,
    /// Address that the alert is sent to as JSON; empty for none.
    pub webhook: String,
    /// Change of a reward that is worth an alert, in percent.
    pub reward_percent: u32,
}

impl Default for Alerts {
    fn default() -> Self {
        Self { desktop: true, command: Vec::new(), webhook: String::new(), reward_percent: 20 }
    }
}

/// Checks these three sections.
pub(super) fn check(limits: &Limits) -> Result<(), LimitsError> {
    let Limits { earning, energy, alerts, .. } = limits;
    names("earning.interests", earning.interests.keys())?;
    for weight in earning.interests.values() {
        within("earning.interests", *weight, 0, 1_000_000)?;
    }
    within("earning.switch_margin_percent", earning.switch_margin_percent, 0, 1_000)?;
    within("earning.stay_minutes", earning.stay_minutes, 0, 1_440)?;
    within("energy.idle_watts", energy.idle_watts, 0, 100_000)?;
    within("energy.full_watts", energy.full_watts, energy.idle_watts, 100_000)?;
    within("energy.carbon_grams_max", energy.carbon_grams_max, 0, 10_000)?;
    within("alerts.reward_percent", alerts.reward_percent, 1, 1_000)?;
    names("alerts.command", alerts.command.iter())?;
    names("energy.currency", std::iter::once(&energy.currency))?;
    price("energy.price_per_kwh", energy.price_per_kwh)?;
    price("energy.grain_is_worth", energy.grain_is_worth)?;
    webhook(&alerts.webhook)
}

/// Checks the address. An error does not repeat it: whoever knows it can write to its owner.
fn webhook(address: &str) -> Result<(), LimitsError> {
    let is_web = ["http://", "https://"].iter().any(|begin| address.starts_with(begin));
    if address.is_empty() || (is_web && address.len() <= 2_048) {
        return Ok(());
    }
    let begin = if is_web { "an address" } else { "a text" };
    Err(LimitsError::Range {
        key: "alerts.webhook",
        value: format!("{begin} of {} bytes", address.len()),
        range: "an address of at most 2048 bytes that begins with http:// or https://".to_owned(),
    })
}

fn price(key: &'static str, price: Money) -> Result<(), LimitsError> {
    if Money::ZERO <= price {
        return Ok(());
    }
    Err(LimitsError::Range { key, value: price.to_string(), range: "0 or more".to_owned() })
}

/// An amount of GRAIN, written as a decimal number in quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Grain(pub Wei);

impl TryFrom<String> for Grain {
    type Error = units::ParseGrainError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Wei::parse_grain(&text).map(Self)
    }
}

impl From<Grain> for String {
    fn from(grain: Grain) -> Self {
        grain.0.to_grain()
    }
}

/// An amount of the owner's currency, in millionths; may be less than nothing. Written as a decimal number in quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Money(pub i64);

/// Why a text is not an amount.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{text:?} is not an amount: write it as \"0.32\", with at most 6 decimals and below a million"
)]
pub struct MoneyError {
    /// What was given.
    pub text: String,
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Millionths in one.
    pub const ONE: i64 = 1_000_000;
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let error = || MoneyError { text: text.to_owned() };
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |digits: &str| {
            (1..=6).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
        };
        if !is_number(whole) || !is_number(part) {
            return Err(error());
        }
        let whole: i64 = whole.parse().map_err(|_| error())?;
        let part: i64 = format!("{part:0<6}").parse().map_err(|_| error())?;
        let amount = whole * Self::ONE + part;
        Ok(Self(if is_negative { -amount } else { amount }))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = Self::ONE.unsigned_abs();
        let (whole, part) = (self.0.unsigned_abs() / one, self.0.unsigned_abs() % one);
        let sign = if self.0 < 0 { "-" } else { "" };
        let part = format!("{part:06}");
        let part = part.trim_end_matches('0');
        write!(formatter, "{sign}{whole}.{part:0<2}")
    }
}

impl TryFrom<String> for Money {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Self, MoneyError> {
        text.parse()
    }
}

impl From<Money> for String {
    fn from(money: Money) -> Self {
        money.to_string()
    }
}
