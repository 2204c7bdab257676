//! How often a device's statements are taken, and a client's calls that nobody signs.

use super::error::StatementError;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;

/// How often an author may come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Time that one statement takes of an allowance.
    interval: Duration,
    /// Statements that may come at once after a pause.
    burst: u32,
}

impl Pace {
    /// Ten a second: a round of a small model takes a fraction of one, and each statement is one that the ledger accepts and a run
    /// pays for.
    pub(crate) const DEVICE: Self = Self { interval: Duration::from_millis(100), burst: 32 };
    /// One a second: nobody is paid for calls that anyone may make, and one is enough for all.
    pub(crate) const CLIENT: Self = Self { interval: Duration::from_secs(1), burst: 32 };
    /// What nobody pays for, of one client: enough for a hall of machines that are installed on one day, and no more, since keys cost nothing and the node pays.
    pub(crate) const GIFTS: Self = Self { interval: Duration::from_secs(5), burst: 128 };
    /// The same of all clients together, as one may have very many addresses: what the node pays in the long run.
    pub(crate) const GIFTS_OF_ALL: Self = Self { interval: Duration::from_secs(1), burst: 1_024 };

    /// What is taken at most of an allowance when a statement comes.
    fn most(self) -> Duration {
        self.interval * self.burst.saturating_sub(1)
    }
}

/// First pause after a statement that the ledger refused in a block; each further one is twice as long.
const PAUSE_MIN: Duration = Duration::from_secs(5);
/// How often the pause is doubled at most: to some 10 minutes.
const DOUBLINGS_MAX: u32 = 7;
/// How long it takes until a refusal is forgotten.
const MEMORY: Duration = Duration::from_secs(1_800);
/// Most authors that are remembered.
const AUTHORS_MAX: usize = 65_536;

/// The allowances of authors. An author without an entry has its whole allowance.
#[derive(Debug)]
pub(crate) struct Limits<K> {
    pace: Pace,
    authors: BTreeMap<K, Allowance>,
}

#[derive(Clone, Copy, Debug)]
struct Allowance {
    /// When all that was taken is given back.
    whole: Instant,
    /// Refusals since the last success.
    refusals: u32,
}

impl<K: Ord + Copy> Limits<K> {
    pub(crate) fn new(pace: Pace) -> Self {
        Self { pace, authors: BTreeMap::new() }
    }

    /// Checks that an author may send a statement at `now`.
    pub(crate) fn check(&self, author: &K, now: Instant) -> Result<(), StatementError> {
        let Some(allowance) = self.authors.get(author) else { return Ok(()) };
        let taken = allowance.whole.saturating_duration_since(now);
        match taken.checked_sub(self.pace.most()).filter(|wait| !wait.is_zero()) {
            Some(wait) => Err(StatementError::TooOften { seconds: wait.as_secs() + 1 }),
            None => Ok(()),
        }
    }

    /// Takes one statement of the author's allowance.
    pub(crate) fn take(&mut self, author: &K, now: Instant) -> Result<(), StatementError> {
        self.check(author, now)?;
        if !self.authors.contains_key(author) {
            self.make_room(now)?;
        }
        let fresh = Allowance { whole: now, refusals: 0 };
        let allowance = self.authors.entry(*author).or_insert(fresh);
        allowance.whole = allowance.whole.max(now) + self.pace.interval;
        Ok(())
    }

    /// Slows an author whose statement the ledger refused in a block.
    pub(crate) fn slow(&mut self, author: &K, now: Instant) {
        let Some(allowance) = self.authors.get_mut(author) else { return };
        let pause = PAUSE_MIN * 2_u32.pow(allowance.refusals.min(DOUBLINGS_MAX));
        // The whole allowance is used up, and the pause comes on top.
        let used = now + self.pace.most();
        allowance.whole = allowance.whole.max(used) + pause;
        allowance.refusals = allowance.refusals.saturating_add(1);
    }

    /// A statement of the author succeeded.
    pub(crate) fn absolve(&mut self, author: &K) {
        if let Some(allowance) = self.authors.get_mut(author) {
            allowance.refusals = 0;
        }
    }

    /// Forgets authors with a whole allowance when there are too many.
    fn make_room(&mut self, now: Instant) -> Result<(), StatementError> {
        if self.authors.len() < AUTHORS_MAX {
            return Ok(());
        }
        self.authors.retain(|_, allowance| {
            let memory = if allowance.refusals > 0 { MEMORY } else { Duration::ZERO };
            allowance.whole + memory > now
        });
        match self.authors.len() < AUTHORS_MAX {
            true => Ok(()),
            false => Err(StatementError::TooOften { seconds: self.pace.interval.as_secs() + 1 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { interval: Duration::from_secs(2), burst: 16 };

    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn an_allowance_is_used_up_and_comes_back() {
        let (mut limits, now) = (Limits::new(PACE), start());
        for _ in 0..PACE.burst {
            limits.take(&1, now).unwrap();
        }
        let error = limits.take(&1, now).unwrap_err();
        assert_eq!(error.to_string(), "too many statements: try again in 3 s");
        limits.take(&2, now).unwrap();
        limits.take(&1, now + PACE.interval).unwrap();
        limits.take(&1, now + PACE.interval).unwrap_err();
        for _ in 0..PACE.burst {
            limits.take(&1, now + PACE.interval * 60).unwrap();
        }
    }

    #[test]
    fn refusals_slow_an_author_more_and_more_until_one_succeeds() {
        let (mut limits, mut now) = (Limits::new(PACE), start());
        let mut last = Duration::ZERO;
        for _ in 0..12 {
            limits.take(&1, now).unwrap();
            limits.slow(&1, now);
            let Err(StatementError::TooOften { seconds }) = limits.check(&1, now) else { panic!() };
            let pause = Duration::from_secs(seconds);
            assert!(pause >= last && pause <= Duration::from_secs(700), "{pause:?}");
            last = pause;
            now += pause;
        }
        assert!(last >= Duration::from_secs(600), "{last:?}");
        limits.take(&1, now).unwrap();
        limits.absolve(&1);
        limits.slow(&1, now);
        let Err(StatementError::TooOften { seconds }) = limits.check(&1, now) else { panic!() };
        assert!(seconds < 12, "{seconds}");
    }

    #[test]
    fn memory_is_bounded() {
        let (mut limits, now) = (Limits::new(PACE), start());
        for author in 0..AUTHORS_MAX {
            limits.take(&author, now).unwrap();
        }
        limits.take(&AUTHORS_MAX, now).unwrap_err();
        limits.take(&0, now).unwrap();
        limits.take(&AUTHORS_MAX, now + PACE.interval * 2).unwrap();
        assert_eq!(limits.authors.len(), 1);
    }
}
