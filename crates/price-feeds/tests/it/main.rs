//! Rounds, liars and jumps, against a model that keeps every round.

#![expect(clippy::unwrap_used, reason = "a test stops where a helper cannot go on")]

mod pool;
mod properties;
mod rules;

use price_feeds::{Answer, Feed, Report, ReporterId, Terms};
use units::{Bps, UnixSeconds};

fn at(seconds: u64) -> UnixSeconds {
    UnixSeconds::new(seconds)
}

fn answer(price: u128) -> Answer {
    Answer::new(price).unwrap()
}

fn report(reporter: u16, price: u128, seconds: u64) -> Report {
    Report { reporter: ReporterId(reporter), answer: answer(price), observed_at: at(seconds) }
}

/// 5 %, for an hour, confirmed after a minute.
fn terms() -> Terms {
    Terms {
        decimals: 8,
        age_seconds_max: 3_600,
        deviation: Bps::new(500).unwrap(),
        confirmation_seconds: 60,
    }
}

fn feed() -> Feed {
    Feed::new(terms())
}
