//! A ledger to test against: blocks when they are asked for, at the time they are asked for, and ways back.

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

/// Most blocks that are made at one request.
pub const MINED_MAX: u64 = 100_000;

/// What a node has when its ledger is for development. Locks are taken in this order, that of the plan after the mempool's.
#[derive(Default)]
pub(crate) struct Workbench {
    /// Held while a block is made, or the ledger changed otherwise.
    production: Mutex<()>,
    snapshots: Mutex<Snapshots>,
    /// Held while the ledger goes back.
    rewinds: Mutex<Rewinds>,
    plan: Mutex<Plan>,
    /// The offset of the time that the store keeps.
    kept_offset: AtomicI64,
}

impl Workbench {
    /// As after a restart at which the clock says `wall`: the time goes on from where it was, or from `head`, when that is later.
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

    /// What the next block will be. Each change of it is whole.
    pub(crate) fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The offset of the time, if the store does not keep it yet.
    pub(crate) fn unkept_offset(&self) -> Option<i64> {
        let offset = self.plan().offset;
        (self.kept_offset.load(Ordering::SeqCst) != offset).then_some(offset)
    }

    /// The store keeps this offset now.
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

/// A look at a ledger that may have gone back since an earlier look.
pub struct View {
    /// The ledger as it is.
    pub reader: Arc<Reader>,
    /// How often it has gone back.
    pub rewinds: u64,
    /// The lowest height that it went back to since the earlier look.
    pub fork: Option<u64>,
}

/// What a node whose ledger is for development does besides. Its time is the clock's, moved by whoever tests.
#[derive(Clone, Copy)]
pub struct Development<'a> {
    node: &'a Node,
    shared: &'a Shared,
    bench: &'a Workbench,
}

impl<'a> Development<'a> {
    /// `None` when the ledger is one that is meant.
    pub(crate) fn of(node: &'a Node, shared: &'a Shared) -> Option<Self> {
        Some(Self { node, shared, bench: shared.sequencing.workbench()? })
    }

    /// Takes a transaction; with automine it is in a block when this returns, unless earlier ones of its sender are missing.
    ///
    /// # Errors
    /// [`SubmitError`]
    pub(crate) fn take(&self, transaction: Recovered<Transaction>) -> Result<B256, SubmitError> {
        let _production = self.bench.production();
        let is_automine = self.bench.plan().is_automine;
        let (max_fee, base_fee) = (transaction.max_fee_per_gas(), self.shared.next_base_fee());
        if is_automine && max_fee < u128::from(base_fee) {
            // It would wait for a block that nobody makes.
            return Err(SubmitError::Refused(
                Refusal::FeeBelowBaseFee { max_fee, base_fee }.into(),
            ));
        }
        let hash = self.node.admit(transaction)?;
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

    /// Takes a transaction that `sender` did not sign. Its signature stands for the sender and says so to whoever knows.
    ///
    /// # Errors
    /// [`SubmitError`]
    pub fn impersonate(
        &self,
        sender: Address,
        seal: impl FnOnce(Signature) -> Transaction,
    ) -> Result<B256, SubmitError> {
        // Two senders' like transactions have unlike hashes.
        let signature =
            Signature::new(U256::from_be_slice(sender.as_slice()), U256::from(1), false);
        self.node.check_running()?;
        self.take(Recovered::new_unchecked(seal(signature), sender))
    }

    /// Makes blocks, with what waits, each `step` seconds after the one before.
    ///
    /// # Errors
    /// [`DevelopmentError`]; the blocks before it are there.
    pub fn mine(&self, count: u64, step: Option<u64>) -> Result<(), DevelopmentError> {
        if count > MINED_MAX {
            return Err(DevelopmentError::Blocks { count });
        }
        let _production = self.bench.production();
        for index in 0..count {
            self.check_running()?;
            if let Some(step) = step.filter(|_| index > 0) {
                let timestamp = self.node.head().timestamp.saturating_add(step);
                self.bench.plan().timestamp = Some(timestamp);
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
        let _production = self.bench.production();
        let mut snapshots = self.bench.snapshots();
        if snapshots.count() >= SNAPSHOTS_MAX {
            return Err(DevelopmentError::Snapshots);
        }
        let mark = self.shared.store.mark()?;
        let waiting = self.shared.pool().in_order().cloned().collect();
        let (plan, wall) = (self.bench.plan().clone(), self.shared.clock.now());
        Ok(snapshots.add(Snapshot { mark, waiting, plan, wall }))
    }

    /// Goes back to a snapshot, which is used up, with those made since. False when there is none.
    ///
    /// # Errors
    /// [`DevelopmentError`]; nothing has changed then.
    pub fn revert(&self, snapshot: u64) -> Result<bool, DevelopmentError> {
        let _production = self.bench.production();
        let mut snapshots = self.bench.snapshots();
        let Some(Snapshot { mark, waiting, plan, wall }) = snapshots.get(snapshot) else {
            return Ok(false);
        };
        let rewinds = self.bench.rewinds();
        self.shared.store.rewind(mark)?;
        snapshots.forget_from(snapshot);
        drop(snapshots);
        self.bench.plan().revert(&plan, wall, self.shared.clock.now());
        self.begin_again(waiting, rewinds)?;
        self.keep_time()?;
        Ok(true)
    }

    /// Goes back to the genesis block and the settings of the start. No snapshot is left.
    ///
    /// # Errors
    /// [`DevelopmentError`]; nothing has changed then.
    pub fn reset(&self) -> Result<(), DevelopmentError> {
        let _production = self.bench.production();
        let rewinds = self.bench.rewinds();
        self.shared.store.rewind_to_beginning()?;
        *self.bench.snapshots() = Snapshots::default();
        *self.bench.plan() = Plan::default();
        self.shared.pool().set_gas_limit(self.shared.rules.gas_limit);
        self.begin_again(Vec::new(), rewinds)?;
        Ok(self.keep_time()?)
    }

    /// Returns the ledger as it is, and how far it went back after its first `seen` rewinds.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn view(&self, seen: u64) -> Result<View, StoreError> {
        let rewinds = self.bench.rewinds();
        let reader = self.shared.reader()?;
        Ok(View { reader, rewinds: rewinds.count(), fork: rewinds.lowest_after(seen) })
    }

    /// Changes an account without a block.
    ///
    /// # Errors
    /// [`DevelopmentError`]; nothing has changed then.
    pub fn amend(&self, address: Address, amendment: Amendment) -> Result<(), DevelopmentError> {
        let _production = self.bench.production();
        let changes = execution::amend(&*self.shared.reader()?, address, amendment)?;
        if changes.is_empty() {
            return Ok(());
        }
        self.shared.store.amend(&changes)?;
        self.shared.renew();
        self.shared.pool().settle(&changes.accounts);
        Ok(())
    }

    /// Forgets a waiting transaction; false when it does not wait.
    #[must_use]
    pub fn drop_transaction(&self, hash: &B256) -> bool {
        let _production = self.bench.production();
        let mut pool = self.shared.pool();
        let is_waiting = pool.transaction(hash).is_some();
        pool.remove(hash);
        is_waiting
    }

    /// Forgets all waiting transactions.
    pub fn drop_all_transactions(&self) {
        let _production = self.bench.production();
        self.shared.pool().clear();
    }

    /// Sets the time to `timestamp` (Unix seconds), from which it goes on; by how many seconds that moved it.
    ///
    /// # Errors
    /// [`DevelopmentError::Time`] when it is before the last block's.
    pub fn set_time(&self, timestamp: u64) -> Result<i64, DevelopmentError> {
        self.check_time(timestamp, self.node.head().timestamp)?;
        let moved = self.bench.plan().set_time(timestamp, self.shared.clock.now());
        self.keep_time()?;
        Ok(moved)
    }

    /// Moves the time forward; by how many seconds it is ahead of the clock now.
    ///
    /// # Errors
    /// [`DevelopmentError::Store`] when it can't be written down.
    pub fn increase_time(&self, seconds: u64) -> Result<i64, DevelopmentError> {
        self.bench.plan().increase_time(seconds);
        self.keep_time()?;
        Ok(self.time_offset())
    }

    /// By how many seconds the ledger's time is ahead of the clock's.
    #[must_use]
    pub fn time_offset(&self) -> i64 {
        self.bench.plan().offset
    }

    /// The time of the next block, from which time goes on then.
    ///
    /// # Errors
    /// [`DevelopmentError::Time`] when it is before the last block's.
    pub fn set_next_timestamp(&self, timestamp: u64) -> Result<(), DevelopmentError> {
        let earliest = self.shared.sequencing.earliest_timestamp(self.node.head().timestamp);
        self.check_time(timestamp, earliest)?;
        self.bench.plan().timestamp = Some(timestamp);
        Ok(())
    }

    /// Seconds from each block to the next, whatever the clock says; `None` leaves it to the clock again. What it was.
    #[expect(clippy::must_use_candidate, reason = "what it was is only told")]
    pub fn set_timestamp_step(&self, seconds: Option<u64>) -> Option<u64> {
        self.bench.plan().set_timestamp_step(seconds)
    }

    /// The base fee of the next block.
    pub fn set_next_base_fee(&self, base_fee: u64) {
        self.bench.plan().base_fee = Some(base_fee);
    }

    /// The randomness of the next block.
    pub fn set_next_prevrandao(&self, prevrandao: B256) {
        self.bench.plan().prevrandao = Some(prevrandao);
    }

    /// Who receives the tips from now on.
    pub fn set_beneficiary(&self, beneficiary: Address) {
        self.bench.plan().beneficiary = Some(beneficiary);
    }

    /// Who receives the tips.
    #[must_use]
    pub fn beneficiary(&self) -> Address {
        self.shared.sequencing.beneficiary()
    }

    /// The gas limit of blocks from now on.
    pub fn set_gas_limit(&self, gas_limit: u64) {
        self.bench.plan().gas_limit = Some(gas_limit);
        self.shared.pool().set_gas_limit(gas_limit);
    }

    /// Whether each transaction is put into a block when it comes.
    pub fn set_automine(&self, is_on: bool) {
        self.bench.plan().is_automine = is_on;
    }

    /// Whether each transaction is put into a block when it comes.
    #[must_use]
    pub fn is_automine(&self) -> bool {
        self.bench.plan().is_automine
    }

    /// Makes a block at this interval from now on, or at none.
    pub fn set_interval(&self, interval: Option<Duration>) {
        self.bench.plan().interval = interval;
        drop(self.shared.pool());
        self.shared.wake.notify_all();
    }

    /// Whether anybody may send in the name of an account.
    pub fn set_impersonated(&self, address: Address, is_impersonated: bool) {
        let mut plan = self.bench.plan();
        match is_impersonated {
            true => plan.impersonated.insert(address),
            false => plan.impersonated.remove(&address),
        };
    }

    /// Whether anybody may send in the name of every account.
    pub fn set_all_impersonated(&self, is_on: bool) {
        self.bench.plan().impersonates_all = is_on;
    }

    /// Whether anybody may send in the name of an account.
    #[must_use]
    pub fn is_impersonated(&self, address: &Address) -> bool {
        let plan = self.bench.plan();
        plan.impersonates_all || plan.impersonated.contains(address)
    }

    /// Those named one by one, in order.
    #[must_use]
    pub fn impersonated(&self) -> Vec<Address> {
        self.bench.plan().impersonated.iter().copied().collect()
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

    /// Writes down how far the time is from the clock's, for the next start.
    fn keep_time(&self) -> Result<(), StoreError> {
        self.shared.keep_time(self.bench)
    }

    /// The store has another head: everyone learns it, and only `waiting` waits. Nobody sees the new head without the rewind.
    fn begin_again(
        &self,
        waiting: Vec<Recovered<Transaction>>,
        mut rewinds: MutexGuard<'_, Rewinds>,
    ) -> Result<(), DevelopmentError> {
        self.shared.renew();
        let reader = self.shared.reader()?;
        rewinds.add(reader.head().number);
        drop(rewinds);
        self.shared.pool().clear();
        self.shared.heads.send_replace(reader.head().clone());
        for transaction in waiting {
            // It waited there before.
            let _ = self.node.admit(transaction);
        }
        // The producer may have stood before rules that this program does not know.
        drop(self.shared.pool());
        self.shared.wake.notify_all();
        Ok(())
    }
}
