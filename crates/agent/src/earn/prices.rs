//! A price for each minute of the week.

use crate::limits::{DAY_MINUTES, Money, WEEK_MINUTES, Windows};

/// Lines of a file of prices.
pub const PRICES_MAX: usize = 1_000;

const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Prices (or grams of carbon) by local minute of the week.
///
/// A line is `DAYS WINDOW VALUE`, for instance `monday-friday 22:00-06:00 0.21` or `every always 0.32`; the first that holds counts. What follows a `#`
/// is a comment. A window that goes on after midnight belongs to the day on which it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices(Vec<Line>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    days: [bool; 7],
    windows: Windows,
    value: Money,
}

/// Why a file of prices is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PricesError {
    /// A line is wrong.
    #[error(
        "line {line} is {text:?}: write it as monday-friday 22:00-06:00 0.21, or every always 0.32"
    )]
    Line {
        /// Its number, from 1.
        line: usize,
        /// It.
        text: String,
    },
    /// A minute has no price.
    #[error("{day} at {:02}:{:02} has no price: end with a line as every always 0.32", minute / 60, minute % 60)]
    Gap {
        /// The day.
        day: &'static str,
        /// Its minute.
        minute: u16,
    },
    /// It has too many lines.
    #[error("more than {PRICES_MAX} lines")]
    Long,
}

impl Prices {
    /// The same price at all times.
    #[must_use]
    pub fn flat(value: Money) -> Self {
        Self(vec![Line { days: [true; 7], windows: Windows::always(), value }])
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A line that is none, or a minute without a price.
    pub fn parse(text: &str) -> Result<Self, PricesError> {
        let mut lines = Vec::new();
        for (index, text) in text.lines().enumerate() {
            let code = text.split('#').next().unwrap_or_default().trim();
            if code.is_empty() {
                continue;
            }
            let error =
                || PricesError::Line { line: index + 1, text: text.chars().take(80).collect() };
            lines.push(line(code).ok_or_else(error)?);
            if PRICES_MAX < lines.len() {
                return Err(PricesError::Long);
            }
        }
        let prices = Self(lines);
        for (day, name) in (0_u16..).zip(DAYS) {
            let is_missing = |minute: &u16| prices.at(day * DAY_MINUTES + minute).is_none();
            if let Some(minute) = (0..DAY_MINUTES).find(is_missing) {
                return Err(PricesError::Gap { day: name, minute });
            }
        }
        Ok(prices)
    }

    /// Returns the price at a minute of the week, from Monday, 00:00; `None` if there is no such minute.
    #[must_use]
    pub fn at(&self, minute_of_week: u16) -> Option<Money> {
        if WEEK_MINUTES <= minute_of_week {
            return None;
        }
        let (day, minute) =
            (usize::from(minute_of_week / DAY_MINUTES), minute_of_week % DAY_MINUTES);
        let holds = |line: &&Line| {
            let is_today = line.days[day] && line.windows.is_open(minute);
            is_today || line.days[(day + 6) % 7] && line.windows.is_open_next_day(minute)
        };
        self.0.iter().find(holds).map(|line| line.value)
    }
}

fn line(text: &str) -> Option<Line> {
    let mut words = text.split_whitespace();
    let (days, windows, value) = (words.next()?, words.next()?, words.next()?);
    let line =
        Line { days: days_of(days)?, windows: windows.parse().ok()?, value: value.parse().ok()? };
    words.next().is_none().then_some(line)
}

/// Parses `every`, a day, or two days with a hyphen.
fn days_of(text: &str) -> Option<[bool; 7]> {
    if text == "every" {
        return Some([true; 7]);
    }
    let place = |name: &str| DAYS.iter().position(|day| *day == name);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (place(first)?, place(last)?);
    let mut days = [false; 7];
    let mut day = first;
    loop {
        days[day] = true;
        if day == last {
            return Some(days);
        }
        day = (day + 1) % 7;
    }
}
