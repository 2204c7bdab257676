//! Windows of a day.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Minutes of a day.
pub const DAY_MINUTES: u16 = 24 * 60;

/// Minutes of a week, from Monday, 00:00.
pub const WEEK_MINUTES: u16 = 7 * DAY_MINUTES;

/// Windows of one day.
const WINDOWS_MAX: usize = 24;

/// Windows of a day: `always`, `never`, or a list as `07:00-09:30, 22:00-06:00`. One that ends before it begins goes on after midnight.
///
/// The default is `always`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Windows(Vec<(u16, u16)>);

/// Why a text is not a list of windows.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{text:?} is not a list of windows: write always, never, or up to {WINDOWS_MAX} windows as 07:00-09:30, 22:00-06:00"
)]
pub struct WindowsError {
    /// What was given.
    pub text: String,
}

impl Default for Windows {
    fn default() -> Self {
        Self::always()
    }
}

impl Windows {
    /// The whole day.
    #[must_use]
    pub fn always() -> Self {
        Self(vec![(0, DAY_MINUTES)])
    }

    /// Builds them from parts of a day, each before midnight.
    pub(super) fn from_parts(parts: Vec<(u16, u16)>) -> Self {
        Self(parts)
    }

    /// Returns whether a window that begins on this day is open at `minute` of it.
    #[must_use]
    pub fn is_open(&self, minute: u16) -> bool {
        self.today().any(|(begin, end)| (begin..end).contains(&minute))
    }

    /// Returns whether a window that began on this day is open at `minute` of the next.
    #[must_use]
    pub fn is_open_next_day(&self, minute: u16) -> bool {
        self.tomorrow().any(|end| minute < end)
    }

    /// Returns the parts of the windows on their own day.
    pub(super) fn today(&self) -> impl Iterator<Item = (u16, u16)> {
        self.0.iter().map(|&(begin, end)| (begin, if begin < end { end } else { DAY_MINUTES }))
    }

    /// Returns the ends of those that go on after midnight.
    pub(super) fn tomorrow(&self) -> impl Iterator<Item = u16> {
        self.0.iter().filter(|(begin, end)| end <= begin).map(|&(_, end)| end)
    }
}

impl FromStr for Windows {
    type Err = WindowsError;

    fn from_str(text: &str) -> Result<Self, WindowsError> {
        let windows = match text.trim() {
            "always" => return Ok(Self::always()),
            "never" => return Ok(Self(Vec::new())),
            list => list.split(',').map(window).collect::<Option<Vec<_>>>(),
        };
        match windows {
            Some(windows) if windows.len() <= WINDOWS_MAX => Ok(Self(windows)),
            _ => Err(WindowsError { text: text.to_owned() }),
        }
    }
}

fn window(text: &str) -> Option<(u16, u16)> {
    let (begin, end) = text.trim().split_once('-')?;
    let (begin, end) = (minute(begin)?, minute(end)?);
    (begin < DAY_MINUTES && begin != end).then_some((begin, end))
}

/// Parses `HH:MM`, up to 24:00.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |digits: &str| {
        let is_number = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
        is_number.then(|| digits.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let minutes = hour * 60 + minute;
    (minute < 60 && minutes <= DAY_MINUTES).then_some(minutes)
}

impl fmt::Display for Windows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return formatter.write_str("never");
        }
        if *self == Self::always() {
            return formatter.write_str("always");
        }
        for (index, (begin, end)) in self.0.iter().enumerate() {
            if 0 < index {
                formatter.write_str(", ")?;
            }
            let (begin, end) = ((begin / 60, begin % 60), (end / 60, end % 60));
            write!(formatter, "{:02}:{:02}-{:02}:{:02}", begin.0, begin.1, end.0, end.1)?;
        }
        Ok(())
    }
}

impl TryFrom<String> for Windows {
    type Error = WindowsError;

    fn try_from(text: String) -> Result<Self, WindowsError> {
        text.parse()
    }
}

impl From<Windows> for String {
    fn from(windows: Windows) -> Self {
        windows.to_string()
    }
}

impl super::Hours {
    /// Returns the windows of each day, from Monday.
    #[must_use]
    pub fn days(&self) -> [&Windows; 7] {
        [
            &self.monday,
            &self.tuesday,
            &self.wednesday,
            &self.thursday,
            &self.friday,
            &self.saturday,
            &self.sunday,
        ]
    }

    /// Returns whether work is allowed at all times, so that no clock is needed.
    #[must_use]
    pub fn is_always(&self) -> bool {
        let always = Windows::always();
        self.days().into_iter().all(|day| *day == always)
            && (!self.only_off_peak || self.off_peak == always)
    }

    /// Returns whether work is allowed at `minute_of_week`; false for a minute that does not exist.
    #[must_use]
    pub fn is_open(&self, minute_of_week: u16) -> bool {
        if WEEK_MINUTES <= minute_of_week {
            return false;
        }
        let (day, minute) = (minute_of_week / DAY_MINUTES, minute_of_week % DAY_MINUTES);
        let is_off_peak = self.off_peak.is_open(minute) || self.off_peak.is_open_next_day(minute);
        is_of_day(&self.days(), usize::from(day), minute) && (!self.only_off_peak || is_off_peak)
    }

    /// Returns how many minutes it takes from `minute_of_week` until work is allowed; `None` if it never is.
    #[must_use]
    pub fn opens_in(&self, minute_of_week: u16) -> Option<u16> {
        (0..WEEK_MINUTES).find(|wait| {
            let minute = (u32::from(minute_of_week) + u32::from(*wait)) % u32::from(WEEK_MINUTES);
            u16::try_from(minute).is_ok_and(|minute| self.is_open(minute))
        })
    }
}

/// Returns whether a window of that day, or one of the day before that goes on, is open.
pub(super) fn is_of_day(days: &[&Windows; 7], day: usize, minute: u16) -> bool {
    let before = days[(day + 6) % 7];
    days[day % 7].is_open(minute) || before.is_open_next_day(minute)
}
