//! The statements that this device has signed and that are not on the ledger yet.
//!
//! 1. A statement is sent to the coordinator, which brings it to the ledger with those of others.
//! 2. If the ledger does not have it after [`COORDINATOR_MAX`], it is given to a node, again and again with growing pauses.
//! 3. It is forgotten when the ledger shows what it was for, when it can't have an effect any more, or when the ledger
//!    refuses it.

use std::time::Duration;

use abi::{DEVICES, TRAINING_RUNS};
use alloy_primitives::Address;
use ledger_client::LedgerError;
use tokio::time::Instant;
use units::{AccountId, DeviceId};

use crate::look::Look;

/// How long the coordinator may take to bring a statement to the ledger, before a node is asked.
pub(crate) const COORDINATOR_MAX: Duration = Duration::from_secs(4);

/// First pause before a node is given the same statement again; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_secs(4);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Largest number of statements that wait: a device signs a commitment and a few verdicts in a round.
pub(crate) const WAITING_MAX: usize = 32;

/// What a statement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Goal {
    /// The device works for this account.
    Link { account: AccountId },
    /// It takes part.
    Enroll { nonce: u64 },
    /// It gives up its seat.
    Leave { nonce: u64 },
    /// Its work of this round is committed.
    Commit { round: u32 },
    /// Its verdict about another device's round is published.
    Verdict { round: u32, subject: DeviceId },
    /// The leaves of this disputed round are published. Coordinators don't bring them: they are not signed.
    Disclose { round: u32 },
}

/// What became of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The ledger shows what it was for.
    Done,
    /// It can't have an effect any more.
    Late,
}

/// A statement to give to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Errand {
    pub(crate) goal: Goal,
    pub(crate) to: Address,
    pub(crate) call: Vec<u8>,
}

#[derive(Debug)]
struct Waiting {
    goal: Goal,
    call: Vec<u8>,
    /// When a node is given it.
    next: Instant,
    pause: Duration,
    /// Whether a node has been given it and has not answered.
    is_out: bool,
    /// Whether a node was ever given it.
    was_out: bool,
    /// Why a node has refused it. The ledger may have it by now, from the coordinator.
    refusal: Option<LedgerError>,
}

/// The statements that wait.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Vec<Waiting>,
}

impl Goal {
    /// Returns the module that takes the statement.
    fn module(self) -> Address {
        match self {
            Self::Link { .. } => DEVICES,
            Self::Enroll { .. }
            | Self::Leave { .. }
            | Self::Commit { .. }
            | Self::Verdict { .. }
            | Self::Disclose { .. } => TRAINING_RUNS,
        }
    }

    /// Returns what became of the statement, according to the ledger; `None` if that is open.
    fn fate(self, look: &Look) -> Option<Fate> {
        if look.run.phase.is_over() {
            return Some(Fate::Late);
        }
        match self {
            Self::Link { account } => (look.link.account == Some(account)).then_some(Fate::Done),
            Self::Enroll { nonce } | Self::Leave { nonce } => {
                (look.standpoint.nonce >= nonce).then_some(Fate::Done)
            }
            Self::Commit { round } => match look.has_committed(round) {
                Some(has_committed) => has_committed.then_some(Fate::Done),
                None => Some(Fate::Late),
            },
            Self::Verdict { round, subject } => {
                let mut audits = look.audits.iter();
                let is_open = audits.any(|audit| audit.round == round && audit.subject == subject);
                (!is_open).then_some(Fate::Done)
            }
            Self::Disclose { round } => {
                let mut disputes = look.disputes.iter();
                let is_due = disputes.any(|open| open.round == round && open.disclosed.is_none());
                (!is_due).then_some(Fate::Done)
            }
        }
    }
}

impl Outbox {
    /// Adds a statement, which the caller has sent to the coordinator; a node is given it after `patience`. Returns
    /// whether there was room for it.
    pub(crate) fn put(&mut self, goal: Goal, call: Vec<u8>, next: Instant) -> bool {
        self.waiting.retain(|waiting| waiting.goal != goal);
        if self.waiting.len() >= WAITING_MAX {
            return false;
        }
        let (is_out, was_out, refusal) = (false, false, None);
        self.waiting.push(Waiting { goal, call, next, pause: PAUSE, is_out, was_out, refusal });
        true
    }

    /// Returns whether a statement for this goal waits.
    pub(crate) fn has(&self, is_meant: impl Fn(&Goal) -> bool) -> bool {
        self.waiting.iter().any(|waiting| is_meant(&waiting.goal))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Returns the statements that wait, for a coordinator that was just reached.
    pub(crate) fn calls(&self) -> Vec<Vec<u8>> {
        let is_signed = |waiting: &&Waiting| !matches!(waiting.goal, Goal::Disclose { .. });
        self.waiting.iter().filter(is_signed).map(|waiting| waiting.call.clone()).collect()
    }

    /// Forgets the statements whose fate the ledger shows, and returns it.
    pub(crate) fn settle(&mut self, look: &Look) -> Vec<(Goal, Fate)> {
        let mut settled = Vec::new();
        self.waiting.retain(|waiting| match waiting.goal.fate(look) {
            Some(fate) => {
                settled.push((waiting.goal, fate));
                false
            }
            None => true,
        });
        settled
    }

    /// The coordinator does not bring something to the ledger: gives all that no node has had yet to a node, which says why.
    pub(crate) fn hurry(&mut self, now: Instant) {
        for waiting in self.waiting.iter_mut().filter(|waiting| !waiting.was_out) {
            waiting.next = waiting.next.min(now);
        }
    }

    /// Returns the statements that a node shall be given now.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Errand> {
        let mut due = Vec::new();
        for waiting in &mut self.waiting {
            if waiting.is_out || now < waiting.next {
                continue;
            }
            (waiting.is_out, waiting.was_out) = (true, true);
            let (goal, call) = (waiting.goal, waiting.call.clone());
            due.push(Errand { goal, to: goal.module(), call });
        }
        due
    }

    /// A node has answered, or did not: it is given the statement again after a pause, unless the ledger has it by then.
    pub(crate) fn answered(&mut self, goal: Goal, now: Instant) {
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.goal == goal) {
            waiting.is_out = false;
            waiting.next = now + waiting.pause;
            waiting.pause = (waiting.pause * 2).min(PAUSE_MAX);
        }
    }

    /// A node has refused the statement. No node is given it again; the next look at the ledger shows whether it matters.
    pub(crate) fn refused(&mut self, goal: Goal, error: LedgerError) {
        if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.goal == goal) {
            waiting.refusal = Some(error);
        }
    }

    /// Forgets the refused statements, and returns those whose fate the ledger does not show: they were settled before.
    pub(crate) fn take_refused(&mut self) -> Vec<(Goal, LedgerError)> {
        let refused = self.waiting.extract_if(.., |waiting| waiting.refusal.is_some());
        refused.filter_map(|waiting| Some((waiting.goal, waiting.refusal?))).collect()
    }
}

#[cfg(test)]
mod tests;
