//! When this device signs that it takes part, and when it gives up.

use std::time::Duration;

use tokio::time::Instant;
use training_run::Bar;
use units::AccountId;

use crate::look::Look;

/// How often in a row a run may drop this device before it gives up.
const DROPPED_MAX: u32 = 3;

/// Rounds between two enrolments of a device that was dropped: so a device that is too slow does not delay each of them.
const ROUNDS_BETWEEN: u32 = 3;

/// After this time a dropped device enrols again although the run has not advanced: it may be the one that is missing.
const DROPPED_PAUSE: Duration = Duration::from_secs(120);

/// Pause after a refused enrolment; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// What to do about this device's seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing now.
    Wait,
    /// Sign that it works for its account.
    Link { nonce: u64 },
    /// Sign that it takes part.
    Enroll { nonce: u64 },
    /// It takes part from now on.
    Joined,
    /// The run has dropped it, because it missed rounds.
    Dropped,
    /// The run has dropped it too often.
    GiveUp { times: u32 },
    /// It is expelled for good.
    Expelled(Bar),
}

/// What the device knows of its seat.
#[derive(Debug)]
pub(crate) struct Membership {
    account: AccountId,
    is_active: bool,
    /// How often it was dropped since its last commitment.
    dropped: u32,
    /// Round in which it signed its last enrolment.
    enrolled_in: Option<u32>,
    dropped_at: Option<Instant>,
    not_before: Option<Instant>,
    pause: Duration,
}

impl Membership {
    pub(crate) fn new(account: AccountId) -> Self {
        Self {
            account,
            is_active: false,
            dropped: 0,
            enrolled_in: None,
            dropped_at: None,
            not_before: None,
            pause: PAUSE,
        }
    }

    /// Returns the next step. `is_waiting` says that a link or an enrolment is on its way.
    pub(crate) fn step(&mut self, look: &Look, is_waiting: bool, now: Instant) -> Step {
        if let Some(bar) = look.standpoint.bar {
            return Step::Expelled(bar);
        }
        if look.active_seat().is_some() {
            let was_active = std::mem::replace(&mut self.is_active, true);
            return if was_active { Step::Wait } else { Step::Joined };
        }
        if !look.run.phase.is_open() {
            return Step::Wait;
        }
        if std::mem::take(&mut self.is_active) {
            self.dropped += 1;
            self.dropped_at = Some(now);
            let is_enough = self.dropped >= DROPPED_MAX;
            return if is_enough { Step::GiveUp { times: self.dropped } } else { Step::Dropped };
        }
        let is_early = self.not_before.is_some_and(|not_before| now < not_before);
        if is_waiting || is_early {
            return Step::Wait;
        }
        if look.link.account != Some(self.account) {
            return Step::Link { nonce: look.link.nonce.saturating_add(1) };
        }
        let round = look.run.round;
        let is_recent = |at: Instant| now.duration_since(at) < DROPPED_PAUSE;
        let is_again = self.dropped > 0 && self.dropped_at.is_some_and(is_recent);
        let is_soon = |last: u32| is_again && round < last.saturating_add(ROUNDS_BETWEEN);
        if self.enrolled_in.is_some_and(is_soon) {
            return Step::Wait;
        }
        self.enrolled_in = Some(round);
        Step::Enroll { nonce: look.standpoint.nonce.saturating_add(1) }
    }

    /// The device has committed: it keeps up with the others.
    pub(crate) fn committed(&mut self) {
        (self.dropped, self.pause) = (0, PAUSE);
    }

    /// The ledger has refused to link or to enrol it.
    pub(crate) fn refused(&mut self, now: Instant) {
        self.not_before = Some(now + self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        self.enrolled_in = None;
    }
}

#[cfg(test)]
mod tests;
