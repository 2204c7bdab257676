//! Looks at the ledger for this device, and sees to it that its statements get there.
//!
//! It works beside the connection to the coordinator and without it: a coordinator that is dead, slow or dishonest
//! neither keeps a statement from the ledger nor the ledger's news from this device.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ledger_client::{Ledger, LedgerError};
use tokio::{
    sync::{Notify, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep, sleep_until, timeout},
};
use units::DeviceId;

use crate::{
    look::{self, Look},
    outbox::{COORDINATOR_MAX, Errand, Goal, Outbox},
};

/// Pause between two looks at the ledger while a statement waits, and while none does.
const LOOK_SOON: Duration = Duration::from_millis(150);
const LOOK_LATER: Duration = Duration::from_secs(1);

/// Shortest time between two looks on average, whatever the coordinator says, and how many of them may follow each other at once: the news that a statement is
/// in a block comes moments after the look that followed the statement.
const LOOK_MIN: Duration = Duration::from_millis(20);
const LOOKS_AT_ONCE: u32 = 4;

/// How long a node may take to answer.
const NODE_MAX: Duration = Duration::from_secs(10);

/// Largest number of refusals kept for the session to read.
const REFUSALS_MAX: usize = 16;

/// A statement that the ledger refused.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) goal: Goal,
    pub(crate) error: LedgerError,
}

/// Sees to it that statements get to the ledger, until it is dropped.
#[derive(Debug)]
pub(crate) struct Courier {
    shared: Arc<Shared>,
    looks: watch::Receiver<Option<Arc<Look>>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    outbox: Mutex<Outbox>,
    refused: Mutex<Vec<Refused>>,
    wake: Notify,
}

impl Courier {
    pub(crate) fn start(ledger: &Ledger, run: u64, device: DeviceId) -> Self {
        let shared = Arc::new(Shared::default());
        let (sender, looks) = watch::channel(None);
        let round = Round {
            // A node that does not answer must not keep a session from its end.
            ledger: ledger.with_patience(NODE_MAX),
            run,
            device,
            shared: Arc::clone(&shared),
            looks: sender,
        };
        Self { shared, looks, task: tokio::spawn(round.walk()) }
    }

    /// Takes a statement that the caller has sent to the coordinator. Returns whether there was room for it.
    pub(crate) fn put(&self, goal: Goal, call: Vec<u8>) -> bool {
        self.put_for(goal, call, COORDINATOR_MAX)
    }

    /// As [`Self::put`]; a node is given the statement after `patience`.
    pub(crate) fn put_for(&self, goal: Goal, call: Vec<u8>, patience: Duration) -> bool {
        let has_room = lock(&self.shared.outbox).put(goal, call, Instant::now() + patience);
        self.shared.wake.notify_one();
        has_room
    }

    /// Returns whether such a statement waits.
    pub(crate) fn has(&self, is_meant: impl Fn(&Goal) -> bool) -> bool {
        lock(&self.shared.outbox).has(is_meant)
    }

    /// Returns the statements that wait, for a coordinator that was just reached.
    pub(crate) fn calls(&self) -> Vec<Vec<u8>> {
        lock(&self.shared.outbox).calls()
    }

    /// Looks at the ledger soon: the coordinator says that there is something new.
    pub(crate) fn wake(&self) {
        self.shared.wake.notify_one();
    }

    /// The coordinator has refused something: gives the statements that wait to a node, which says why.
    pub(crate) fn hurry(&self) {
        lock(&self.shared.outbox).hurry(Instant::now());
        self.shared.wake.notify_one();
    }

    /// Returns the statements that the ledger refused since the last call.
    pub(crate) fn take_refused(&self) -> Vec<Refused> {
        std::mem::take(&mut *lock(&self.shared.refused))
    }

    /// Returns the last look at the ledger.
    pub(crate) fn look(&self) -> Option<Arc<Look>> {
        self.looks.borrow().clone()
    }

    /// Returns what changes with each look.
    pub(crate) fn looks(&self) -> watch::Receiver<Option<Arc<Look>>> {
        self.looks.clone()
    }

    /// Waits until `is_reached`, at most for `patience`; returns whether it is.
    pub(crate) async fn until(
        &self,
        patience: Duration,
        mut is_reached: impl FnMut(&Look) -> bool,
    ) -> bool {
        let mut looks = self.looks.clone();
        let reached = looks.wait_for(|look| look.as_deref().is_some_and(&mut is_reached));
        matches!(timeout(patience, reached).await, Ok(Ok(_)))
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The courier's task.
struct Round {
    ledger: Ledger,
    run: u64,
    device: DeviceId,
    shared: Arc<Shared>,
    looks: watch::Sender<Option<Arc<Look>>>,
}

impl Round {
    async fn walk(self) {
        let mut errands = JoinSet::new();
        let mut earliest = Instant::now();
        loop {
            earliest = next_look(earliest, Instant::now());
            match look::read(&self.ledger, self.run, &self.device).await {
                Ok(look) => {
                    let mut outbox = lock(&self.shared.outbox);
                    for (goal, fate) in outbox.settle(&look) {
                        tracing::debug!(?goal, ?fate, "a statement is settled");
                    }
                    let mut refused = lock(&self.shared.refused);
                    for (goal, error) in outbox.take_refused() {
                        if refused.len() < REFUSALS_MAX {
                            refused.push(Refused { goal, error });
                        }
                    }
                    drop((outbox, refused));
                    self.looks.send_replace(Some(Arc::new(look)));
                }
                Err(error) => tracing::debug!("the ledger does not answer: {error:#}"),
            }
            let due = lock(&self.shared.outbox).due(Instant::now());
            for errand in due {
                errands.spawn(run(self.ledger.clone(), errand));
            }
            while let Some(done) = errands.try_join_next() {
                self.answered(done.ok());
            }
            sleep_until(earliest).await;
            let is_idle = lock(&self.shared.outbox).is_empty();
            let pause = if is_idle { LOOK_LATER } else { LOOK_SOON };
            tokio::select! {
                biased;
                () = self.shared.wake.notified() => {}
                () = sleep(pause) => {}
            }
        }
    }

    fn answered(&self, done: Option<(Goal, Result<(), LedgerError>)>) {
        let Some((goal, result)) = done else { return };
        let mut outbox = lock(&self.shared.outbox);
        match result {
            // What became needless meanwhile is refused as well; nobody has to know.
            Err(error @ LedgerError::Refused { .. }) => outbox.refused(goal, error),
            Err(error) => {
                tracing::info!(?goal, "a node did not take a statement: {error:#}");
                outbox.answered(goal, Instant::now());
            }
            Ok(()) => outbox.answered(goal, Instant::now()),
        }
    }
}

/// Returns when the look after the one that begins `now` may begin, of which it was said that it may begin at `earliest`.
fn next_look(earliest: Instant, now: Instant) -> Instant {
    let unused = LOOK_MIN.saturating_mul(LOOKS_AT_ONCE.saturating_sub(1));
    let oldest = now.checked_sub(unused).unwrap_or(now);
    earliest.max(oldest) + LOOK_MIN
}

async fn run(ledger: Ledger, errand: Errand) -> (Goal, Result<(), LedgerError>) {
    let Errand { goal, to, call } = errand;
    let sent = ledger.submit_statement(to, &call).await;
    (goal, sent.map(|_| ()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_follow_each_other_a_few_times_and_then_at_the_rate() {
        let begun = Instant::now() + Duration::from_secs(60);
        let at = |ms| begun + Duration::from_millis(ms);
        // asked for all the time, after a minute without
        let (mut now, mut earliest, mut looks) =
            (begun, begun - Duration::from_secs(60), Vec::new());
        for _ in 0..8 {
            looks.push(now);
            earliest = next_look(earliest, now);
            now = now.max(earliest);
        }
        let expected = [0, 0, 0, 0, 20, 40, 60, 80].map(at);
        assert_eq!(looks, expected);
        // each pause gives back what it was long for
        assert_eq!(next_look(at(100), at(130)), at(120));
        assert_eq!(next_look(at(100), at(500)), at(460));
    }
}
