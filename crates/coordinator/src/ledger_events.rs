//! Counts the events of the ledger and converts them for display.

use std::collections::BTreeMap;

use ledger_views::runs::RunEvent;
use training_run::{Effect, PayKind};
use units::{DeviceId, Digest};

use crate::{AuditReport, Event};

/// Number of blocks whose events are read at once.
pub(crate) const EVENT_BLOCKS_MAX: u64 = 500;

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
        let RunEvent::Followed(effect) = event else { return None };
        Some(match effect {
            Effect::Enrolled { device, account, .. } => Event::Enrolled { device, account },
            Effect::Left { device } => Event::Left { device },
            Effect::RoundOpened { round, base, .. } => {
                self.bases.insert(round, base);
                Event::RoundOpened { round }
            }
            Effect::Committed { device, round, commitment } => {
                self.updates.entry(round).or_default().insert(device, commitment.update);
                *self.commitments.entry(round).or_default() += 1;
                Event::Committed { round, device }
            }
            Effect::Drawn { round, subject, auditor } => Event::Drawn { round, subject, auditor },
            Effect::Pay { account, device, tokens, amount, kind, .. } => {
                Event::Paid { account, device, tokens, amount, audit: kind == PayKind::Audit }
            }
            Effect::Finished { .. } => Event::Finished,
            other => return self.take_outcome(&other),
        })
    }

    /// Handles events about audits.
    fn take_outcome(&mut self, effect: &Effect) -> Option<Event> {
        Some(match *effect {
            Effect::AuditPassed { round, subject, .. } => {
                self.audits.performed += 1;
                self.audits.passed += 1;
                Event::AuditPassed { round, subject }
            }
            Effect::Disputed { round, subject, auditor } => {
                Event::Disputed { round, subject, auditor }
            }
            Effect::Convicted { round, subject, account, forfeited } => {
                self.audits.performed += 1;
                self.audits.failed += 1;
                Event::Convicted { round, device: subject, account, forfeited }
            }
            Effect::AuditorExpelled { round, auditor, .. } => {
                Event::FalseAuditor { round, device: auditor }
            }
            Effect::Unresolved { round, subject } => {
                self.audits.unresolved += 1;
                Event::Unresolved { round, subject }
            }
            _ => return None,
        })
    }
}
