//! Tells the program that started the worker when the ledger does not answer, and when it does again.

use std::time::Duration;

use ledger_client::Ledger;
use tokio::time::Instant;

use super::progress::Progress;
use crate::output::Output;

/// Time between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Looks after which a question without an answer is told: the worker asks each second, and is answered within one.
const LOOKS: u32 = 5;

/// How the ledger was at the last look.
#[derive(Debug, Default)]
struct Hearing {
    /// Since when it was asked in vain.
    since: Option<Instant>,
    /// Looks since then. They are counted instead of time: a worker that was frozen could not hear an answer.
    looks: u32,
}

impl Hearing {
    /// Looks at since when the ledger was asked in vain; returns what is to be told.
    fn look(&mut self, since: Option<Instant>) -> Option<Progress> {
        if since.is_some() && since == self.since {
            self.looks = self.looks.saturating_add(1);
            return (self.looks == LOOKS).then_some(Progress::LedgerSilent { seconds: LOOKS });
        }
        self.since = since;
        let before = std::mem::replace(&mut self.looks, 0);
        (LOOKS <= before).then_some(Progress::LedgerAnswers)
    }
}

/// Looks for as long as the worker runs.
pub(super) async fn follow(ledger: Ledger, output: Output) {
    let mut hearing = Hearing::default();
    loop {
        tokio::time::sleep(LOOK).await;
        if let Some(progress) = hearing.look(ledger.silent_since()) {
            output.line(&progress);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_told_once_and_so_is_its_end() {
        let (mut hearing, first) = (Hearing::default(), Some(Instant::now()));
        let later = first.map(|first| first + Duration::from_secs(60));
        assert_eq!(hearing.look(None), None);
        // A question under way is no silence, nor are questions that are answered in between.
        for since in [first, first, None, first, later, first, None] {
            assert_eq!(hearing.look(since), None);
        }
        let silent = Progress::LedgerSilent { seconds: 5 };
        for end in [None, later] {
            let told: Vec<_> = (0..60).filter_map(|_| hearing.look(first)).collect();
            assert_eq!(told, std::slice::from_ref(&silent));
            assert_eq!(hearing.look(end), Some(Progress::LedgerAnswers));
        }
    }
}
