//! Announces audits to their auditors.

use std::collections::BTreeSet;

use ledger_views::runs::{AuditView, SeatView};
use transport::message::{Role, ToWorker};

use super::{Driver, clerk::Record};
use crate::Event;

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

    /// Hears what was done beside the rounds; returns whether there is more to do.
    pub(super) fn hear_clerk(&mut self, record: Record) -> bool {
        record.note.into_iter().for_each(|note| self.emit(Event::Note(note)));
        record.audits.iter().for_each(|audit| self.announce_audit(audit));
        record.is_changed
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
