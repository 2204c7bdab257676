//! Snapshots of a development ledger.

use super::plan::Plan;
use alloy_consensus::transaction::Recovered;
use execution::Transaction;
use std::collections::BTreeMap;
use store::Mark;

/// Largest number of snapshots.
pub(crate) const SNAPSHOTS_MAX: usize = 4_096;

/// The ledger at a moment.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(crate) mark: Mark,
    /// Waiting transactions, in order of arrival.
    pub(crate) waiting: Vec<Recovered<Transaction>>,
    pub(crate) plan: Plan,
    /// Time of the clock.
    pub(crate) wall: u64,
}

/// Snapshots by number, ascending with time.
#[derive(Default)]
pub(crate) struct Snapshots {
    made: u64,
    kept: BTreeMap<u64, Snapshot>,
}

impl Snapshots {
    pub(crate) fn count(&self) -> usize {
        self.kept.len()
    }

    pub(crate) fn add(&mut self, snapshot: Snapshot) -> u64 {
        let number = self.made;
        self.made += 1;
        self.kept.insert(number, snapshot);
        number
    }

    pub(crate) fn get(&self, number: u64) -> Option<Snapshot> {
        self.kept.get(&number).cloned()
    }

    /// Removes the snapshots from `number` on.
    pub(crate) fn forget_from(&mut self, number: u64) {
        self.kept.split_off(&number);
    }
}
