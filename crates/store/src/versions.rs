//! The states that can still be read: those of the newest blocks, by their commitments in memory.
//!
//! A past state costs no additional write. Buckets are never overwritten, so a state is its commitment and its buckets,
//! which only must not be cleaned while the state is kept.

use crate::tables::VersionRow;
use alloy_primitives::B256;
use execution::Commitment;
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Largest number of tree nodes for past states, about 170 MiB of memory, and of the file. When blocks change much,
/// fewer states are kept than requested.
const COST_MAX: u64 = 1 << 20;

/// The state after a block.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) number: u64,
    pub(crate) block: B256,
    pub(crate) commitment: Commitment,
    /// Buckets with lower ids are dead in this state and in later ones.
    pub(crate) cleaned_id: u64,
    /// Approximate number of tree nodes that it does not share with the previous version.
    cost: u64,
}

impl Version {
    /// Returns the version of a state; `base_id` is [`Commitment::next_id`] of the previous one.
    pub(crate) fn new(
        (number, block): (u64, B256),
        commitment: Commitment,
        cleaned_id: u64,
        base_id: u64,
    ) -> Self {
        let depth = u64::from(commitment.live_count().checked_ilog2().unwrap_or(0)) + 2;
        let cost = commitment.next_id().saturating_sub(base_id).saturating_mul(depth);
        Self { number, block, commitment, cleaned_id, cost }
    }
}

/// The kept versions, ascending by height. One more than in the file while a block is being written.
pub(crate) struct Versions {
    past_max: u64,
    is_development: bool,
    kept: Mutex<VecDeque<Version>>,
}

impl Versions {
    /// Keeps `past_max` states before the head's; in development all, at any cost.
    pub(crate) fn new(past_max: u64, is_development: bool) -> Self {
        let past_max = if is_development { u64::MAX } else { past_max };
        Self { past_max, is_development, kept: Mutex::default() }
    }

    /// Returns whether the head's state may differ from its header: only in development.
    pub(crate) fn may_be_amended(&self) -> bool {
        self.is_development
    }

    /// Returns the state after a block, according to its row in the file; `None` when it is not kept.
    pub(crate) fn find(&self, block: &B256, row: &VersionRow) -> Option<Version> {
        let is_meant =
            |version: &&Version| version.block == *block && VersionRow::of(version) == *row;
        self.kept().iter().rev().find(is_meant).cloned()
    }

    /// Returns the state of the head.
    pub(crate) fn newest(&self) -> Option<Version> {
        self.kept().back().cloned()
    }

    /// Returns the height of the oldest kept state.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.kept().front().map(|version| version.number)
    }

    /// Returns height and cleaned id of the oldest state to keep once `newest` is the head's.
    pub(crate) fn oldest_after(&self, newest: &Version) -> (u64, u64) {
        let mut oldest = (newest.number, newest.cleaned_id);
        if self.is_development {
            let first = self.kept().front().filter(|first| first.number < newest.number).cloned();
            return first.map_or(oldest, |first| (first.number, first.cleaned_id));
        }
        // The cost of the oldest state is what later states do not share with it.
        let mut cost = newest.cost;
        for version in self.kept().iter().rev().filter(|version| version.number < newest.number) {
            if newest.number - version.number > self.past_max || cost > COST_MAX {
                break;
            }
            oldest = (version.number, version.cleaned_id);
            cost = cost.saturating_add(version.cost);
        }
        oldest
    }

    /// Adds a version; called before the block can be read from the file.
    pub(crate) fn offer(&self, version: Version) {
        self.kept().push_back(version);
    }

    /// Records that the newest version is in the file, and removes versions older than `oldest`.
    pub(crate) fn settle(&self, newest: &Version, oldest: u64) {
        let mut kept = self.kept();
        while kept.front().is_some_and(|version| version.number < oldest) {
            kept.pop_front();
        }
        // The versions of one block are neighbours at the end; an amended state replaces the previous one.
        let is_other = |version: &Version| version.block != newest.block;
        let after = kept.iter().rev().take_while(|version| is_other(version)).count();
        let end = kept.len() - after;
        let mut first = end;
        while first > 0 && kept.get(first - 1).is_some_and(|version| !is_other(version)) {
            first -= 1;
        }
        for index in (first..end).rev() {
            if VersionRow::of(&kept[index]) != VersionRow::of(newest) {
                kept.remove(index);
            }
        }
    }

    /// Removes the newest version, which was not written to the file.
    pub(crate) fn retract(&self) {
        self.kept().pop_back();
    }

    /// Makes `newest` the last version again, after a rewind.
    pub(crate) fn rewind(&self, newest: Version) {
        let mut kept = self.kept();
        kept.retain(|version| version.number < newest.number);
        kept.push_back(newest);
    }

    /// Returns the versions. Every change is complete, so a panic elsewhere leaves them consistent.
    fn kept(&self) -> MutexGuard<'_, VecDeque<Version>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
