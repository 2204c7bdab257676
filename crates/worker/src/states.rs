//! The newest base states by digest, so that rounds and audits of recent rounds need no download.
//!
//! Only the oldest and the newest one are held whole: those between are made again when somebody asks for them, by the outer updates
//! that led to them.

use std::{collections::VecDeque, sync::Arc};

use units::Digest;
use verification::{RunSpec, apply_outer};

/// Largest number of states in memory: the current one, that of the round which was started ahead, and those of rounds that may still be
/// audited, also by a coordinator that takes over from one that was lost with its disk.
pub(crate) const STATES_HELD_MAX: usize = 4;

/// How many states beyond the limit are held by their outer updates until there was time to [fold](States::fold): the next rounds may come
/// before.
const UNFOLDED_MAX: usize = 6;

/// A whole state, or an older one and the outer updates that lead from it to the one that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    from: Arc<Vec<f32>>,
    updates: Vec<Arc<Vec<u8>>>,
}

impl Kept {
    /// Returns the state. For one that is not whole this is a computation, and memory for one more state.
    pub(crate) fn restore(self, spec: &RunSpec) -> Option<Arc<Vec<f32>>> {
        let Self { from, updates } = self;
        if updates.is_empty() {
            return Some(from);
        }
        let mut parameters = Arc::unwrap_or_clone(from);
        updates.iter().try_for_each(|update| apply_outer(spec, &mut parameters, update)).ok()?;
        Some(Arc::new(parameters))
    }

    /// Returns whether nothing need be computed.
    pub(crate) fn is_whole(&self) -> bool {
        self.updates.is_empty()
    }
}

/// How a state follows from another one: the other one's digest, and the outer update that was applied to it.
pub(crate) type Step = (Digest, Arc<Vec<u8>>);

/// The state that a round starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BaseOf {
    pub(crate) run: u64,
    pub(crate) round: u32,
    pub(crate) digest: Digest,
}

/// A state that is held: whole, or by what led to it, or both. The first one is whole.
#[derive(Debug)]
struct Held {
    base: BaseOf,
    whole: Option<Arc<Vec<f32>>>,
    /// How it follows from the state held before it.
    step: Option<Step>,
}

impl Held {
    /// Gives up the whole state if it can be made again.
    fn give_up(&mut self) {
        if self.step.is_some() {
            self.whole = None;
        }
    }
}

/// The newest states of this worker, each checked against its digest.
#[derive(Debug)]
pub(crate) struct States {
    /// How many are held, but for [`UNFOLDED_MAX`] more until they are [folded](Self::fold).
    count_max: usize,
    held: VecDeque<Held>,
    /// The state that is expected next, until it is asked for.
    expected: Option<Held>,
}

impl States {
    /// Holds at most `count_max` states, and at least one.
    pub(crate) fn new(count_max: usize) -> Self {
        Self {
            count_max: count_max.clamp(1, STATES_HELD_MAX),
            held: VecDeque::new(),
            expected: None,
        }
    }

    /// Changes how many states are held.
    pub(crate) fn limit(&mut self, count_max: usize) {
        self.count_max = count_max.clamp(1, STATES_HELD_MAX);
        self.forget_oldest();
    }

    /// Returns the state with this digest, if it is still in memory.
    #[must_use]
    pub(crate) fn find(&mut self, digest: &Digest) -> Option<Kept> {
        if let Some(expected) = self.expected.take_if(|it| it.base.digest == *digest) {
            self.push(expected);
        }
        self.held.iter().position(|held| held.base.digest == *digest).and_then(|at| self.kept(at))
    }

    /// Keeps the state that is expected next, beside the held ones: the ledger may never name it. In its favour the newest one is given
    /// up, if it can be made again.
    pub(crate) fn expect(&mut self, base: BaseOf, parameters: Arc<Vec<f32>>, step: Step) {
        self.expected = Some(Held { base, whole: Some(parameters), step: Some(step) });
        if self.held.len() > 1 {
            self.held.back_mut().into_iter().for_each(Held::give_up);
        }
    }

    /// Stores the base state of a round, whose digest the caller has checked, and removes the oldest beyond the limit. One that is older
    /// than those held is not stored: it was asked for by an audit, and would push out what rounds to come need.
    pub(crate) fn hold(&mut self, base: BaseOf, parameters: Arc<Vec<f32>>, step: Option<Step>) {
        self.push(Held { base, whole: Some(parameters), step });
    }

    fn push(&mut self, state: Held) {
        let Held { base, whole, step } = state;
        if self.held.back().is_some_and(|newest| newest.base.run != base.run) {
            self.held.clear();
        }
        let newest = self.held.back().map(|newest| newest.base);
        if newest.is_some_and(|newest| newest.round > base.round || newest.digest == base.digest) {
            return;
        }
        let step = step.filter(|(from, _)| newest.is_some_and(|newest| newest.digest == *from));
        self.held.push_back(Held { base, whole, step });
        self.forget_oldest();
    }

    /// Forgets the oldest beyond the limit, if the oldest that stays is whole. Otherwise it has to be made first, for which there is time
    /// between two rounds.
    fn forget_oldest(&mut self) {
        let oldest = self.held.len().saturating_sub(self.count_max);
        if self.held.get(oldest).is_none_or(|held| held.whole.is_some()) {
            self.held.drain(..oldest);
            return;
        }
        self.give_up_inner();
        self.shorten(self.count_max.saturating_add(UNFOLDED_MAX));
    }

    fn give_up_inner(&mut self) {
        let inner = self.held.iter_mut().rev().skip(1).rev().skip(1);
        inner.for_each(Held::give_up);
    }

    /// Gives up what can be made again, and returns the oldest state that is not one too many, if it has to be made whole:
    /// [`States::unfold`] takes it.
    pub(crate) fn fold(&mut self) -> Option<(Digest, Kept)> {
        self.give_up_inner();
        let oldest = self.held.len().checked_sub(self.count_max).filter(|oldest| *oldest > 0)?;
        Some((self.held.get(oldest)?.base.digest, self.kept(oldest)?))
    }

    /// Takes a state whole, and forgets those before it.
    pub(crate) fn unfold(&mut self, digest: &Digest, parameters: Arc<Vec<f32>>) {
        if let Some(oldest) = self.held.iter().position(|held| held.base.digest == *digest) {
            self.held[oldest].whole = Some(parameters);
            self.held.drain(..oldest);
        }
    }

    /// Forgets the oldest beyond `count_max`, and those that can't be made again without them.
    fn shorten(&mut self, count_max: usize) {
        self.held.drain(..self.held.len().saturating_sub(count_max));
        let first_whole = self.held.iter().position(|held| held.whole.is_some());
        self.held.drain(..first_whole.unwrap_or(self.held.len()));
    }

    /// Returns the state at an index.
    fn kept(&self, at: usize) -> Option<Kept> {
        let whole = (0..=at).rev().find(|at| self.held[*at].whole.is_some())?;
        let steps = self.held.range(whole + 1..=at).map(|held| held.step.as_ref());
        let updates = steps.map(|step| step.map(|(_, update)| Arc::clone(update)));
        Some(Kept {
            from: self.held[whole].whole.clone()?,
            updates: updates.collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests;
