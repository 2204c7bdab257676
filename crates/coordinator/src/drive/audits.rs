//! Draws audits and supplies auditors.

use std::collections::BTreeSet;

use ledger_views::{
    Ask as _,
    runs::{self, AuditView, SeatView},
};
use transport::message::ToWorker;

use super::{Driver, ignore_refusal};
use crate::Event;

impl Driver<'_> {
    /// Warns once when the devices belong to too few accounts for audits to work: no device may audit another
    /// device of its own account.
    pub(super) fn warn_of_few_accounts(&mut self, seats: &[SeatView]) {
        let active = seats.iter().filter(|seat| seat.is_active());
        let accounts: BTreeSet<_> = active.map(|seat| seat.account).collect();
        let count = accounts.len();
        if count >= self.accounts_warned_of {
            return;
        }
        self.accounts_warned_of = count;
        let note = match count {
            0 => return,
            1 => {
                "all devices are paid to the same account, so no device may audit another and no work can be paid: add a device of another account"
            }
            _ => {
                "the devices are paid to only two accounts, so no third one can decide when an auditor disputes: add a device of a third account"
            }
        };
        self.emit(Event::Note(note.to_owned()));
    }

    pub(super) async fn audit(&mut self) -> anyhow::Result<()> {
        let head = self.ledger.head().await?;
        for undrawn in runs::undrawn(&self.ledger, self.run).await? {
            // The transaction will be in a block after the head.
            if head.height >= undrawn.draw_height {
                ignore_refusal(self.ledger.draw(self.run, undrawn.round).await)?;
            } else {
                self.make_block().await?;
            }
        }
        for audit in runs::audits(&self.ledger, self.run).await? {
            if self.is_past(audit.deadline).await? {
                ignore_refusal(self.ledger.redraw(self.run, audit.round, &audit.subject).await)?;
            } else {
                self.announce_audit(&audit).await?;
            }
        }
        Ok(())
    }

    /// Announces an audit to its auditor and serves the base state that the round started from.
    async fn announce_audit(&mut self, audit: &AuditView) -> anyhow::Result<()> {
        let key = (audit.round, audit.subject, audit.auditor);
        let is_welcome = self.peers.get(&audit.auditor).is_some_and(|peer| peer.is_welcome);
        if self.announced_audits.contains(&key) || !is_welcome {
            return Ok(());
        }
        if !self.served.values().any(|state| *state == audit.base) {
            self.endpoint.publish(self.folder.state(&audit.base)?.parameters).await?;
            self.served.insert(audit.round, audit.base);
        }
        let message = ToWorker::Audit {
            round: audit.round,
            subject: *audit.subject.as_bytes(),
            base: *audit.base.as_bytes(),
        };
        self.send(&audit.auditor, &message);
        self.announced_audits.insert(key);
        Ok(())
    }
}
