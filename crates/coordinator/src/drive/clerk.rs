//! What has to be brought to the ledger beside the rounds: draws of audits, replacements of silent auditors, decisions that are
//! overdue, settlements of seats.
//!
//! It is done in a task of its own: each transaction takes until the next block, and no statement of a device and no new state
//! shall wait for it.

use std::{collections::BTreeSet, time::Duration};

use ledger_client::{Ledger, LedgerError, Receipt};
use ledger_views::{
    Ask as _,
    runs::{self, AuditView, RunPhase, RunView, SeatView},
};
use tokio::{task::JoinSet, time::Instant};
use training_run::SeatIndex;

use super::{
    clock::{LedgerClock, make_block},
    settled,
    trouble::Trouble,
};

/// Number of seats settled in one transaction: far below a third of a block's gas.
const SETTLED_MAX: usize = 100;

/// How long audits wait for a block that somebody else makes, while the run goes on.
const BLOCK_MAX: Duration = Duration::from_secs(1);

/// What is due.
struct Chores {
    run: u64,
    is_ending: bool,
    disputes: u32,
    /// Seats to settle.
    seats: Vec<SeatIndex>,
}

/// What was done.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// The audits that are open.
    pub(super) audits: Vec<AuditView>,
    /// Whether the ledger was changed.
    pub(super) is_changed: bool,
    /// What the owner should know.
    pub(super) note: Option<String>,
    /// The first thing that failed; the rest was done all the same.
    failed: Option<anyhow::Error>,
}

impl Record {
    /// Notes whether a transaction has changed the ledger.
    fn add(&mut self, sent: Result<Receipt, LedgerError>) {
        match settled(sent) {
            Ok(is_changed) => self.is_changed |= is_changed,
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: anyhow::Error) {
        self.failed.get_or_insert(error);
    }
}

/// Does what is due, one thing after the other.
#[derive(Default)]
pub(super) struct Clerk {
    running: JoinSet<(Desk, Record)>,
    desk: Option<Desk>,
    trouble: Trouble,
}

/// What the clerk remembers between two times.
struct Desk {
    ledger: Ledger,
    clock: LedgerClock,
    /// The newest block when audits first waited for the next one.
    waiting: Option<(u64, Instant)>,
}

impl Desk {
    fn new(ledger: &Ledger) -> Self {
        Self { ledger: ledger.clone(), clock: LedgerClock::default(), waiting: None }
    }
}

impl Clerk {
    /// Starts with what is due, unless the clerk is still busy or rests after a failure.
    pub(super) fn start(&mut self, ledger: &Ledger, summary: &RunView, seats: &[SeatView]) {
        if !self.running.is_empty() || self.trouble.is_resting() {
            return;
        }
        let is_ending = matches!(summary.phase, RunPhase::WindingUp { .. });
        let seats = to_settle(seats, is_ending);
        let chores = Chores { run: summary.run, is_ending, disputes: summary.disputes, seats };
        let mut desk = self.desk.take().unwrap_or_else(|| Desk::new(ledger));
        self.running.spawn(async move {
            let mut record = Record::default();
            if let Err(error) = desk.work(&chores, &mut record).await {
                record.fail(error);
            }
            (desk, record)
        });
    }

    /// Waits until something is done.
    ///
    /// # Errors
    /// What the coordinator can't go on from.
    pub(super) async fn done(&mut self) -> anyhow::Result<Record> {
        match self.running.join_next().await {
            None => std::future::pending().await,
            Some(Err(error)) => {
                tracing::error!(%error, "having audits drawn panicked");
                Ok(Record::default())
            }
            Some(Ok((desk, mut record))) => {
                self.desk = Some(desk);
                match record.failed.take() {
                    None => self.trouble.end(),
                    Some(error) => record.note = self.trouble.endure(error)?.note,
                }
                Ok(record)
            }
        }
    }
}

/// Returns the seats that nobody else settles: those that missed too many rounds or left, and all at the end of the run, once the
/// last audits are over.
fn to_settle(seats: &[SeatView], is_ending: bool) -> Vec<SeatIndex> {
    let is_due = |seat: &SeatView| seat.overdue || (seat.due && (is_ending || !seat.is_active()));
    (0..).zip(seats).filter(|(_, seat)| is_due(seat)).map(|(index, _)| index).collect()
}

impl Desk {
    /// Does what is due. What fails, such as a draw that the node does not take, keeps nothing else from being done.
    async fn work(&mut self, chores: &Chores, record: &mut Record) -> anyhow::Result<()> {
        let run = chores.run;
        self.draw(chores, record).await?;
        let head = self.ledger.head().await?;
        let audits = runs::audits(&self.ledger, run).await?;
        record.audits = audits.iter().filter(|audit| audit.deadline > head.time).copied().collect();
        if let Some(first) = audits.iter().map(|audit| audit.deadline).min()
            && self.clock.is_past(&self.ledger, first).await?
        {
            // From now on the rounds with silent auditors are due.
            let late = audits.iter().filter(|audit| audit.deadline <= head.time);
            for round in late.map(|audit| audit.round).collect::<BTreeSet<u32>>() {
                record.add(self.ledger.draw(run, round).await);
            }
        }
        if chores.disputes > 0 {
            for dispute in runs::disputes(&self.ledger, run).await? {
                if self.clock.is_past(&self.ledger, dispute.deadline).await? {
                    let (round, subject) = (dispute.round, dispute.subject);
                    record.add(self.ledger.expire(run, round, &subject).await);
                }
            }
        }
        for part in chores.seats.chunks(SETTLED_MAX) {
            record.add(self.ledger.settle(run, part).await);
        }
        Ok(())
    }

    /// Has the audits drawn of the rounds that are due.
    async fn draw(&mut self, chores: &Chores, record: &mut Record) -> anyhow::Result<()> {
        let head = self.ledger.head().await?;
        let mut is_waiting = false;
        for open in runs::open_rounds(&self.ledger, chores.run).await? {
            if open.is_due {
                record.add(self.ledger.draw(chores.run, open.round).await);
            }
            is_waiting |= open.is_waiting;
        }
        let since = match self.waiting {
            Some((height, since)) if height == head.height => since,
            _ => Instant::now(),
        };
        self.waiting = is_waiting.then_some((head.height, since));
        // The hash of a block decides that is not there yet. The next statement or state makes one; at the end nothing else does.
        let is_late = chores.is_ending || since.elapsed() >= BLOCK_MAX;
        if is_waiting && is_late && self.ledger.head().await?.height == head.height {
            match make_block(&self.ledger).await {
                Ok(()) => record.is_changed = true,
                Err(error) => record.fail(error),
            }
        }
        Ok(())
    }
}
