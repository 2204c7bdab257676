//! What the coordinator goes on from: transactions that the ledger refused, rejected or did not confirm, and a ledger
//! that does not answer.

use std::time::Duration;

use ledger_client::LedgerError;
use ledger_views::ViewError;
use tokio::time::Instant;

/// First pause after a failure; each later one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(20);

/// The failures since the last pass without one.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    failures: u32,
    reported: Option<String>,
    /// End of the last pause.
    until: Option<Instant>,
}

/// How to go on after a failure.
#[derive(Debug)]
pub(crate) struct Respite {
    /// How long to wait before the next pass.
    pub(crate) pause: Duration,
    /// What to say, unless it was said before.
    pub(crate) note: Option<String>,
}

impl Trouble {
    /// Returns how to go on after a failure of the ledger; any other error is returned.
    ///
    /// Each pass reads what is due from the ledger, so a transaction whose fate is unknown is neither lost nor sent twice.
    pub(crate) fn endure(&mut self, error: anyhow::Error) -> anyhow::Result<Respite> {
        if !is_of_ledger(&error) {
            return Err(error);
        }
        let pause = PAUSE_MIN.saturating_mul(1 << self.failures.min(10)).min(PAUSE_MAX);
        self.failures = self.failures.saturating_add(1);
        let words = format!("{error:#}; the coordinator tries again");
        self.until = Some(Instant::now() + pause);
        let is_new = self.reported.as_ref() != Some(&words);
        self.reported = Some(words.clone());
        Ok(Respite { pause, note: is_new.then_some(words) })
    }

    /// Ends the trouble, after a pass without failure.
    pub(crate) fn end(&mut self) {
        *self = Self::default();
    }

    /// Returns whether the pause after the last failure goes on.
    pub(crate) fn is_resting(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }
}

fn is_of_ledger(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let direct = cause.downcast_ref::<LedgerError>();
        let read = match cause.downcast_ref::<ViewError<LedgerError>>() {
            Some(ViewError::Unanswered(error)) => Some(error),
            Some(_) => return true,
            None => None,
        };
        // Without a key nothing will ever change.
        direct.or(read).is_some_and(|error| !matches!(error, LedgerError::ReadOnly))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(message: &str) -> anyhow::Error {
        let url = "http://127.0.0.1:1".to_owned();
        LedgerError::Rejected { url, message: message.to_owned() }.into()
    }

    #[test]
    fn pauses_grow_and_end_with_the_trouble() {
        let mut trouble = Trouble::default();
        let pauses: Vec<Duration> =
            (0..40).map(|_| trouble.endure(rejected("no gas")).unwrap().pause).collect();
        assert_eq!(pauses[..3], [PAUSE_MIN, PAUSE_MIN * 2, PAUSE_MIN * 4]);
        assert_eq!(pauses[39], PAUSE_MAX);
        trouble.end();
        assert_eq!(trouble.endure(rejected("no gas")).unwrap().pause, PAUSE_MIN);
    }

    #[test]
    fn a_failure_is_reported_once() {
        let mut trouble = Trouble::default();
        assert!(trouble.endure(rejected("no gas")).unwrap().note.unwrap().contains("no gas"));
        assert!(trouble.endure(rejected("no gas")).unwrap().note.is_none());
        assert!(trouble.endure(rejected("too busy")).unwrap().note.is_some());
    }

    #[test]
    fn only_the_ledger_is_endured() {
        let mut trouble = Trouble::default();
        let unanswered: anyhow::Error = ViewError::Unanswered(LedgerError::Unconfirmed {
            hash: Default::default(),
            waited: PAUSE_MAX,
        })
        .into();
        trouble.endure(unanswered.context("reading the run")).unwrap();
        assert!(trouble.endure(anyhow::anyhow!("the disk is full")).is_err());
        assert!(trouble.endure(LedgerError::ReadOnly.into()).is_err());
    }
}
