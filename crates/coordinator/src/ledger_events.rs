//! Counts the events of the ledger and converts them for display.

use std::collections::BTreeMap;

use abi::{
    TrainingRuns::PayKind,
    convert::{account, device, digest},
};
use ledger_client::RunEvent;
use units::{DeviceId, Digest, Wei};

use crate::{AuditReport, Event};

/// What the events of a run add up to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) audits: AuditReport,
    /// Committed updates, by round and device.
    pub(crate) updates: BTreeMap<u32, BTreeMap<DeviceId, Digest>>,
    /// Base state of each round.
    pub(crate) bases: BTreeMap<u32, Digest>,
    /// Number of commitments of each round.
    pub(crate) commitments: BTreeMap<u32, u32>,
}

impl Tally {
    /// Counts an event; returns what to display.
    pub(crate) fn take(&mut self, event: RunEvent) -> Option<Event> {
        Some(match event {
            RunEvent::Enrolled(event) => {
                Event::Enrolled { device: device(event.device), account: account(event.account) }
            }
            RunEvent::Left(event) => Event::Left { device: device(event.device) },
            RunEvent::RoundOpened(event) => {
                self.bases.insert(event.round, digest(event.base));
                Event::RoundOpened { round: event.round }
            }
            RunEvent::Committed(event) => {
                let (round, device) = (event.round, device(event.device));
                self.updates.entry(round).or_default().insert(device, digest(event.update));
                *self.commitments.entry(round).or_default() += 1;
                Event::Committed { round, device }
            }
            RunEvent::Drawn(event) => Event::Drawn {
                round: event.round,
                subject: device(event.subject),
                auditor: device(event.auditor),
            },
            RunEvent::Paid(event) => Event::Paid {
                account: account(event.account),
                device: device(event.device),
                tokens: event.tokens,
                amount: Wei::new(event.amount.saturating_to()),
                audit: event.kind == PayKind::Verdict,
            },
            RunEvent::Finished(_) => Event::Finished,
            other => return self.take_outcome(other),
        })
    }

    /// Handles events about audits.
    fn take_outcome(&mut self, event: RunEvent) -> Option<Event> {
        Some(match event {
            RunEvent::AuditPassed(event) => {
                self.audits.performed += 1;
                self.audits.passed += 1;
                Event::AuditPassed { round: event.round, subject: device(event.subject) }
            }
            RunEvent::Disputed(event) => Event::Disputed {
                round: event.round,
                subject: device(event.subject),
                auditor: device(event.auditor),
            },
            RunEvent::Convicted(event) => {
                self.audits.performed += 1;
                self.audits.failed += 1;
                Event::Convicted {
                    round: event.round,
                    device: device(event.subject),
                    account: account(event.account),
                    forfeited: Wei::new(event.forfeited.saturating_to()),
                }
            }
            RunEvent::AuditorExpelled(event) => {
                Event::FalseAuditor { round: event.round, device: device(event.auditor) }
            }
            RunEvent::Unresolved(event) => {
                self.audits.unresolved += 1;
                Event::Unresolved { round: event.round, subject: device(event.subject) }
            }
            _ => return None,
        })
    }
}
