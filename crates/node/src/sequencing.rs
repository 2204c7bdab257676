//! Decides when a block is produced, and the values of it that do not follow from its parent.

use crate::{
    config::Timestamps,
    development::{DevelopmentState, Plan},
    randomness::Randomness,
};
use alloy_consensus::Header;
use alloy_primitives::Address;
use execution::{BlockInput, Deviations, Rules, next_base_fee};
use std::{sync::MutexGuard, time::Duration};

/// The policy of a ledger.
pub(crate) struct Sequencing {
    policy: Policy,
    timestamps: Timestamps,
    /// Receives tips, unless the policy sets another receiver.
    beneficiary: Address,
}

enum Policy {
    /// One node orders alone: a block when transactions wait, and an empty one after an interval without a block.
    Solo { interval: Option<Duration> },
    /// The client that tests decides.
    Development(Box<DevelopmentState>),
}

/// What causes the producer to produce a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// A transaction that waits.
    pub(crate) takes_what_comes: bool,
    /// This time after the block before.
    pub(crate) interval: Option<Duration>,
}

impl Sequencing {
    /// The policy of a production ledger.
    pub(crate) fn solo(
        interval: Option<Duration>,
        timestamps: Timestamps,
        beneficiary: Address,
    ) -> Self {
        Self { policy: Policy::Solo { interval }, timestamps, beneficiary }
    }

    /// The policy of a development ledger.
    pub(crate) fn development(
        development: DevelopmentState,
        timestamps: Timestamps,
        beneficiary: Address,
    ) -> Self {
        let policy = Policy::Development(Box::new(development));
        Self { policy, timestamps, beneficiary }
    }

    /// In a development ledger.
    pub(crate) fn development_state(&self) -> Option<&DevelopmentState> {
        match &self.policy {
            Policy::Solo { .. } => None,
            Policy::Development(development) => Some(development.as_ref()),
        }
    }

    /// Returns what causes the producer to produce a block. In development the thread of the request produces it.
    pub(crate) fn schedule(&self) -> Schedule {
        match &self.policy {
            Policy::Solo { interval } => Schedule { takes_what_comes: true, interval: *interval },
            Policy::Development(development) => {
                Schedule { takes_what_comes: false, interval: development.plan().interval }
            }
        }
    }

    /// Returns the lock to hold while a block is produced, if threads other than the producer produce blocks.
    pub(crate) fn production(&self) -> Option<MutexGuard<'_, ()>> {
        self.development_state().map(DevelopmentState::production)
    }

    /// Returns whether the mempool is kept over a restart. In development a contract may be an impersonated sender,
    /// which the journal does not record.
    pub(crate) fn keeps_waiting(&self) -> bool {
        self.development_state().is_none()
    }

    /// Returns the rules for the mempool. In development a block's base fee may be any value.
    pub(crate) fn pool_rules(&self, mut rules: Rules) -> Rules {
        if self.development_state().is_some() {
            rules.base_fee.minimum = 0;
        }
        rules
    }

    /// Returns the base fee of the block after `parent`, in the smallest unit per gas.
    pub(crate) fn next_base_fee(&self, parent: &Header, rules: &Rules) -> u64 {
        let planned = self.planned(|plan| plan.base_fee);
        planned.unwrap_or_else(|| next_base_fee(parent, &rules.base_fee))
    }

    /// Returns the gas limit of the next block.
    pub(crate) fn next_gas_limit(&self, rules: &Rules) -> u64 {
        self.planned(|plan| plan.gas_limit).unwrap_or(rules.gas_limit)
    }

    /// Returns the receiver of the next block's tips.
    pub(crate) fn beneficiary(&self) -> Address {
        self.planned(|plan| plan.beneficiary).unwrap_or(self.beneficiary)
    }

    /// Returns the earliest time that the block after one at `parent` may have.
    pub(crate) fn earliest_timestamp(&self, parent: u64) -> u64 {
        match self.timestamps {
            Timestamps::MayRepeat => parent,
            Timestamps::Rise => parent.saturating_add(1),
        }
    }

    /// Returns the values of the next block that do not follow from its parent, when the clock says `wall`.
    pub(crate) fn next_input(
        &self,
        parent: &Header,
        wall: u64,
        randomness: Randomness,
    ) -> BlockInput {
        let Randomness { prevrandao, key: extra_data, proof } = randomness;
        let earliest = self.earliest_timestamp(parent.timestamp);
        let beneficiary = self.beneficiary();
        let (timestamp, prevrandao, deviations) = match &self.policy {
            Policy::Solo { .. } => (wall, prevrandao, Deviations::default()),
            Policy::Development(development) => {
                let plan = development.plan();
                let timestamp = plan.next_timestamp(parent.timestamp, wall);
                (timestamp, plan.prevrandao.unwrap_or(prevrandao), plan.deviations())
            }
        };
        let timestamp = timestamp.max(earliest);
        BlockInput { timestamp, prevrandao, beneficiary, extra_data, proof, deviations }
    }

    /// A block was made: what was said of it alone is over.
    pub(crate) fn settle(&self, timestamp: u64, wall: u64) {
        if let Some(development) = self.development_state() {
            development.plan().settle(timestamp, wall);
        }
    }

    fn planned<T>(&self, what: impl FnOnce(&Plan) -> Option<T>) -> Option<T> {
        self.development_state().and_then(|development| what(&development.plan()))
    }
}
