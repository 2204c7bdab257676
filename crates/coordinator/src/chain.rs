//! The states of a run as the ledger names them: each follows from the one before by an outer update.
//!
//! An outer update is a small part of a state's size, so of the rounds whose base states somebody may still need, only
//! every sixteenth has a whole state on disk, a keyframe ([`KEYFRAME_ROUNDS`]). The others are rebuilt from it by outer updates,
//! and checked against their digest on the ledger.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use units::Digest;
use verification::RunSpec;

use crate::Folder;

/// Of the states that may still be needed, those after a multiple of this many rounds are kept whole. A state is rebuilt
/// by fewer updates than this.
pub(crate) const KEYFRAME_ROUNDS: u32 = 16;

/// Number of rounds, the current one included, whose base states can be rebuilt: those of which the ledger has records,
/// so that any of their commitments can be audited or disputed.
const ROUNDS_NEEDED: u32 = training_run::RoundWindow::ROUNDS;

/// The step from one state to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// Digest of the encoded outer update.
    pub(crate) update: Digest,
    /// Digest of the state that it leads to.
    pub(crate) state: Digest,
}

/// The states of a run, as far as the ledger's events were read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    initial: Option<Digest>,
    /// By the round that they end.
    links: BTreeMap<u32, Link>,
}

/// A way to a state: a whole state, and the steps that lead on from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    /// The number of rounds before `from`.
    pub(crate) rounds: u32,
    pub(crate) from: Digest,
    pub(crate) links: Vec<Link>,
}

/// What a run's states are rebuilt from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Whole states.
    pub(crate) states: BTreeSet<Digest>,
    /// Outer updates.
    pub(crate) updates: BTreeSet<Digest>,
}

impl Chain {
    /// Sets the state before the first round.
    pub(crate) fn begin(&mut self, initial: Digest) {
        self.initial = Some(initial);
    }

    /// Adds the step that ends a round. The ledger never changes it.
    pub(crate) fn add(&mut self, round: u32, link: Link) {
        self.links.insert(round, link);
    }

    /// Returns the state after `rounds` rounds, which is the base of the round with that index.
    pub(crate) fn state(&self, rounds: u32) -> Option<Digest> {
        match rounds.checked_sub(1) {
            None => self.initial,
            Some(round) => self.links.get(&round).map(|link| link.state),
        }
    }

    /// Returns the outer update that ends a round.
    pub(crate) fn update(&self, round: u32) -> Option<Digest> {
        self.links.get(&round).map(|link| link.update)
    }

    /// Returns the states by the number of rounds that led to them.
    pub(crate) fn states(&self) -> BTreeMap<u32, Digest> {
        let later = self.links.iter().map(|(round, link)| (round.saturating_add(1), link.state));
        self.initial.map(|state| (0, state)).into_iter().chain(later).collect()
    }

    /// Returns the shortest way to the state after `rounds` rounds from one that `is_held`, if there is one.
    pub(crate) fn way(&self, rounds: u32, is_held: impl Fn(&Digest) -> bool) -> Option<Way> {
        let mut links = Vec::new();
        for before in (0..=rounds).rev() {
            let from = self.state(before)?;
            if is_held(&from) {
                links.reverse();
                return Some(Way { rounds: before, from, links });
            }
            links.push(*self.links.get(&before.checked_sub(1)?)?);
        }
        None
    }

    /// Returns whether the state after `rounds` rounds can be rebuilt from what is held.
    pub(crate) fn is_within(&self, rounds: u32, held: &Held) -> bool {
        let way = self.way(rounds, |state| held.states.contains(state));
        way.is_some_and(|way| way.links.iter().all(|link| held.updates.contains(&link.update)))
    }

    /// Returns what of `held` the base states of all rounds from `oldest` to `newest`, and at least of the last 64, are
    /// rebuilt from.
    pub(crate) fn needed(&self, oldest: u32, newest: u32, held: &Held) -> Held {
        let first = oldest.min(newest.saturating_sub(ROUNDS_NEEDED - 1));
        let first = first - first % KEYFRAME_ROUNDS;
        let (mut needed, mut is_reached) = (Held::default(), false);
        for rounds in first..=newest {
            let update = rounds.checked_sub(1).and_then(|round| self.update(round));
            let update = update.filter(|update| is_reached && held.updates.contains(update));
            needed.updates.extend(update);
            let state = self.state(rounds).filter(|state| held.states.contains(state));
            // Whole where no update leads: a run that was taken over begins anywhere.
            let is_whole = rounds.is_multiple_of(KEYFRAME_ROUNDS) || update.is_none();
            needed.states.extend(state.filter(|_| is_whole));
            is_reached = update.is_some() || state.is_some();
        }
        needed
    }
}

/// Returns the parameters of the state after `rounds` rounds, from disk or rebuilt, checked against its digest.
pub(crate) fn rebuild(
    folder: &Folder,
    spec: &RunSpec,
    chain: &Chain,
    rounds: u32,
) -> anyhow::Result<Vec<f32>> {
    let expected = chain.state(rounds).context("the ledger names no such state")?;
    let mut held = folder.held()?.states;
    // It can be derived from the seed, unless the run began elsewhere.
    held.extend(chain.initial);
    loop {
        let Some(way) = chain.way(rounds, |state| held.contains(state)) else {
            anyhow::bail!("neither state {expected} nor one that leads to it is on disk");
        };
        match walk(folder, spec, &way, &expected) {
            Ok(parameters) => return Ok(parameters),
            // An older one may be whole.
            Err(error) => tracing::warn!(state = %way.from, "no way from a state: {error:#}"),
        }
        held.remove(&way.from);
    }
}

fn walk(folder: &Folder, spec: &RunSpec, way: &Way, expected: &Digest) -> anyhow::Result<Vec<f32>> {
    let from = match folder.state(&way.from) {
        Ok(state) => model::params_from_bytes(&spec.model, &state.parameters)?,
        Err(_) if way.rounds == 0 => model::initial_parameters(&spec.model, &spec.seed.0),
        Err(error) => return Err(error.into()),
    };
    let updates = way.links.iter().map(|link| folder.update(&link.update));
    follow(spec, from, updates.map(|update| update.map_err(anyhow::Error::from)), expected)
}

/// Follows outer updates from `parameters` to a state, and checks that it is the expected one.
pub(crate) fn follow(
    spec: &RunSpec,
    mut parameters: Vec<f32>,
    updates: impl Iterator<Item = anyhow::Result<Vec<u8>>>,
    expected: &Digest,
) -> anyhow::Result<Vec<f32>> {
    for update in updates {
        verification::apply_outer(spec, &mut parameters, &update?)?;
    }
    let found = model::state_digest(&parameters);
    anyhow::ensure!(found == *expected, "the updates lead to state {found}, not to {expected}");
    Ok(parameters)
}

#[cfg(test)]
mod tests;
