//! Settings of the next block in a development ledger.

use alloy_primitives::{Address, B256};
use execution::Deviations;
use std::{collections::BTreeSet, time::Duration};

/// The settings; `None` is as in a production ledger.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) is_automine: bool,
    pub(crate) interval: Option<Duration>,
    /// Seconds by which the ledger's time is ahead of the clock's.
    pub(crate) offset: i64,
    /// Timestamp of the next block only.
    pub(crate) timestamp: Option<u64>,
    /// Base fee of the next block only.
    pub(crate) base_fee: Option<u64>,
    /// Randomness of the next block only.
    pub(crate) prevrandao: Option<B256>,
    pub(crate) timestamp_step: Option<u64>,
    /// Seconds by which the next block is later than its step: the time was moved forward since the last block.
    pub(crate) jump: u64,
    pub(crate) gas_limit: Option<u64>,
    pub(crate) beneficiary: Option<Address>,
    pub(crate) impersonated: BTreeSet<Address>,
    pub(crate) impersonates_all: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            is_automine: true,
            interval: None,
            offset: 0,
            timestamp: None,
            base_fee: None,
            prevrandao: None,
            timestamp_step: None,
            jump: 0,
            gas_limit: None,
            beneficiary: None,
            impersonated: BTreeSet::new(),
            impersonates_all: false,
        }
    }
}

impl Plan {
    /// Returns the time of the block after the one at `parent`, when the clock says `wall`; the parent's own time may
    /// be later.
    pub(crate) fn next_timestamp(&self, parent: u64, wall: u64) -> u64 {
        let stepped = |step: u64| parent.saturating_add(step).saturating_add(self.jump);
        let planned = self.timestamp.or(self.timestamp_step.map(stepped));
        planned.unwrap_or_else(|| wall.saturating_add_signed(self.offset))
    }

    /// Returns how the next block deviates from the rules.
    pub(crate) fn deviations(&self) -> Deviations {
        Deviations { base_fee: self.base_fee, gas_limit: self.gas_limit, contracts_may_send: true }
    }

    /// Sets the time to `timestamp` when the clock says `wall`; returns by how many seconds that moved it.
    pub(crate) fn set_time(&mut self, timestamp: u64, wall: u64) -> i64 {
        let before = self.offset;
        self.offset = difference(timestamp, wall);
        let moved = self.offset.saturating_sub(before);
        self.jump = self.jump.saturating_add_signed(moved);
        moved
    }

    /// Moves the time forward.
    pub(crate) fn increase_time(&mut self, seconds: u64) {
        self.offset = self.offset.saturating_add_unsigned(seconds);
        self.jump = self.jump.saturating_add(seconds);
    }

    /// Sets by how many seconds each block is later than the one before; returns the previous value.
    pub(crate) fn set_timestamp_step(&mut self, seconds: Option<u64>) -> Option<u64> {
        self.jump = 0;
        std::mem::replace(&mut self.timestamp_step, seconds)
    }

    /// Resets the settings of the next block only, after it was made.
    pub(crate) fn settle(&mut self, timestamp: u64, wall: u64) {
        if self.timestamp.is_some() || self.timestamp_step.is_some() {
            self.offset = difference(timestamp, wall);
        }
        self.jump = 0;
        (self.timestamp, self.base_fee, self.prevrandao) = (None, None, None);
    }

    /// Restores the settings `then`, made when the clock was at `then_wall`; the time continues from there. Mining
    /// mode and impersonation stay.
    pub(crate) fn revert(&mut self, then: &Self, then_wall: u64, wall: u64) {
        *self = Self {
            is_automine: self.is_automine,
            interval: self.interval,
            gas_limit: self.gas_limit,
            impersonated: std::mem::take(&mut self.impersonated),
            impersonates_all: self.impersonates_all,
            offset: then.offset.saturating_sub(difference(wall, then_wall)),
            ..then.clone()
        };
    }
}

fn difference(of: u64, from: u64) -> i64 {
    i64::try_from(i128::from(of) - i128::from(from)).unwrap_or(i64::MAX)
}
