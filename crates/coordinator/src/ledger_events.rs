//! Counts the events of the ledger and converts them for display.

use std::collections::BTreeMap;

use ledger_views::runs::RunEvent;
use training_run::{Cause, Effect, PayKind};
use units::{DeviceId, Digest};

use crate::{
    AuditReport, Event,
    chain::{Chain, Link},
};

/// Number of blocks whose events are read at once.
pub(crate) const EVENT_BLOCKS_MAX: u64 = 500;

/// What the events of a run add up to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) audits: AuditReport,
    /// Committed updates, by round and device.
    pub(crate) updates: BTreeMap<u32, BTreeMap<DeviceId, Digest>>,
    /// The states, and the steps between them.
    pub(crate) chain: Chain,
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
            Effect::Advanced { round, state, update } => {
                self.chain.add(round, Link { update, state });
                return None;
            }
            Effect::RoundOpened { round, base, .. } => {
                if round == 0 {
                    self.chain.begin(base);
                }
                Event::RoundOpened { round }
            }
            Effect::Committed { device, round, commitment } => {
                self.updates.entry(round).or_default().insert(device, commitment.update);
                *self.commitments.entry(round).or_default() += 1;
                Event::Committed { round, device }
            }
            Effect::Drawn { round, subject, auditor } => Event::Drawn { round, subject, auditor },
            Effect::Pay { account, device, amount } => Event::Paid { account, device, amount },
            Effect::Verified { device, round, tokens, kind: PayKind::Work, .. } => {
                Event::Verified { round, device, tokens }
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
            Effect::Silent { round, subject, auditor } => Event::Silent { round, subject, auditor },
            Effect::Disputed { round, subject, accuser } => {
                Event::Disputed { round, subject, accuser }
            }
            Effect::Expelled { round, device, account, cause, forfeited } => {
                if cause == Cause::Convicted {
                    self.audits.performed += 1;
                    self.audits.failed += 1;
                }
                Event::Expelled { round, device, account, cause, forfeited }
            }
            Effect::Upheld { round, subject, is_replayed: true } => {
                self.audits.performed += 1;
                self.audits.passed += 1;
                Event::Upheld { round, subject, is_replayed: true }
            }
            Effect::Upheld { round, subject, is_replayed: false } => {
                self.audits.unresolved += 1;
                Event::Upheld { round, subject, is_replayed: false }
            }
            _ => return None,
        })
    }
}
