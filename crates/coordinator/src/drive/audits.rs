//! Has audits drawn and seats settled, and supplies auditors.

use std::collections::BTreeSet;

use ledger_views::{
    Ask as _,
    runs::{self, AuditView, RunPhase, RunView, SeatView},
};
use training_run::SeatIndex;
use transport::message::{Role, ToWorker};

use super::{Driver, ignore_refusal};
use crate::Event;

/// Number of seats settled in one transaction: far below a third of a block's gas.
const SETTLED_MAX: usize = 100;

impl Driver<'_> {
    /// Warns once when all devices belong to one account: no device may audit another device of its own account.
    pub(super) fn warn_of_few_accounts(&mut self, seats: &[SeatView]) {
        let active = seats.iter().filter(|seat| seat.is_active());
        let accounts: BTreeSet<_> = active.map(|seat| seat.account).collect();
        if accounts.len() == 1 && !self.is_warned_of_accounts {
            self.is_warned_of_accounts = true;
            let note = "all devices are paid to the same account, so only your own auditing device checks their work";
            self.emit(Event::Note(note.to_owned()));
        }
    }

    pub(super) async fn audit(&mut self, summary: &RunView) -> anyhow::Result<()> {
        let head = self.ledger.head().await?;
        let mut is_waiting = false;
        for open in runs::open_rounds(&self.ledger, self.run).await? {
            if open.is_due {
                ignore_refusal(self.ledger.draw(self.run, open.round).await)?;
            }
            is_waiting |= open.is_waiting;
        }
        if is_waiting && self.ledger.head().await?.height == head.height {
            // The hash of a block decides that is not there yet, and no block is made for nothing.
            self.make_block().await?;
        }
        let audits = runs::audits(&self.ledger, self.run).await?;
        if let Some(first) = audits.iter().map(|audit| audit.deadline).min()
            && self.is_past(first).await?
        {
            // From now on the rounds with silent auditors are due.
            let late = audits.iter().filter(|audit| audit.deadline <= head.time);
            for round in late.map(|audit| audit.round).collect::<BTreeSet<u32>>() {
                ignore_refusal(self.ledger.draw(self.run, round).await)?;
            }
        }
        for audit in audits.iter().filter(|audit| audit.deadline > head.time) {
            self.announce_audit(audit);
        }
        if summary.disputes > 0 {
            for dispute in runs::disputes(&self.ledger, self.run).await? {
                if self.is_past(dispute.deadline).await? {
                    let (round, subject) = (dispute.round, dispute.subject);
                    ignore_refusal(self.ledger.expire(self.run, round, &subject).await)?;
                }
            }
        }
        Ok(())
    }

    /// Settles seats that nobody else settles: those that missed too many rounds or left, and all at the end of the run, once the
    /// last audits are over.
    pub(super) async fn settle(
        &mut self,
        summary: &RunView,
        seats: &[SeatView],
    ) -> anyhow::Result<()> {
        let is_ending = matches!(summary.phase, RunPhase::WindingUp { .. });
        let is_due =
            |seat: &SeatView| seat.overdue || (seat.due && (is_ending || !seat.is_active()));
        let due: Vec<SeatIndex> =
            (0..).zip(seats).filter(|(_, seat)| is_due(seat)).map(|(index, _)| index).collect();
        for part in due.chunks(SETTLED_MAX) {
            ignore_refusal(self.ledger.settle(self.run, part).await)?;
        }
        Ok(())
    }

    /// Announces an audit to its auditor, who asks for the base state unless it is still served or known.
    fn announce_audit(&mut self, audit: &AuditView) {
        let key = (audit.round, audit.subject, audit.auditor);
        let role = self.peers.get(&audit.auditor).and_then(|peer| peer.role);
        let is_auditor = matches!(role, Some(Role::Worker | Role::Auditor));
        if self.announced_audits.contains(&key) || !is_auditor {
            return;
        }
        let message = ToWorker::Audit {
            round: audit.round,
            subject: *audit.subject.as_bytes(),
            base: *audit.base.as_bytes(),
        };
        self.send(&audit.auditor, &message);
        self.announced_audits.insert(key);
    }
}
