//! The rules of a ledger: the values that its genesis file fixes, and which revision holds at which height, by the genesis file and by votes.

use crate::{
    fees::BaseFeeRule,
    revision::{Revision, Schedule, UnknownRevision},
};
use alloy_primitives::U256;
use native_kit::Table;
use native_modules::revisions;
use revm::DatabaseRef;

/// The properties of the chain that execution needs besides the state. Fixed by the genesis file, except for
/// [`Self::schedule`] and [`Self::modules`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Gas limit of every block.
    pub gas_limit: u64,
    /// The rule of the base fee.
    pub base_fee: BaseFeeRule,
    /// Which revision holds at which height, by the genesis file alone.
    pub founding: Schedule,
    /// Which revision holds at which height: [`Self::founding`], and what votes have added as far as it was read with [`Self::at`].
    pub schedule: Schedule,
    /// The native modules and revisions that this program knows: [`MODULES`](crate::MODULES), except in tests.
    pub modules: Table,
}

impl Rules {
    /// Returns these rules with the schedule as the votes in `state` have extended it. It is right for all blocks up to the state, and for those that follow it
    /// until a vote changes what is still to come.
    ///
    /// A ledger whose genesis file schedules no revision with the module [`revisions`] reads nothing.
    ///
    /// # Errors
    /// When the state can't be read.
    pub fn at<DB: DatabaseRef>(&self, state: &DB) -> Result<Self, DB::Error> {
        self.by(|slot| state.storage_ref(revisions::ADDRESS, slot))
    }

    /// Returns these rules as the votes in the module's storage have extended them.
    pub(crate) fn by<E>(&self, read: impl FnMut(U256) -> Result<U256, E>) -> Result<Self, E> {
        let (last, _) = self.founding.end();
        let voted = if last < revisions::SINCE { Vec::new() } else { revisions::scheduled(read)? };
        Ok(Self { schedule: self.founding.clone().followed_by(voted), ..self.clone() })
    }

    /// Returns the revision of the block at `height`.
    #[must_use]
    pub fn revision_at(&self, height: u64) -> Revision {
        self.schedule.revision_at(height)
    }

    /// Returns the first activation that this program can't follow: the block before it is its last one.
    #[must_use]
    pub fn first_unknown(&self) -> Option<UnknownRevision> {
        let known = Revision::new(self.modules.newest());
        let beyond = self.schedule.first_beyond(known)?;
        Some(UnknownRevision { known, revision: beyond.revision, height: beyond.height })
    }

    /// Checks that this program knows the revision of the block at `height`.
    ///
    /// # Errors
    /// [`UnknownRevision`] when it does not.
    pub fn check_known(&self, height: u64) -> Result<(), UnknownRevision> {
        match self.first_unknown() {
            Some(unknown) if unknown.height <= height => Err(unknown),
            _ => Ok(()),
        }
    }
}
