//! How often a device's statements are taken, and a client's calls that nobody signs.

use super::error::StatementError;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Time that one statement takes of an allowance: 30 a minute.
const INTERVAL: Duration = Duration::from_secs(2);
/// Statements that may come at once after a pause.
const BURST: u32 = 16;
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
pub(crate) struct Limits<K>(BTreeMap<K, Allowance>);

impl<K> Default for Limits<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

#[derive(Clone, Copy, Debug)]
struct Allowance {
    /// When all that was taken is given back.
    whole: Instant,
    /// Refusals since the last success.
    refusals: u32,
}

impl<K: Ord + Clone> Limits<K> {
    /// Checks that an author may send a statement at `now`.
    pub(crate) fn check(&self, author: &K, now: Instant) -> Result<(), StatementError> {
        let Some(allowance) = self.0.get(author) else { return Ok(()) };
        let taken = allowance.whole.saturating_duration_since(now);
        let most = INTERVAL * (BURST - 1);
        match taken.checked_sub(most).filter(|wait| !wait.is_zero()) {
            Some(wait) => Err(StatementError::TooOften { seconds: wait.as_secs() + 1 }),
            None => Ok(()),
        }
    }

    /// Takes one statement of the author's allowance.
    pub(crate) fn take(&mut self, author: &K, now: Instant) -> Result<(), StatementError> {
        self.check(author, now)?;
        if !self.0.contains_key(author) {
            self.make_room(now)?;
        }
        let fresh = Allowance { whole: now, refusals: 0 };
        let allowance = self.0.entry(author.clone()).or_insert(fresh);
        allowance.whole = allowance.whole.max(now) + INTERVAL;
        Ok(())
    }

    /// Slows an author whose statement the ledger refused in a block.
    pub(crate) fn slow(&mut self, author: &K, now: Instant) {
        let Some(allowance) = self.0.get_mut(author) else { return };
        let pause = PAUSE_MIN * 2_u32.pow(allowance.refusals.min(DOUBLINGS_MAX));
        // The whole allowance is used up, and the pause comes on top.
        let used = now + INTERVAL * (BURST - 1);
        allowance.whole = allowance.whole.max(used) + pause;
        allowance.refusals = allowance.refusals.saturating_add(1);
    }

    /// A statement of the author succeeded.
    pub(crate) fn absolve(&mut self, author: &K) {
        if let Some(allowance) = self.0.get_mut(author) {
            allowance.refusals = 0;
        }
    }

    /// Forgets authors with a whole allowance when there are too many.
    fn make_room(&mut self, now: Instant) -> Result<(), StatementError> {
        if self.0.len() < AUTHORS_MAX {
            return Ok(());
        }
        self.0.retain(|_, allowance| {
            let memory = if allowance.refusals > 0 { MEMORY } else { Duration::ZERO };
            allowance.whole + memory > now
        });
        match self.0.len() < AUTHORS_MAX {
            true => Ok(()),
            false => Err(StatementError::TooOften { seconds: INTERVAL.as_secs() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn an_allowance_is_used_up_and_comes_back() {
        let (mut limits, now) = (Limits::default(), start());
        for _ in 0..BURST {
            limits.take(&1, now).unwrap();
        }
        let error = limits.take(&1, now).unwrap_err();
        assert_eq!(error.to_string(), "too many statements: try again in 3 s");
        limits.take(&2, now).unwrap();
        limits.take(&1, now + INTERVAL).unwrap();
        limits.take(&1, now + INTERVAL).unwrap_err();
        for _ in 0..BURST {
            limits.take(&1, now + INTERVAL * 60).unwrap();
        }
    }

    #[test]
    fn refusals_slow_an_author_more_and_more_until_one_succeeds() {
        let (mut limits, mut now) = (Limits::default(), start());
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
        let (mut limits, now) = (Limits::default(), start());
        for author in 0..AUTHORS_MAX {
            limits.take(&author, now).unwrap();
        }
        limits.take(&AUTHORS_MAX, now).unwrap_err();
        limits.take(&0, now).unwrap();
        limits.take(&AUTHORS_MAX, now + INTERVAL * 2).unwrap();
        assert_eq!(limits.0.len(), 1);
    }
}
