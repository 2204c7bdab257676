//! The thread that sends what waits.

use super::{
    StatementError,
    queue::{Accepted, Arrival, Queue},
    statement::Way,
};
use crate::{error::OpenError, node::Shared, producer, state_view::StateView};
use abi::{STATEMENTS_MAX, TRAINING_RUNS, TrainingRuns};
use alloy_consensus::{SignableTransaction as _, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_signer::SignerSync as _;
use alloy_sol_types::{SolCall as _, SolEvent as _};
use execution::{Call, CallError, CallOutcome, Overrides, Transaction};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};
use store::{Reader, StoreError};

/// Most transactions of single statements that are sent for one block.
const ALONE_MAX: usize = 32;
/// Part of a block's gas limit that statements may take: one of so many.
const BLOCK_PARTS: u64 = 3;
/// How often the courier looks whether its transactions are in a block.
const PAUSE: Duration = Duration::from_millis(5);
/// How many times the base fee a transaction may cost: it may rise for 17 full blocks until then.
const FEE_FACTOR: u128 = 8;
/// Gas that a transaction may take above what it took when it was tried: the state may have changed.
const GAS_RESERVE: u64 = 100_000;

/// The courier's thread, stopped with the last clone of the node; or none, when the node's caller does its work.
pub(crate) struct Courier {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Without a thread: the transactions on the way.
    sent: Mutex<Vec<Sent>>,
}

impl Courier {
    pub(crate) fn start(shared: &Arc<Shared>) -> Result<Self, OpenError> {
        let own = Arc::clone(shared);
        let thread = std::thread::Builder::new()
            .name("courier".to_owned())
            .spawn(move || run(&own))
            .map_err(OpenError::Thread)?;
        Ok(Self::with(shared, Some(thread)))
    }

    /// A courier with a thread, or one that does something only when it is told to.
    pub(crate) fn with(shared: &Arc<Shared>, thread: Option<JoinHandle<()>>) -> Self {
        Self { shared: Arc::clone(shared), thread: Mutex::new(thread), sent: Mutex::default() }
    }

    /// Does what is due now.
    pub(crate) fn step(&self) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.shared.relay.queue().is_stopping() {
            deliver(&self.shared, &mut sent);
        }
    }

    pub(crate) fn stop(&self) {
        self.shared.relay.queue().stop(&StatementError::Stopping);
        self.shared.relay.wake.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("relaying of statements stopped: internal error");
        }
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A transaction that was sent, and its statements in their order.
struct Sent {
    hash: B256,
    way: Way,
    statements: Vec<Accepted>,
}

/// Statements for one transaction.
struct Parcel {
    way: Way,
    statements: Vec<(Arrival, Accepted)>,
    to: Address,
    data: Bytes,
    gas_limit: u64,
}

/// Tells those who wait when the thread panics.
struct StopOnPanic<'a>(&'a Shared);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let reason = "relaying of statements stopped: internal error".to_owned();
            self.0.relay.queue().stop(&StatementError::NotSent(reason));
        }
    }
}

fn run(shared: &Shared) {
    let _guard = StopOnPanic(shared);
    let mut sent: Vec<Sent> = Vec::new();
    while wait_for_work(shared, !sent.is_empty()) {
        if !deliver(shared, &mut sent) {
            return;
        }
    }
}

/// Settles what is in a block, and sends what waits once nothing is on the way; returns false when no more blocks are made.
fn deliver(shared: &Shared, sent: &mut Vec<Sent>) -> bool {
    sent.retain(|sent| !shared.settle_sent(sent));
    if let Some(reason) = shared.halted.get() {
        let reason = format!("block production has stopped: {reason}");
        shared.relay.queue().stop(&StatementError::NotSent(reason));
        return false;
    }
    if sent.is_empty() {
        *sent = shared.send_next();
    }
    true
}

/// Sleeps until there is something to do; returns false when the node stops.
fn wait_for_work(shared: &Shared, has_sent: bool) -> bool {
    let mut queue = shared.relay.queue();
    if has_sent && !queue.is_stopping() {
        let waited = shared.relay.wake.wait_timeout(queue, PAUSE);
        queue = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
    while !has_sent && queue.is_empty() && !queue.is_stopping() {
        queue = wait(shared, queue);
    }
    !queue.is_stopping()
}

fn wait<'a>(shared: &'a Shared, queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
    shared.relay.wake.wait(queue).unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Sends what waits, as much as one block should have of it. What can't be sent is answered with the reason.
    fn send_next(&self) -> Vec<Sent> {
        let waiting = self.relay.queue().next(STATEMENTS_MAX);
        let reader = match self.reader() {
            Ok(reader) => reader,
            Err(error) => {
                self.refuse(&waiting, &error.into());
                return Vec::new();
            }
        };
        let parcels = self.pack(reader, waiting);
        let send = |transaction| Ok(self.admit(transaction)?);
        parcels.into_iter().filter_map(|parcel| self.send(parcel, send)).collect()
    }

    /// Distributes statements to transactions: those that are still valid, together with at most a third of a block's gas.
    fn pack(&self, reader: Arc<Reader>, waiting: Vec<(Arrival, Accepted)>) -> Vec<Parcel> {
        let height = reader.head().number;
        let view = self.next_view(reader);
        let mut gas_left = self.statement_gas_max();
        let (mut batch, mut parcels) = (Vec::new(), Vec::new());
        for (arrival, mut accepted) in waiting {
            if accepted.height != height {
                let statement = &accepted.statement;
                match self.try_call(&view, statement.to, statement.data.clone()) {
                    Ok(gas) => accepted.gas = gas,
                    Err(error) => {
                        self.relay.queue().answer(arrival, &Err(error));
                        continue;
                    }
                }
            }
            let is_alone = accepted.statement.way == Way::Alone;
            let gas = self.gas_limit(accepted.gas);
            if gas > gas_left || (is_alone && parcels.len() >= ALONE_MAX) {
                continue;
            }
            gas_left -= gas;
            match is_alone {
                true => parcels.push(self.alone(arrival, accepted)),
                false => batch.push((arrival, accepted)),
            }
        }
        parcels.splice(0..0, self.pack_batch(&view, batch));
        parcels
    }

    /// Packs statements in one transaction; each in one of its own if that could not be executed.
    fn pack_batch(&self, view: &StateView, statements: Vec<(Arrival, Accepted)>) -> Vec<Parcel> {
        if statements.is_empty() {
            return Vec::new();
        }
        let texts = statements.iter().map(|(_, accepted)| accepted.statement.data.clone());
        let call = TrainingRuns::relayCall { statements: texts.collect() };
        let data = Bytes::from(call.abi_encode());
        match self.try_call(view, TRAINING_RUNS, data.clone()) {
            Ok(gas) => {
                let sum = statements.iter().map(|(_, accepted)| accepted.gas).sum::<u64>();
                let gas_limit = self.gas_limit(gas.max(sum));
                vec![Parcel { way: Way::Batch, statements, to: TRAINING_RUNS, data, gas_limit }]
            }
            Err(error) => {
                tracing::warn!(%error, "statements are sent one by one");
                let first = statements.into_iter().take(ALONE_MAX);
                first.map(|(arrival, accepted)| self.alone(arrival, accepted)).collect()
            }
        }
    }

    /// Sends a transaction and answers those who wait for its statements; returns `None` if it was not sent.
    fn send(
        &self,
        parcel: Parcel,
        submit: impl FnOnce(Recovered<Transaction>) -> Result<B256, StatementError>,
    ) -> Option<Sent> {
        let signed = self.signed(&parcel);
        let outcome = signed.and_then(submit);
        let mut queue = self.relay.queue();
        for (arrival, _) in &parcel.statements {
            queue.answer(*arrival, &outcome);
        }
        drop(queue);
        let hash = outcome.ok()?;
        let count = parcel.statements.len();
        tracing::debug!(%hash, count, "statements are sent");
        let statements = parcel.statements.into_iter().map(|(_, accepted)| accepted).collect();
        Some(Sent { hash, way: parcel.way, statements })
    }

    /// Sends one statement at once, on a development ledger; returns the hash of the transaction.
    pub(super) fn send_at_once(
        &self,
        accepted: &Accepted,
        submit: impl FnOnce(Recovered<Transaction>) -> Result<B256, StatementError>,
    ) -> Result<B256, StatementError> {
        let statement = &accepted.statement;
        let gas_limit = self.gas_limit(accepted.gas);
        let (way, statements) = (Way::Alone, Vec::new());
        let (to, data) = match statement.way {
            Way::Alone => (statement.to, statement.data.clone()),
            Way::Batch => {
                let call = TrainingRuns::relayCall { statements: vec![statement.data.clone()] };
                (TRAINING_RUNS, call.abi_encode().into())
            }
        };
        submit(self.signed(&Parcel { way, statements, to, data, gas_limit })?)
    }

    fn signed(&self, parcel: &Parcel) -> Result<Recovered<Transaction>, StatementError> {
        let account = self.relay.account();
        let base_fee = u128::from(self.next_base_fee());
        let pool = self.pool();
        let state = self.reader()?.account(&account)?;
        let nonce = pool.next_nonce(&account, state.map_or(0, |state| state.nonce));
        let balance = state.map_or(U256::ZERO, |state| state.balance);
        let waiting = pool.cost_of(&account);
        drop(pool);
        let gas = U256::from(parcel.gas_limit);
        let spendable = balance.saturating_sub(waiting);
        // A small balance limits how far the base fee may rise.
        let affordable = spendable.checked_div(gas).unwrap_or_default().saturating_to::<u128>();
        let max_fee_per_gas = base_fee.saturating_mul(FEE_FACTOR).min(affordable);
        if max_fee_per_gas < base_fee {
            let needed = gas.saturating_mul(U256::from(base_fee)).saturating_add(waiting);
            return Err(StatementError::NoFunds { account, balance, needed });
        }
        let transaction = TxEip1559 {
            chain_id: self.founding.chain_id,
            nonce,
            gas_limit: parcel.gas_limit,
            max_fee_per_gas,
            // The mempool takes it before all others anyway.
            max_priority_fee_per_gas: 0,
            to: TxKind::Call(parcel.to),
            input: parcel.data.clone(),
            ..TxEip1559::default()
        };
        let signature = self.relay.signer.sign_hash_sync(&transaction.signature_hash());
        let signature = signature.map_err(|error| StatementError::NotSent(error.to_string()))?;
        let signed: Transaction = transaction.into_signed(signature).into();
        Ok(Recovered::new_unchecked(signed, account))
    }

    /// Executes a call of the relay account; returns the gas that it takes.
    pub(super) fn try_call(
        &self,
        view: &StateView,
        to: Address,
        data: Bytes,
    ) -> Result<u64, StatementError> {
        let gas_max = self.statement_gas_max();
        let call = Call {
            from: self.relay.account(),
            gas_limit: Some(gas_max),
            ..Call::read_only(to, data)
        };
        let not_executed = |reason| StatementError::NotExecuted { gas_max, reason };
        match view.call_context(&Overrides::default()).call(&call) {
            Ok(CallOutcome::Returned { gas_used, .. }) => Ok(gas_used),
            Ok(CallOutcome::Reverted { output, .. }) => Err(StatementError::Refused { output }),
            Ok(CallOutcome::Halted { reason, .. }) => Err(not_executed(reason)),
            Err(CallError::State(error)) => Err(error.into()),
            Err(error) => Err(not_executed(error.to_string())),
        }
    }

    /// Returns the gas that all statements in a block may take.
    pub(super) fn statement_gas_max(&self) -> u64 {
        self.next_gas_limit() / BLOCK_PARTS
    }

    fn refuse(&self, waiting: &[(Arrival, Accepted)], error: &StatementError) {
        let mut queue = self.relay.queue();
        waiting.iter().for_each(|(arrival, _)| queue.answer(*arrival, &Err(error.clone())));
    }

    /// Returns whether a transaction no longer waits; then its statements are settled.
    fn settle_sent(&self, sent: &Sent) -> bool {
        if self.pool().transaction(&sent.hash).is_some() {
            return false;
        }
        let refused = self.refused(sent).unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "reading the chain failed");
            BTreeSet::new()
        });
        let (mut queue, now) = (self.relay.queue(), producer::now());
        for (index, accepted) in sent.statements.iter().enumerate() {
            queue.settle(accepted, refused.contains(&index), now);
        }
        true
    }

    /// Returns which statements of a transaction the ledger refused in its block.
    fn refused(&self, sent: &Sent) -> Result<BTreeSet<usize>, StoreError> {
        let Some(inclusion) = self.inclusion(&sent.hash)? else {
            tracing::warn!(hash = %sent.hash, "a transaction with statements is in no block");
            return Ok(BTreeSet::new());
        };
        if !inclusion.receipt.status() {
            return Ok((0..sent.statements.len()).collect());
        }
        let logs = inclusion.receipt.logs().iter();
        let events = logs
            .filter(|log| sent.way == Way::Batch && log.address == TRAINING_RUNS)
            .filter_map(|log| TrainingRuns::NotRelayed::decode_log(log).ok());
        Ok(events.filter_map(|event| usize::try_from(event.index).ok()).collect())
    }

    fn alone(&self, arrival: Arrival, accepted: Accepted) -> Parcel {
        Parcel {
            way: Way::Alone,
            to: accepted.statement.to,
            data: accepted.statement.data.clone(),
            gas_limit: self.gas_limit(accepted.gas),
            statements: vec![(arrival, accepted)],
        }
    }

    /// Returns the gas limit for a call that took `gas`: half more and a reserve, since gas that is not used is not paid.
    fn gas_limit(&self, gas: u64) -> u64 {
        let with_reserve = gas.saturating_add(gas / 2).saturating_add(GAS_RESERVE);
        with_reserve.min(self.statement_gas_max())
    }
}
