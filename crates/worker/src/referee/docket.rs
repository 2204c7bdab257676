//! The disputes that a referee knows, and how far it is with each.

use std::{collections::BTreeMap, time::Duration};

use abi::{
    TrainingRuns,
    statement::{self, Found},
};
use alloy_sol_types::SolCall as _;
use tokio::time::Instant;
use units::{DeviceId, Digest};
use wallet::DeviceKey;

use crate::replay::{Case, Replay};

/// How often the data of a round is tried to be had.
const TRIES_MAX: u32 = 6;
/// Pause before the second try; it doubles up to [`PAUSE_MAX`], so that a coordinator has five minutes to come back.
const PAUSE: Duration = Duration::from_secs(10);
const PAUSE_MAX: Duration = Duration::from_secs(160);

/// Pause before a ruling is given to the node again; it doubles up to [`SUBMIT_PAUSE_MAX`].
const SUBMIT_PAUSE: Duration = Duration::from_secs(8);
const SUBMIT_PAUSE_MAX: Duration = Duration::from_secs(300);

/// How long a disputed device may take to disclose its leaves before the round is repeated without them.
const LEAVES_MAX: Duration = Duration::from_secs(3);

/// Pause while the referee has no time for a run.
const POSTPONED: Duration = Duration::from_secs(60);

/// A disputed round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) run: u64,
    pub(super) round: u32,
    pub(super) subject: DeviceId,
}

/// What to do about a dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing now.
    Wait,
    /// Repeat the round.
    Replay,
    /// Give the ruling to the node.
    Submit(Vec<u8>),
}

#[derive(Debug)]
enum Progress {
    /// The round is not repeated.
    Open { tries: u32 },
    /// The ruling is signed.
    Ruled { call: Vec<u8>, pause: Duration },
    /// This referee does not decide it.
    GivenUp,
}

#[derive(Debug)]
struct Item {
    progress: Progress,
    /// When the referee saw it first.
    since: Instant,
    not_before: Option<Instant>,
}

/// The open disputes.
#[derive(Debug, Default)]
pub(super) struct Docket {
    items: BTreeMap<Name, Item>,
}

impl Docket {
    /// Forgets the disputes for which `is_open` is false.
    pub(super) fn keep(&mut self, is_open: impl Fn(&Name) -> bool) {
        self.items.retain(|name, _| is_open(name));
    }

    /// Returns the runs of the disputes.
    pub(super) fn runs(&self) -> Vec<u64> {
        let mut runs: Vec<u64> = self.items.keys().map(|name| name.run).collect();
        runs.dedup();
        runs
    }

    /// Returns what to do about a dispute, whose leaves are disclosed or not.
    pub(super) fn next(&mut self, name: Name, is_disclosed: bool, now: Instant) -> Next {
        let item = self.items.entry(name).or_insert_with(|| Item::new(now));
        if item.not_before.is_some_and(|not_before| now < not_before) {
            return Next::Wait;
        }
        match &item.progress {
            Progress::Open { .. } if !is_disclosed && now < item.since + LEAVES_MAX => Next::Wait,
            Progress::Open { .. } => Next::Replay,
            Progress::Ruled { call, .. } => Next::Submit(call.clone()),
            Progress::GivenUp => Next::Wait,
        }
    }

    /// The referee has no time for this run now.
    pub(super) fn postpone(&mut self, name: Name, now: Instant) {
        if let Some(item) = self.items.get_mut(&name) {
            item.not_before = Some(now + POSTPONED);
        }
    }

    /// The round's data can't be had: counts the try and returns whether it was the last one.
    pub(super) fn is_last_try(&mut self, name: Name, now: Instant) -> bool {
        let Some(Item { progress: Progress::Open { tries }, not_before, .. }) =
            self.items.get_mut(&name)
        else {
            return false;
        };
        *tries += 1;
        *not_before = Some(now + pause_after(*tries));
        *tries >= TRIES_MAX
    }

    /// A run's coordinator can't be reached: that is a try of each dispute of the run that is due, and `is_waiting`. The last try of
    /// each is its own.
    pub(super) fn unreachable(
        &mut self,
        run: u64,
        is_waiting: impl Fn(&Name) -> bool,
        now: Instant,
    ) {
        for (name, item) in &mut self.items {
            let is_due = item.not_before.is_none_or(|not_before| not_before <= now);
            if let Progress::Open { tries } = &mut item.progress
                && (name.run == run && is_due && is_waiting(name) && *tries + 1 < TRIES_MAX)
            {
                *tries += 1;
                item.not_before = Some(now + pause_after(*tries));
            }
        }
    }

    /// The ruling is signed.
    pub(super) fn rule(&mut self, name: Name, call: Vec<u8>, now: Instant) {
        let progress = Progress::Ruled { call, pause: SUBMIT_PAUSE };
        let item = Item { progress, not_before: Some(now), ..Item::new(now) };
        self.items.insert(name, item);
    }

    /// The node was given the ruling. It is given it again if the ledger does not have it after a while.
    pub(super) fn submitted(&mut self, name: Name, now: Instant) {
        if let Some(Item { progress: Progress::Ruled { pause, .. }, not_before, .. }) =
            self.items.get_mut(&name)
        {
            *not_before = Some(now + *pause);
            *pause = (*pause * 2).min(SUBMIT_PAUSE_MAX);
        }
    }

    /// This referee does not decide the dispute.
    pub(super) fn give_up(&mut self, name: Name) {
        if let Some(item) = self.items.get_mut(&name) {
            (item.progress, item.not_before) = (Progress::GivenUp, None);
        }
    }
}

impl Item {
    fn new(now: Instant) -> Self {
        Self { progress: Progress::Open { tries: 0 }, since: now, not_before: None }
    }
}

fn pause_after(tries: u32) -> Duration {
    let factor = 1_u32 << tries.saturating_sub(1).min(8);
    PAUSE.saturating_mul(factor).min(PAUSE_MAX)
}

/// Returns the call of `TrainingRuns.rule` with a referee's signature.
pub(super) fn ruling(
    referee: &DeviceKey,
    (chain_id, run): (u64, u64),
    case: &Case,
    replay: &Replay,
) -> Vec<u8> {
    let found = match replay {
        Replay::Done { root, update, .. } => Found::replayed(*root.as_bytes(), *update.as_bytes()),
        // A round has at most 258 leaves.
        Replay::Differs { leaf } => Found::differs(u16::try_from(*leaf).unwrap_or(u16::MAX)),
        Replay::NoResult { .. } => {
            let nothing = *nothing(case).as_bytes();
            Found::replayed(nothing, nothing)
        }
        Replay::Unavailable { .. } => Found::unavailable(),
    };
    let signed = statement::ruling(chain_id, run, case.round, case.subject.as_bytes(), &found);
    let Found { kind, leaf, root, update } = found;
    let (referee, signature) = (referee.device(), referee.sign(&signed).to_vec().into());
    let [referee, subject] = [referee, case.subject].map(abi::convert::device_word);
    let (round, root, update) = (case.round, root.into(), update.into());
    TrainingRuns::ruleCall { run, round, subject, referee, kind, leaf, root, update, signature }
        .abi_encode()
}

/// Returns the root and update of a round that has no result. It depends on the commitment, so nobody can commit to it.
fn nothing(case: &Case) -> Digest {
    let commitment = [case.commitment.seal.as_bytes(), case.commitment.update.as_bytes()];
    Digest::of(&commitment.map(|bytes| *bytes).concat())
}

#[cfg(test)]
mod tests;
