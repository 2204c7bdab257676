//! The states that can still be read: of the newest blocks, by their commitments in memory.
//!
//! A past state costs no write of its own. Buckets are never overwritten, so its commitment and the buckets it names are all of it;
//! what remains is not to clean those away while it is kept.

use crate::tables::VersionRow;
use alloy_primitives::B256;
use execution::Commitment;
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Most tree nodes that past states may cost, roughly: some 170 MiB of memory, and of the file. When blocks change much, fewer states are
/// kept than were asked for.
const COST_MAX: u64 = 1 << 20;

/// The state after a block.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) number: u64,
    pub(crate) block: B256,
    pub(crate) commitment: Commitment,
    /// Buckets with lower ids are dead in this state and in those after it.
    pub(crate) cleaned_id: u64,
    /// Tree nodes that it does not share with the version before, roughly.
    cost: u64,
}

impl Version {
    /// `base_id` is [`Commitment::next_id`] of the version before.
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

/// Ascending by height. One more than in the file while a block is being written.
pub(crate) struct Versions {
    past_max: u64,
    is_development: bool,
    kept: Mutex<VecDeque<Version>>,
}

impl Versions {
    /// `past_max` states before the head's; in development all, whatever they cost.
    pub(crate) fn new(past_max: u64, is_development: bool) -> Self {
        let past_max = if is_development { u64::MAX } else { past_max };
        Self { past_max, is_development, kept: Mutex::default() }
    }

    /// Whether the head's state can be another than its header says: only in development.
    pub(crate) fn may_be_amended(&self) -> bool {
        self.is_development
    }

    /// The state after a block, as a snapshot of the file has it; `None` when it is not kept.
    pub(crate) fn find(&self, block: &B256, row: &VersionRow) -> Option<Version> {
        let is_meant =
            |version: &&Version| version.block == *block && VersionRow::of(version) == *row;
        self.kept().iter().rev().find(is_meant).cloned()
    }

    /// The state of the head.
    pub(crate) fn newest(&self) -> Option<Version> {
        self.kept().back().cloned()
    }

    /// Height of the oldest state that is kept.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.kept().front().map(|version| version.number)
    }

    /// Height and cleaned id of the oldest state that is to be kept once `newest` is the head's.
    pub(crate) fn oldest_after(&self, newest: &Version) -> (u64, u64) {
        let mut oldest = (newest.number, newest.cleaned_id);
        if self.is_development {
            let first = self.kept().front().filter(|first| first.number < newest.number).cloned();
            return first.map_or(oldest, |first| (first.number, first.cleaned_id));
        }
        // What the state at the end costs is what those after it do not share with it.
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

    /// To be called before the block can be seen in the file.
    pub(crate) fn offer(&self, version: Version) {
        self.kept().push_back(version);
    }

    /// The newest version is in the file; what is older than `oldest` has left it.
    pub(crate) fn settle(&self, newest: &Version, oldest: u64) {
        let mut kept = self.kept();
        while kept.front().is_some_and(|version| version.number < oldest) {
            kept.pop_front();
        }
        // Those of one block stand together, at the end or nearly there; an amended state takes the place of the one before it.
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

    /// The newest version did not get into the file.
    pub(crate) fn retract(&self) {
        self.kept().pop_back();
    }

    /// After a rewind: `newest` is the last one again.
    pub(crate) fn rewind(&self, newest: Version) {
        let mut kept = self.kept();
        kept.retain(|version| version.number < newest.number);
        kept.push_back(newest);
    }

    /// Every change of it is whole, so a panic elsewhere leaves it whole.
    fn kept(&self) -> MutexGuard<'_, VecDeque<Version>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
