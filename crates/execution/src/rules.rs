//! The rules of a ledger: the values that its genesis file fixes, and which revision holds at which height.

use crate::{
    fees::BaseFeeRule,
    revision::{Revision, Schedule, UnknownRevision},
};
use native_kit::Table;

/// The properties of the chain that execution needs besides the state. Fixed by the genesis file, except for
/// [`Self::modules`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Gas limit of every block.
    pub gas_limit: u64,
    /// The rule of the base fee.
    pub base_fee: BaseFeeRule,
    /// Which revision holds at which height.
    pub schedule: Schedule,
    /// The native modules and revisions that this program knows: [`MODULES`](crate::MODULES), except in tests.
    pub modules: Table,
}

impl Rules {
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
