//! Operations of a development ledger: blocks on demand, at a given time, and snapshots to go back to.

mod plan;
mod rewinds;
mod snapshots;

use crate::{
    error::{DevelopmentError, SubmitError},
    node::{Node, Shared},
    producer::{self, Due},
};
use alloy_consensus::{Transaction as _, transaction::Recovered};
use alloy_primitives::{Address, B256, Signature, U256};
use execution::{Amendment, Refusal, Transaction};
use rewinds::Rewinds;
use snapshots::{SNAPSHOTS_MAX, Snapshot, Snapshots};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use store::{Reader, StoreError};

pub(crate) use plan::Plan;

/// Largest number of blocks made by one request.
pub const MINED_MAX: u64 = 100_000;

/// The state of a development ledger. Locks are taken in this order, that of the plan after the mempool's.
#[derive(Default)]
pub(crate) struct DevelopmentState {
    /// Held while a block is made, or the ledger is changed in another way.
    production: Mutex<()>,
    snapshots: Mutex<Snapshots>,
    /// Held while the ledger is reverted.
    rewinds: Mutex<Rewinds>,
    plan: Mutex<Plan>,
    /// The stored offset of the ledger's time.
    kept_offset: AtomicI64,
}

impl DevelopmentState {
    /// Returns the state after a restart at which the clock says `wall`: the time continues from the stored offset,
    /// or from `head` when that is later.
    pub(crate) fn at(kept_offset: i64, wall: u64, head: u64) -> Self {
        let mut plan = Plan { offset: kept_offset, ..Plan::default() };
        if wall.saturating_add_signed(kept_offset) < head {
            plan.set_time(head, wall);
            plan.jump = 0;
        }
        let kept_offset = AtomicI64::new(kept_offset);
        Self { plan: Mutex::new(plan), kept_offset, ..Self::default() }
    }

    pub(crate) fn production(&self) -> MutexGuard<'_, ()> {
        self.production.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the plan of the next block. Every change of it is complete.
    pub(crate) fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the offset of the time if it is not stored yet.
    pub(crate) fn unkept_offset(&self) -> Option<i64> {
        let offset = self.plan().offset;
        (self.kept_offset.load(Ordering::SeqCst) != offset).then_some(offset)
    }

    /// Marks the offset as stored.
    pub(crate) fn set_kept_offset(&self, offset: i64) {
        self.kept_offset.store(offset, Ordering::SeqCst);
    }

    fn rewinds(&self) -> MutexGuard<'_, Rewinds> {
        self.rewinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn snapshots(&self) -> MutexGuard<'_, Snapshots> {
        self.snapshots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A ledger that may have been reverted since an earlier read.
pub struct View {
    /// The current ledger.
    pub reader: Arc<Reader>,
    /// How often it was reverted.
    pub rewinds: u64,
    /// The lowest height that it was reverted to since the earlier read.
    pub fork: Option<u64>,
}

/// The operations of a development ledger. Its time is the clock's plus an offset.
#[derive(Clone, Copy)]
pub struct Development<'a> {
    node: &'a Node,
    shared: &'a Shared,
    state: &'a DevelopmentState,
}

impl<'a> Development<'a> {
    /// Returns `None` for a production ledger.
    pub(crate) fn of(node: &'a Node, shared: &'a Shared) -> Option<Self> {
        Some(Self { node, shared, state: shared.sequencing.development_state()? })
    }

    /// Submits a transaction; with automine it is in a block when this returns, unless earlier ones of its sender are
    /// missing.
    ///
    /// # Errors
    /// [`SubmitError`]
    pub(crate) fn take(&self, transaction: Recovered<Transaction>) -> Result<B256, SubmitError> {
        let _production = self.state.production();
        let is_automine = self.state.plan().is_automine;
        let (max_fee, base_fee) = (transaction.max_fee_per_gas(), self.shared.next_base_fee());
        if is_automine && max_fee < u128::from(base_fee) {
            // It would wait for a block that is never made.
            return Err(SubmitError::Refused(
                Refusal::FeeBelowBaseFee { max_fee, base_fee }.into(),
            ));
        }
        let hash = self.shared.admit(transaction)?;
        while is_automine && self.shared.has_ready() {
            let produced = producer::produce_or_halt(self.shared, Due::Transactions);
            let refused = produced.map_err(|reason| SubmitError::Halted { reason })?;
            if let Some(refused) = refused.into_iter().find(|refused| refused.hash == hash) {
                return Err(SubmitError::Refused(refused.reason.into()));
            }
        }
        self.keep_time()?;
        Ok(hash)
    }

    /// Submits a transaction that `sender` did not sign, with a signature derived from the sender's address.
    ///
    /// # Errors
    /// [`SubmitError`]
    pub fn impersonate(
        &self,
        sender: Address,
        seal: impl FnOnce(Signature) -> Transaction,
    ) -> Result<B256, SubmitError> {
        // Equal transactions of two senders get different hashes.
        let signature =
            Signature::new(U256::from_be_slice(sender.as_slice()), U256::from(1), false);
        self.node.check_running()?;
        self.take(Recovered::new_unchecked(seal(signature), sender))
    }

    /// Makes blocks with the waiting transactions, each `step` seconds after the one before.
    ///
    /// # Errors
    /// [`DevelopmentError`]; the blocks made before it exist.
    pub fn mine(&self, count: u64, step: Option<u64>) -> Result<(), DevelopmentError> {
        if count > MINED_MAX {
            return Err(DevelopmentError::Blocks { count });
        }
        let _production = self.state.production();
        for index in 0..count {
            self.check_running()?;
            if let Some(step) = step.filter(|_| index > 0) {
                let timestamp = self.node.head().timestamp.saturating_add(step);
                self.state.plan().timestamp = Some(timestamp);
            }
            let produced = producer::produce_or_halt(self.shared, Due::Interval);
            produced.map_err(|reason| DevelopmentError::Halted { reason })?;
        }
        Ok(self.keep_time()?)
    }

    /// Remembers the ledger, what waits, and the time; good for one [`Self::revert`].
    ///
    /// # Errors
    /// [`DevelopmentError`]
    pub fn snapshot(&self) -> Result<u64, DevelopmentError> {
        let _production = self.state.production();
        let mut snapshots = self.state.snapshots();
        if snapshots.count() >= SNAPSHOTS_MAX {
            return Err(DevelopmentError::Snapshots);
        }
        let mark = self.shared.store.mark()?;
        let waiting = self.shared.pool().in_order().cloned().collect();
        let (plan, wall) = (self.state.plan().clone(), self.shared.clock.now());
        Ok(snapshots.add(Snapshot { mark, waiting, plan, wall }))
    }

    /// Goes back to a snapshot; it and later ones become invalid. Returns false when it does not exist.
    ///
    /// # Errors
    /// [`DevelopmentError`]; nothing has changed then.
    pub fn revert(&self, snapshot: u64) -> Result<bool, DevelopmentError> {
        let _production = self.state.production();
        let mut snapshots = self.state.snapshots();
        let Some(Snapshot { mark, waiting, plan, wall }) = snapshots.get(snapshot) else {
            return Ok(false);
        };
        let rewinds = self.state.rewinds();
        self.shared.store.rewind(mark)?;
        snapshots.forget_from(snapshot);
        drop(snapshots);
        self.state.plan().revert(&plan, wall, self.shared.clock.now());
        self.reload(waiting, rewinds)?;
        self.keep_time()?;
        Ok(true)
    }

    /// Goes back to the genesis block and the settings at the start. All snapshots become invalid.
    ///
    /// # Errors
    /// [`DevelopmentError`]; nothing has changed then.
    pub fn reset(&self) -> Result<(), DevelopmentError> {
        let _production = self.state.production();
        let rewinds = self.state.rewinds();
        self.shared.store.rewind_to_beginning()?;
        *self.state.snapshots() = Snapshots::default();
        *self.state.plan() = Plan::default();
        self.shared.pool().set_gas_limit(self.shared.founding.gas_limit);
        self.reload(Vec::new(), rewinds)?;
        Ok(self.keep_time()?)
    }

    /// Returns the ledger as it is, and how far it went back after its first `seen` rewinds.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn view(&self, seen: u64) -> Result<View, StoreError> {
        let rewinds = self.state.rewinds();
        let reader = self.shared.reader()?;
        Ok(View { reader, rewinds: rewinds.count(), fork: rewinds.lowest_after(seen) })
    }

    /// Changes an account without a block.
    ///
    /// # Errors
    /// [`DevelopmentError`]; nothing has changed then.
    pub fn amend(&self, address: Address, amendment: Amendment) -> Result<(), DevelopmentError> {
        let _production = self.state.production();
        let changes = execution::amend(&*self.shared.reader()?, address, amendment)?;
        if changes.is_empty() {
            return Ok(());
        }
        self.shared.store.amend(&changes)?;
        self.shared.renew();
        self.shared.holders.forget();
        self.shared.pool().settle(&changes.accounts);
        Ok(())
    }

    /// Removes a waiting transaction; returns false when it does not wait.
    #[must_use]
    pub fn drop_transaction(&self, hash: &B256) -> bool {
        let _production = self.state.production();
        let mut pool = self.shared.pool();
        let is_waiting = pool.transaction(hash).is_some();
        pool.remove(hash);
        is_waiting
    }

    /// Removes all waiting transactions.
    pub fn drop_all_transactions(&self) {
        let _production = self.state.production();
        self.shared.pool().clear();
    }

    /// Sets the time to `timestamp` (Unix seconds), from which it continues; returns by how many seconds that changed it.
    ///
    /// # Errors
    /// [`DevelopmentError::Time`] when it is before the last block's.
    pub fn set_time(&self, timestamp: u64) -> Result<i64, DevelopmentError> {
        self.check_time(timestamp, self.node.head().timestamp)?;
        let moved = self.state.plan().set_time(timestamp, self.shared.clock.now());
        self.keep_time()?;
        Ok(moved)
    }

    /// Moves the time forward; returns by how many seconds it is now ahead of the clock.
    ///
    /// # Errors
    /// [`DevelopmentError::Store`] when writing it fails.
    pub fn increase_time(&self, seconds: u64) -> Result<i64, DevelopmentError> {
        self.state.plan().increase_time(seconds);
        self.keep_time()?;
        Ok(self.time_offset())
    }

    /// Returns by how many seconds the ledger's time is ahead of the clock.
    #[must_use]
    pub fn time_offset(&self) -> i64 {
        self.state.plan().offset
    }

    /// Sets the time of the next block, from which the time then continues.
    ///
    /// # Errors
    /// [`DevelopmentError::Time`] when it is before the last block's.
    pub fn set_next_timestamp(&self, timestamp: u64) -> Result<(), DevelopmentError> {
        let earliest = self.shared.sequencing.earliest_timestamp(self.node.head().timestamp);
        self.check_time(timestamp, earliest)?;
        self.state.plan().timestamp = Some(timestamp);
        Ok(())
    }

    /// Sets the seconds from each block to the next, independent of the clock; `None` uses the clock again. Returns
    /// the previous value.
    #[expect(clippy::must_use_candidate, reason = "the previous value is only informative")]
    pub fn set_timestamp_step(&self, seconds: Option<u64>) -> Option<u64> {
        self.state.plan().set_timestamp_step(seconds)
    }

    /// Sets the base fee of the next block.
    pub fn set_next_base_fee(&self, base_fee: u64) {
        self.state.plan().base_fee = Some(base_fee);
    }

    /// Sets the randomness of the next block.
    pub fn set_next_prevrandao(&self, prevrandao: B256) {
        self.state.plan().prevrandao = Some(prevrandao);
    }

    /// Sets the account that receives tips from now on.
    pub fn set_beneficiary(&self, beneficiary: Address) {
        self.state.plan().beneficiary = Some(beneficiary);
    }

    /// Returns the account that receives tips.
    #[must_use]
    pub fn beneficiary(&self) -> Address {
        self.shared.sequencing.beneficiary()
    }

    /// Sets the gas limit of blocks from now on.
    pub fn set_gas_limit(&self, gas_limit: u64) {
        self.state.plan().gas_limit = Some(gas_limit);
        self.shared.pool().set_gas_limit(gas_limit);
    }

    /// Sets whether each transaction is included in a block at once.
    pub fn set_automine(&self, is_on: bool) {
        self.state.plan().is_automine = is_on;
    }

    /// Returns whether each transaction is included in a block at once.
    #[must_use]
    pub fn is_automine(&self) -> bool {
        self.state.plan().is_automine
    }

    /// Makes blocks at this interval from now on, or at none.
    pub fn set_interval(&self, interval: Option<Duration>) {
        self.state.plan().interval = interval;
        drop(self.shared.pool());
        self.shared.wake.notify_all();
    }

    /// Sets whether anyone may send in the name of an account.
    pub fn set_impersonated(&self, address: Address, is_impersonated: bool) {
        let mut plan = self.state.plan();
        match is_impersonated {
            true => plan.impersonated.insert(address),
            false => plan.impersonated.remove(&address),
        };
    }

    /// Sets whether anyone may send in the name of every account.
    pub fn set_all_impersonated(&self, is_on: bool) {
        self.state.plan().impersonates_all = is_on;
    }

    /// Returns whether anyone may send in the name of an account.
    #[must_use]
    pub fn is_impersonated(&self, address: &Address) -> bool {
        let plan = self.state.plan();
        plan.impersonates_all || plan.impersonated.contains(address)
    }

    /// Returns the accounts impersonated one by one, in order.
    #[must_use]
    pub fn impersonated(&self) -> Vec<Address> {
        self.state.plan().impersonated.iter().copied().collect()
    }

    fn check_running(&self) -> Result<(), DevelopmentError> {
        self.node.check_running().map_err(|error| match error {
            SubmitError::Halted { reason } => DevelopmentError::Halted { reason },
            _ => DevelopmentError::Stopping,
        })
    }

    fn check_time(&self, timestamp: u64, earliest: u64) -> Result<(), DevelopmentError> {
        if timestamp < earliest {
            let head = self.node.head().timestamp;
            return Err(DevelopmentError::Time { timestamp, head });
        }
        Ok(())
    }

    /// Stores the offset of the time, for the next start.
    fn keep_time(&self) -> Result<(), StoreError> {
        self.shared.keep_time(self.state)
    }

    /// Continues from a changed head of the store: notifies subscribers, and keeps only the transactions `waiting`. No reader sees the new head
    /// without the revert.
    fn reload(
        &self,
        waiting: Vec<Recovered<Transaction>>,
        mut rewinds: MutexGuard<'_, Rewinds>,
    ) -> Result<(), DevelopmentError> {
        self.shared.renew();
        self.shared.holders.forget();
        let reader = self.shared.reader()?;
        rewinds.add(reader.head().number);
        drop(rewinds);
        self.shared.pool().clear();
        self.shared.heads.send_replace(reader.head().clone());
        for transaction in waiting {
            // The transaction was admitted before.
            let _ = self.shared.admit(transaction);
        }
        // The producer may have stopped at rules that this program does not know.
        drop(self.shared.pool());
        self.shared.wake.notify_all();
        Ok(())
    }
}
