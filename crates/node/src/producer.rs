//! The block producer's thread.

use crate::{mempool::Pool, node::Shared, randomness, sequencing::Schedule};
use alloy_consensus::Sealed;
use alloy_consensus::transaction::Recovered;
use execution::{BlockError, Built, ExecutedBlock, Refusal, Refused, Transaction, execute_block};
use std::{
    sync::{Arc, MutexGuard, atomic::Ordering},
    time::Duration,
};
use store::{Reader, StoreError};
use tokio::time::Instant;

/// Largest number of transactions tried for one block.
pub(crate) const BLOCK_TRANSACTIONS_MAX: usize = 4_096;

/// Why production stops for good.
#[derive(Debug, thiserror::Error)]
enum Halt {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Block(#[from] BlockError<StoreError>),
}

/// Runs until the node is stopped or production has to stop; then the reason is recorded.
pub(crate) fn run(shared: &Arc<Shared>) {
    let _guard = HaltOnPanic(shared);
    let mut last = now();
    while let Some(is_due) = wait_for_work(shared, last) {
        let production = shared.sequencing.production();
        let result = produce_or_halt(shared, is_due);
        drop(production);
        last = now();
        if result.is_err() {
            return;
        }
    }
}

/// Makes a block if one is due, the last one having been made at `last`; returns whether it did.
pub(crate) fn step(shared: &Shared, last: Instant) -> bool {
    let _guard = HaltOnPanic(shared);
    let is_stopping = shared.stopping.load(Ordering::SeqCst) || shared.halted.get().is_some();
    if is_stopping || shared.check_next_known().is_err() {
        return false;
    }
    let Schedule { takes_what_comes, interval } = shared.sequencing.schedule();
    let has_transactions = takes_what_comes && shared.pool().has_best(shared.next_base_fee());
    let due = match interval {
        _ if has_transactions => Due::Transactions,
        Some(interval) if last.elapsed() >= interval => Due::Interval,
        Some(_) | None => return false,
    };
    let before = shared.heads.borrow().number;
    let _production = shared.sequencing.production();
    produce_or_halt(shared, due).is_ok() && before < shared.heads.borrow().number
}

/// Records an internal error when the thread panics, for everyone who waits.
struct HaltOnPanic<'a>(&'a Shared);

impl Drop for HaltOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.halt("block production stopped: internal error".to_owned());
        }
    }
}

/// Whether a block must be made even if it is empty.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Interval,
    Transactions,
}

/// Sleeps until there is work; returns `None` when the node stops.
fn wait_for_work(shared: &Shared, last: Instant) -> Option<Due> {
    let mut pool = shared.pool();
    shared.is_idle.store(true, Ordering::SeqCst);
    let due = loop {
        if shared.stopping.load(Ordering::SeqCst) {
            return None;
        }
        if shared.check_next_known().is_err() {
            // Until the node stops, or until a development ledger was reverted.
            pool = shared.wake.wait(pool).unwrap_or_else(std::sync::PoisonError::into_inner);
            continue;
        }
        let Schedule { takes_what_comes, interval } = shared.sequencing.schedule();
        if takes_what_comes && pool.has_best(shared.next_base_fee()) {
            break Due::Transactions;
        }
        match interval.map(|interval| interval.saturating_sub(last.elapsed())) {
            Some(Duration::ZERO) => break Due::Interval,
            Some(left) => pool = wait(shared, pool, left),
            None => {
                pool = shared.wake.wait(pool).unwrap_or_else(std::sync::PoisonError::into_inner)
            }
        }
    };
    shared.is_idle.store(false, Ordering::SeqCst);
    // Wait for further transactions. The end of the node ends this, too.
    let started = now();
    while due == Due::Transactions && !shared.stopping.load(Ordering::SeqCst) {
        let left = shared.batching.saturating_sub(started.elapsed());
        if left.is_zero() {
            break;
        }
        pool = wait(shared, pool, left);
    }
    Some(due)
}

fn wait<'a>(
    shared: &'a Shared,
    pool: MutexGuard<'a, Pool>,
    timeout: Duration,
) -> MutexGuard<'a, Pool> {
    let result = shared.wake.wait_timeout(pool, timeout);
    result.unwrap_or_else(std::sync::PoisonError::into_inner).0
}

/// Makes and writes one block, and notifies everyone; returns the refused transactions. After a failure no more
/// blocks are made, and everyone is notified of the reason.
pub(crate) fn produce_or_halt(shared: &Shared, due: Due) -> Result<Vec<Refused>, String> {
    produce(shared, due).map_err(|halt| {
        let reason = chain(&halt);
        tracing::error!(reason, "block production has stopped");
        shared.halt(reason.clone());
        reason
    })
}

fn produce(shared: &Shared, due: Due) -> Result<Vec<Refused>, Halt> {
    // Another thread may have produced the last block that this program can produce.
    if shared.check_next_known().is_err() {
        return Ok(Vec::new());
    }
    let reader = shared.reader()?;
    let base_fee = shared.next_base_fee();
    // A transaction usually uses less gas than its limit; what does not fit waits.
    let gas_max = shared.next_gas_limit().saturating_mul(2);
    let transactions = shared.pool().best(base_fee, gas_max, BLOCK_TRANSACTIONS_MAX);
    let built = execute(shared, &reader, &transactions)?;
    let is_empty = built.block.transactions.is_empty();
    drop_refused(&mut shared.pool(), &built.refused, is_empty);
    if is_empty && due == Due::Transactions {
        shared.notify();
        return Ok(built.refused);
    }
    publish(shared, built.block)?;
    Ok(built.refused)
}

fn execute(
    shared: &Shared,
    reader: &Reader,
    transactions: &[Recovered<Transaction>],
) -> Result<Built, Halt> {
    let header = reader.head();
    let height = header.number + 1;
    let randomness =
        randomness::draw(&shared.key, shared.founding.chain_id, height, header.mix_hash);
    let input = shared.sequencing.next_input(header, shared.clock.now(), randomness);
    let parent = reader.as_parent();
    Ok(execute_block(&parent, &shared.founding, &input, transactions)?)
}

/// Removes refused transactions that can never be included. If the block is empty, nothing kept the others out: they
/// are removed, too, or the next attempt would have the same result.
fn drop_refused(pool: &mut Pool, refused: &[Refused], is_empty: bool) {
    for Refused { hash, reason, .. } in refused {
        if reason.is_temporary() && !is_empty {
            continue;
        }
        if !matches!(reason, Refusal::NonceTooLow { .. }) {
            tracing::warn!(%hash, %reason, "a waiting transaction is removed");
        }
        pool.remove(hash);
    }
}

fn publish(shared: &Shared, block: ExecutedBlock) -> Result<(), Halt> {
    shared.store.commit(&block)?;
    shared.renew();
    shared.holders.follow(&block);
    shared.sequencing.settle(block.header.timestamp, shared.clock.now());
    let mut pool = shared.pool();
    pool.settle(&block.changes.accounts);
    shared.tidy_journal(&pool);
    drop(pool);
    let (number, hash, count) = (block.header.number, block.hash, block.transactions.len());
    tracing::debug!(number, %hash, transactions = count, gas = block.header.gas_used, "block");
    shared.heads.send_replace(Sealed::new_unchecked(block.header, hash));
    shared.report_unknown();
    Ok(())
}

/// Returns an error and its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// The monotonic clock; that of a simulation, if this thread simulates one.
pub(crate) fn now() -> Instant {
    Instant::now()
}
