//! The wall clock.

use jiff::{Timestamp, tz::TimeZone};

use crate::{Seen, WallTime};

/// Where time is read.
#[cfg(target_os = "linux")]
pub(crate) const SOURCE: &str = "system clock, time zone of the system";

/// A clock before this second (2023-11-14) was never set: a board without a battery for its clock.
const SET_AFTER_SECONDS: i64 = 1_700_000_000;

/// Reads the wall clock, and the minute of the week where the machine is.
pub(crate) fn wall() -> Seen<WallTime> {
    at(Timestamp::now(), TimeZone::system())
}

fn at(time: Timestamp, zone: TimeZone) -> Seen<WallTime> {
    if time.as_second() < SET_AFTER_SECONDS {
        return Seen::Unknown(format!("the clock says {time}: set it"));
    }
    let local = time.to_zoned_datetime(zone);
    let minutes = i32::from(local.weekday().to_monday_zero_offset()) * 1440
        + i32::from(local.hour()) * 60
        + i32::from(local.minute());
    Seen::Known(WallTime {
        unix_seconds: u64::try_from(time.as_second()).unwrap_or(0),
        minute_of_week: u16::try_from(minutes).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(time: &str, hours_east: i8, expected: u16) {
        let zone = TimeZone::fixed(jiff::tz::offset(hours_east));
        let seen = at(time.parse().unwrap(), zone);
        assert!(
            matches!(&seen, Seen::Known(time) if time.minute_of_week == expected),
            "{time} {hours_east}: {seen:?}"
        );
    }

    #[test]
    fn weeks_begin_on_monday_at_midnight_where_the_machine_is() {
        check("2026-11-30T00:00:00Z", 0, 0);
        check("2026-11-29T23:59:59Z", 0, 10_079);
        check("2026-11-29T23:00:00Z", 1, 0);
        check("2026-11-30T00:30:00Z", -1, 10_050);
    }

    #[test]
    fn a_clock_that_was_never_set_is_unknown() {
        assert!(matches!(at(Timestamp::UNIX_EPOCH, TimeZone::UTC), Seen::Unknown(_)));
    }
}
