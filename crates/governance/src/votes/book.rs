//! The state of a house that the rules read and write.

use alloy_primitives::U256;
use units::{AccountId, UnixSeconds};

use super::Refused;

/// An amount of votes, and when it was written. An amount of work is in the units of the era of that time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// When it was written, in block time.
    pub at: UnixSeconds,
    /// The amount, below 2^208.
    pub amount: U256,
}

/// Whose votes a history is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trace {
    /// What an account holds and has not delegated to another.
    Own(AccountId),
    /// What others have delegated to an account.
    Received(AccountId),
    /// What all accounts hold.
    Total,
}

/// To whom an account has delegated, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// The delegate: the account itself, or another; the zero account before the first credit or delegation.
    pub delegate: AccountId,
    /// When it was chosen or confirmed.
    pub since: UnixSeconds,
}

impl Default for Delegation {
    fn default() -> Self {
        Self { delegate: AccountId::ZERO, since: UnixSeconds::default() }
    }
}

/// When an account last voted, and until when that holds what voted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// When it voted last; 0 for never.
    pub voted_at: UnixSeconds,
    /// The first second in which what voted may be withdrawn.
    pub locked_until: UnixSeconds,
}

/// Delegates whose votes lie within a quarter of an octave: see [`coefficient`](super::coefficient).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// How many.
    pub count: u64,
    /// The sum of their mantissas: the 64 highest bits of each.
    pub mantissas: u128,
}

/// The state of a house. Reading and writing may fail (gas, disk): the implementor then undoes what was written.
pub trait Book {
    /// The error that ends a rule early.
    type Failure: From<Refused>;

    /// Returns what an account holds, wherever its votes are.
    ///
    /// # Errors
    /// Those of the book; so everywhere below.
    fn holding(&mut self, account: AccountId) -> Result<Checkpoint, Self::Failure>;
    /// Replaces what an account holds.
    ///
    /// # Errors
    /// Those of the book.
    fn set_holding(&mut self, account: AccountId, holding: Checkpoint)
    -> Result<(), Self::Failure>;
    /// Returns the delegation of an account.
    ///
    /// # Errors
    /// Those of the book.
    fn delegation(&mut self, account: AccountId) -> Result<Delegation, Self::Failure>;
    /// Replaces the delegation of an account.
    ///
    /// # Errors
    /// Those of the book.
    fn set_delegation(
        &mut self,
        account: AccountId,
        delegation: Delegation,
    ) -> Result<(), Self::Failure>;
    /// Returns when an account voted, and its lock.
    ///
    /// # Errors
    /// Those of the book.
    fn activity(&mut self, account: AccountId) -> Result<Activity, Self::Failure>;
    /// Replaces when an account voted, and its lock.
    ///
    /// # Errors
    /// Those of the book.
    fn set_activity(&mut self, account: AccountId, activity: Activity)
    -> Result<(), Self::Failure>;
    /// Returns the number of checkpoints of a history.
    ///
    /// # Errors
    /// Those of the book.
    fn length(&mut self, trace: Trace) -> Result<u64, Self::Failure>;
    /// Returns a checkpoint; `index` is below the length.
    ///
    /// # Errors
    /// Those of the book.
    fn checkpoint(&mut self, trace: Trace, index: u64) -> Result<Checkpoint, Self::Failure>;
    /// Replaces a checkpoint, or appends one where `index` is the length.
    ///
    /// # Errors
    /// Those of the book.
    fn set_checkpoint(
        &mut self,
        trace: Trace,
        index: u64,
        checkpoint: Checkpoint,
    ) -> Result<(), Self::Failure>;
    /// Returns a bucket of the histogram.
    ///
    /// # Errors
    /// Those of the book.
    fn bucket(&mut self, index: u32) -> Result<Bucket, Self::Failure>;
    /// Replaces a bucket of the histogram.
    ///
    /// # Errors
    /// Those of the book.
    fn set_bucket(&mut self, index: u32, bucket: Bucket) -> Result<(), Self::Failure>;
    /// Returns 256 bits, one for each bucket from `256 · word` on: whether it has a delegate.
    ///
    /// # Errors
    /// Those of the book.
    fn bitmap(&mut self, word: u32) -> Result<U256, Self::Failure>;
    /// Replaces 256 of those bits.
    ///
    /// # Errors
    /// Those of the book.
    fn set_bitmap(&mut self, word: u32, bits: U256) -> Result<(), Self::Failure>;
}
