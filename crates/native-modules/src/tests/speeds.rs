//! The speeds of devices: the module's words against lists of times, and whose speeds are left out.

use std::collections::BTreeMap;

use abi::{
    TRAINING_RUNS,
    TrainingRuns::{self, speedOfReturn as Speeds},
    convert,
};
use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use training_run::{Effect, PayKind, Speed};
use units::DeviceId;

use native_kit::{Failure, test_host::TestHost};

use super::{
    OWNER, by, device, enroll,
    issuance::story::{Story, own},
    opened, runs,
};

/// Returns what the module says.
fn speed_of(double: &mut TestHost, device: B256) -> Result<Speeds, Failure> {
    let call = TrainingRuns::speedOfCall { run: 1, device }.abi_encode();
    let answer = double.read(TRAINING_RUNS, &call)?;
    Ok(TrainingRuns::speedOfCall::abi_decode_returns(&answer).expect("an answer"))
}

/// All times of a run with fewer than 16 rounds.
#[derive(Clone, Debug, Default)]
pub(super) struct Times {
    opened: BTreeMap<u32, u64>,
    committed: BTreeMap<(DeviceId, u32), u64>,
    drawn: BTreeMap<(u32, DeviceId, DeviceId), u64>,
    verified: BTreeMap<DeviceId, Vec<u64>>,
    repeated: BTreeMap<DeviceId, Vec<u64>>,
}

impl Times {
    /// Takes note of what a step did. `auditor` is the owner's device.
    pub(super) fn note(&mut self, effects: &[Effect], now: u64, auditor: DeviceId) {
        let tokens = |round| if round < 1 { 4_u64 } else { 10 };
        let speed = |round, from: u64| {
            let whole = tokens(round) * 1_000 / (now - from + 1);
            // Eleven binary digits are kept: of 3,333 one less.
            let lost = (u64::BITS - whole.leading_zeros()).saturating_sub(11);
            whole >> lost << lost
        };
        for effect in effects {
            match *effect {
                Effect::RoundOpened { round, .. } => {
                    self.opened.insert(round, now);
                }
                Effect::Committed { device, round, .. } => {
                    let speed = speed(round, self.opened[&round]);
                    self.committed.insert((device, round), speed);
                }
                Effect::Verified { device, round, kind: PayKind::Work, .. } => {
                    let speed = self.committed[&(device, round)];
                    self.verified.entry(device).or_default().push(speed);
                }
                Effect::Drawn { round, subject, auditor } => {
                    self.drawn.insert((round, subject, auditor), now);
                }
                Effect::AuditPassed { round, subject, auditor: by } if by != auditor => {
                    let speed = speed(round, self.drawn[&(round, subject, by)]);
                    self.repeated.entry(by).or_default().push(speed);
                }
                _ => {}
            }
        }
    }

    /// Compares them with what the module says of a device.
    pub(super) fn compare(&self, double: &mut TestHost, of: DeviceId) {
        let median = |speeds: &BTreeMap<DeviceId, Vec<u64>>| {
            let mut last = speeds.get(&of).cloned().unwrap_or_default();
            let mut last = last.split_off(last.len().saturating_sub(16));
            // One below a token in a thousand seconds is none.
            last.retain(|speed| *speed > 0);
            last.sort_unstable();
            let median = last.get(last.len().saturating_sub(1) / 2).copied().unwrap_or_default();
            (median, u8::try_from(last.len()).unwrap())
        };
        let ((verified, rounds), (repeated, audits)) =
            (median(&self.verified), median(&self.repeated));
        let expected = Speeds { verified, rounds, repeated, audits };
        let found = speed_of(double, convert::device_word(of)).expect("a view");
        assert_eq!(found, expected, "device {of}");
    }
}

/// Plays a round of three devices that commit 9, 19 and 29 seconds after it opened.
fn played(mut double: TestHost) -> TestHost {
    for number in 1..=3 {
        double.transact(TRAINING_RUNS, OWNER, 0, &enroll(number, 1)).unwrap();
    }
    let begun = double.time;
    for number in 1..=3_u8 {
        double.time = begun + u64::from(number) * 10 - 1;
        let call = by(number, |device| device.commit(1, 0, [number; 32], [7; 32]));
        double.transact(TRAINING_RUNS, OWNER, 0, &call).unwrap();
    }
    double
}

#[test]
fn only_what_counts_as_verified_has_a_speed() {
    let mut double = played(opened());
    for number in 1..=4 {
        let expected = Speeds { verified: 0, rounds: 0, repeated: 0, audits: 0 };
        assert_eq!(speed_of(&mut double, device(number)), Ok(expected));
    }
    double.height += 2;
    let draw = TrainingRuns::drawCall { run: 1, round: 0 }.abi_encode();
    double.transact(TRAINING_RUNS, OWNER, 0, &draw).unwrap();
    // All are audited, by the owner's device. A verdict that opens nothing is refused, and what waits for one does not count.
    let verdict = |number: u8, kind| {
        by(super::AUDITOR, |it| it.verdict(1, 0, device(number).0, kind, [number; 32]))
    };
    let seal_is_wrong = verdict(1, TrainingRuns::Verdict::Opened);
    assert!(double.transact(TRAINING_RUNS, OWNER, 0, &seal_is_wrong).is_err());
    let expected = Speeds { verified: 0, rounds: 0, repeated: 0, audits: 0 };
    assert_eq!(speed_of(&mut double, device(1)), Ok(expected));
}

#[test]
fn a_ledger_that_does_not_note_them_has_no_such_view() {
    let mut before = played(opened().under(4));
    assert!(speed_of(&mut before, device(1)).is_err());
    let state = before.state();
    // What the revision adds are bytes that were free: a run that is under way goes on, and its open round has no time.
    let mut double = opened().under(4);
    for number in 1..=3 {
        double.transact(TRAINING_RUNS, OWNER, 0, &enroll(number, 1)).unwrap();
    }
    let mut double = runs::first_round(double.under(5));
    let none = Speeds { verified: 0, rounds: 0, repeated: 0, audits: 0 };
    assert_eq!(speed_of(&mut double, device(1)), Ok(none));
    assert!(before.state() == state, "a view has changed something");
}

/// Auditors are drawn by stake, so it takes some rounds until seats repeat each other's work.
#[test]
fn an_audit_takes_from_the_draw_to_the_verdict() {
    let mut story = Story::new(&[(1, own(1)), (2, own(2)), (3, own(3))]);
    story.answer_seconds = 9;
    story.play(40, &[]);
    let expected = Speed::of(128_000, 0, 9).unwrap().per_thousand_seconds();
    for number in 1..=3 {
        let found = speed_of(&mut story.host, device(number)).unwrap();
        assert!(0 < found.audits && found.rounds == 16, "{found:?}");
        assert_eq!(found.repeated, expected);
    }
    // The owner's device does its audits one after the other, and has no seat.
    let found = speed_of(&mut story.host, device(super::AUDITOR)).unwrap();
    assert_eq!((found.rounds, found.audits), (0, 0));
}

/// The owner knows the next state before everybody else, and could tell its own devices.
#[test]
fn the_owner_s_own_devices_have_no_speed() {
    let mut honest = runs::verified(Address::repeat_byte(1));
    let found = speed_of(&mut honest, device(1)).unwrap();
    assert_eq!((found.rounds, found.verified), (1, 4_000 / 11));
    let mut own = runs::verified(OWNER);
    let found = speed_of(&mut own, device(1)).unwrap();
    assert_eq!((found.rounds, found.verified), (0, 0));
    let other = speed_of(&mut own, device(2)).unwrap();
    assert_eq!((other.rounds, other.verified), (1, 4_000 / 11));
}
