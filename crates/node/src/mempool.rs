//! The mempool: bookkeeping of waiting transactions; the caller provides the state of accounts.

use alloy_consensus::{Transaction as _, transaction::Recovered};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, U256};
use execution::{AccountState, Change, Refusal, Rules, Transaction, check_stateless};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

/// Percentage by which a replacement must pay more, in both its fees. As in geth.
const REPLACEMENT_PERCENT: u128 = 10;

/// Bounds of the mempool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Largest number of transactions.
    pub transactions_max: usize,
    /// Largest number of transactions of one sender.
    pub per_sender_max: usize,
    /// Largest size of all encoded transactions, in bytes.
    pub bytes_max: usize,
    /// What to do with transactions that can be replayed on another chain.
    pub unprotected: Unprotected,
}

/// What to do with transactions from before EIP-155, whose signatures contain no chain id, so any chain may include
/// them. Some known contracts with the same address on every chain were created by such transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unprotected {
    /// Refuse them, as geth does: most people who send one do so by mistake.
    Refused,
    /// Accept them.
    Taken,
}

impl PoolLimits {
    /// 8192 transactions, 256 per sender, 32 MiB; only transactions for this chain.
    pub const STANDARD: Self = Self {
        transactions_max: 8_192,
        per_sender_max: 256,
        bytes_max: 32 << 20,
        unprotected: Unprotected::Refused,
    };
}

/// Why the mempool refuses a transaction. The messages begin with the words that wallets look for (geth's).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolRefusal {
    /// The transaction waits already, or is in a block.
    #[error("already known")]
    AlreadyKnown,
    /// No block could include it, or its sender can't pay for it together with those that wait.
    #[error(transparent)]
    Invalid(#[from] Refusal),
    /// Its signature contains no chain id.
    #[error(
        "only replay-protected (EIP-155) transactions allowed over RPC: sign it for this chain, or start the node with --allow-unprotected"
    )]
    Unprotected,
    /// Its maximum fee is below the smallest base fee.
    #[error(
        "transaction underpriced: max fee per gas {max_fee}, the smallest base fee is {minimum}"
    )]
    Underpriced {
        /// Its maximum fee, in the smallest unit per gas.
        max_fee: u128,
        /// The smallest base fee, in the smallest unit per gas.
        minimum: u64,
    },
    /// A transaction with its nonce waits, and this one does not pay enough more.
    #[error(
        "replacement transaction underpriced: needs a max fee per gas of {max_fee_min} and a tip of {tip_min}"
    )]
    ReplacementUnderpriced {
        /// Needed maximum fee, in the smallest unit per gas.
        max_fee_min: u128,
        /// Needed tip, in the smallest unit per gas.
        tip_min: u128,
    },
    /// Too many transactions of the sender wait.
    #[error("account limit exceeded: {count} transactions of {sender} are waiting")]
    SenderFull {
        /// The sender.
        sender: Address,
        /// Number of its waiting transactions.
        count: usize,
    },
    /// The mempool is full, and the other transactions pay more.
    #[error("txpool is full: raise the max priority fee per gas, or wait")]
    Full,
}

/// The sender's account in the head's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sender {
    /// Next nonce.
    pub(crate) nonce: u64,
    pub(crate) balance: U256,
    /// Whether it is a contract (a delegation, EIP-7702, is not).
    pub(crate) is_contract: bool,
}

/// The permission for a transaction to wait. Valid until the pool changes.
#[derive(Debug)]
pub(crate) struct Admission {
    sender: Sender,
    cost: U256,
    size: usize,
    /// The transaction that must be removed for it.
    victim: Option<B256>,
}

/// A transaction that waits.
#[derive(Debug)]
struct Waiting {
    transaction: Recovered<Transaction>,
    size: usize,
    /// Largest amount it can take from its sender.
    cost: U256,
    /// Number in order of arrival; at the same tip the earlier transaction goes first.
    arrival: u64,
}

/// The waiting transactions of one sender, by nonce, and its account.
#[derive(Debug)]
struct Queue {
    nonce: u64,
    balance: U256,
    waiting: BTreeMap<u64, Waiting>,
}

impl Queue {
    /// Returns the transactions that can follow each other from the account's nonce on, and that it can pay for in
    /// that order.
    fn executable(&self) -> impl Iterator<Item = &Waiting> {
        let mut next = self.nonce;
        let mut left = self.balance;
        self.waiting.iter().map_while(move |(nonce, waiting)| {
            if *nonce != next {
                return None;
            }
            left = left.checked_sub(waiting.cost)?;
            next = nonce.checked_add(1)?;
            Some(waiting)
        })
    }

    fn cost_except(&self, nonce: u64) -> U256 {
        let others = self.waiting.iter().filter(|(other, _)| **other != nonce);
        others.fold(U256::ZERO, |sum, (_, waiting)| sum.saturating_add(waiting.cost))
    }
}

/// The mempool. Its accounts are as of the last [`Pool::settle`] or [`Pool::add`].
#[derive(Debug)]
pub(crate) struct Pool {
    limits: PoolLimits,
    rules: Rules,
    queues: BTreeMap<Address, Queue>,
    places: BTreeMap<B256, (Address, u64)>,
    bytes: usize,
    arrivals: u64,
    /// The account whose transactions go before all others: the node's relay account.
    first: Option<Address>,
    /// Counts the changes of the mempool and of its senders.
    revision: u64,
}

impl Pool {
    pub(crate) fn new(limits: PoolLimits, rules: Rules) -> Self {
        let (queues, places) = (BTreeMap::new(), BTreeMap::new());
        Self { limits, rules, queues, places, bytes: 0, arrivals: 0, first: None, revision: 0 }
    }

    /// Lets the transactions of an account go before all others, whatever they pay. The node bounds what it sends of them.
    pub(crate) fn set_first(&mut self, account: Address) {
        self.first = Some(account);
    }

    /// Returns the largest amount that the waiting transactions of an account can take from it.
    pub(crate) fn cost_of(&self, account: &Address) -> U256 {
        let waiting = self.queues.get(account).into_iter().flat_map(|queue| queue.waiting.values());
        waiting.fold(U256::ZERO, |sum, waiting| sum.saturating_add(waiting.cost))
    }

    /// Checks a transaction; returns why it is refused, or what [`Pool::insert`] needs.
    pub(crate) fn admit(
        &mut self,
        transaction: &Recovered<Transaction>,
        sender: Sender,
    ) -> Result<Admission, PoolRefusal> {
        if self.places.contains_key(transaction.tx_hash()) {
            return Err(PoolRefusal::AlreadyKnown);
        }
        check_alone(transaction, &self.rules, self.limits.unprotected)?;
        let (address, nonce) = (transaction.signer(), transaction.nonce());
        if sender.is_contract {
            return Err(Refusal::Sender { sender: address }.into());
        }
        if nonce < sender.nonce {
            let (transaction, account) = (nonce, sender.nonce);
            return Err(Refusal::NonceTooLow { transaction, account }.into());
        }
        // A block may be written and not settled here yet: nonces it used no longer count.
        self.forget_used(&address, sender.nonce);
        let cost = cost(transaction);
        let size = transaction.encode_2718_len();
        self.check_among_own(transaction, sender, cost)?;
        let victim = self.make_room(transaction, size, sender)?;
        Ok(Admission { sender, cost, size, victim })
    }

    /// Inserts a transaction that was just admitted.
    pub(crate) fn insert(&mut self, transaction: Recovered<Transaction>, admission: Admission) {
        let Admission { sender, cost, size, victim } = admission;
        let (address, nonce) = (transaction.signer(), transaction.nonce());
        if let Some(hash) = victim {
            self.remove(&hash);
        }
        let hash = *transaction.tx_hash();
        let queue = self.queues.entry(address).or_insert_with(|| Queue {
            nonce: sender.nonce,
            balance: sender.balance,
            waiting: BTreeMap::new(),
        });
        (queue.nonce, queue.balance) = (sender.nonce, sender.balance);
        let waiting = Waiting { transaction, size, cost, arrival: self.arrivals };
        self.arrivals += 1;
        self.revision += 1;
        self.bytes += size;
        if let Some(replaced) = queue.waiting.insert(nonce, waiting) {
            self.bytes -= replaced.size;
            self.places.remove(replaced.transaction.tx_hash());
        }
        self.places.insert(hash, (address, nonce));
    }

    /// Admits and inserts a transaction, or returns why not; then nothing has changed.
    #[cfg(test)]
    pub(crate) fn add(
        &mut self,
        transaction: Recovered<Transaction>,
        sender: Sender,
    ) -> Result<(), PoolRefusal> {
        let admission = self.admit(&transaction, sender)?;
        self.insert(transaction, admission);
        Ok(())
    }

    /// Returns every waiting transaction, in the order of arrival.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = &Recovered<Transaction>> {
        let mut all: Vec<&Waiting> =
            self.queues.values().flat_map(|queue| queue.waiting.values()).collect();
        all.sort_by_key(|waiting| waiting.arrival);
        all.into_iter().map(|waiting| &waiting.transaction)
    }

    /// Returns a number that is different after each change of the mempool.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns the size of all encoded waiting transactions in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the best-paying executable transactions, after those of the relay account, each sender's in nonce order, at most
    /// `count_max` and at most about `gas_max` of gas limits.
    pub(crate) fn best(
        &self,
        base_fee: u64,
        gas_max: u64,
        count_max: usize,
    ) -> Vec<Recovered<Transaction>> {
        let mut runs: BTreeMap<Address, _> =
            self.queues.iter().map(|(address, queue)| (*address, queue.executable())).collect();
        let mut heads = BinaryHeap::new();
        let mut next_of = |address: Address, heads: &mut BinaryHeap<_>| {
            let next = runs.get_mut(&address).and_then(Iterator::next)?;
            let tip = next.transaction.effective_tip_per_gas(base_fee)?;
            let is_first = Some(address) == self.first;
            heads.push((is_first, tip, Reverse(next.arrival), address));
            Some(())
        };
        for address in self.queues.keys() {
            next_of(*address, &mut heads);
        }
        let mut chosen = Vec::new();
        let mut nonces: BTreeMap<Address, u64> = BTreeMap::new();
        let mut gas = 0_u64;
        while let Some((.., address)) = heads.pop() {
            let queue = &self.queues[&address];
            let nonce = nonces.entry(address).or_insert(queue.nonce);
            let transaction = &queue.waiting[nonce].transaction;
            *nonce = nonce.saturating_add(1);
            chosen.push(transaction.clone());
            gas = gas.saturating_add(transaction.gas_limit());
            if gas >= gas_max || chosen.len() >= count_max {
                break;
            }
            next_of(address, &mut heads);
        }
        chosen
    }

    /// Returns whether [`Self::best`] would return anything.
    pub(crate) fn has_best(&self, base_fee: u64) -> bool {
        self.queues.values().any(|queue| {
            let first = queue.executable().next();
            first.is_some_and(|first| first.transaction.effective_tip_per_gas(base_fee).is_some())
        })
    }

    /// Updates accounts after a block; removes transactions whose nonce is used.
    pub(crate) fn settle(&mut self, accounts: &BTreeMap<Address, Change<Option<AccountState>>>) {
        for (address, change) in accounts {
            let Some(queue) = self.queues.get_mut(address) else { continue };
            self.revision += 1;
            let after = change.after;
            queue.nonce = after.map_or(0, |account| account.nonce);
            queue.balance = after.map_or(U256::ZERO, |account| account.balance);
            let nonce = queue.nonce;
            self.forget_used(address, nonce);
        }
    }

    /// Removes a transaction; later ones of the same sender stay and wait.
    pub(crate) fn remove(&mut self, hash: &B256) {
        let Some((address, nonce)) = self.places.remove(hash) else { return };
        self.revision += 1;
        let Some(queue) = self.queues.get_mut(&address) else { return };
        if let Some(waiting) = queue.waiting.remove(&nonce) {
            self.bytes -= waiting.size;
        }
        if queue.waiting.is_empty() {
            self.queues.remove(&address);
        }
    }

    /// Removes all transactions.
    pub(crate) fn clear(&mut self) {
        self.queues.clear();
        self.places.clear();
        self.revision += 1;
        self.bytes = 0;
    }

    /// Sets the largest gas limit of a transaction from now on; waiting ones stay.
    pub(crate) fn set_gas_limit(&mut self, gas_limit: u64) {
        self.rules.gas_limit = gas_limit;
    }

    /// Returns the waiting transaction with this hash.
    pub(crate) fn transaction(&self, hash: &B256) -> Option<&Recovered<Transaction>> {
        let (address, nonce) = self.places.get(hash)?;
        Some(&self.queues.get(address)?.waiting.get(nonce)?.transaction)
    }

    /// Returns all waiting transactions, or those of one sender, and whether each could be included after those before it.
    pub(crate) fn all(
        &self,
        sender: Option<Address>,
    ) -> impl Iterator<Item = (&Recovered<Transaction>, bool)> {
        let queues = self.queues.iter();
        let chosen =
            queues.filter(move |(address, _)| sender.is_none_or(|sender| sender == **address));
        chosen.flat_map(|(_, queue)| {
            let ready_count = queue.executable().count();
            let waiting = queue.waiting.values().enumerate();
            waiting.map(move |(index, waiting)| (&waiting.transaction, index < ready_count))
        })
    }

    /// Returns whether a transaction waits neither for others of its sender nor for funds. One that is not in the pool
    /// waits for nothing.
    pub(crate) fn is_ready(&self, hash: &B256) -> bool {
        let Some((address, nonce)) = self.places.get(hash) else { return true };
        self.queues.get(address).is_none_or(|queue| {
            queue.executable().any(|waiting| waiting.transaction.nonce() == *nonce)
        })
    }

    /// Returns the next nonce of an account that is at `nonce`, after the waiting transactions without a gap.
    pub(crate) fn next_nonce(&self, address: &Address, nonce: u64) -> u64 {
        let Some(queue) = self.queues.get(address) else { return nonce };
        let mut next = nonce;
        for waiting in queue.waiting.range(nonce..).map(|(waiting, _)| *waiting) {
            match next.checked_add(1) {
                Some(after) if waiting == next => next = after,
                _ => break,
            }
        }
        next
    }

    /// Returns the number of waiting transactions.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Removes a sender's transactions below the account's `nonce`.
    fn forget_used(&mut self, address: &Address, nonce: u64) {
        let Some(queue) = self.queues.get_mut(address) else { return };
        let kept = queue.waiting.split_off(&nonce);
        let used = std::mem::replace(&mut queue.waiting, kept);
        self.revision += u64::from(!used.is_empty());
        for waiting in used.values() {
            self.bytes -= waiting.size;
            self.places.remove(waiting.transaction.tx_hash());
        }
        if queue.waiting.is_empty() {
            self.queues.remove(address);
        }
    }

    /// Checks a transaction together with the others of its sender.
    fn check_among_own(
        &self,
        transaction: &Recovered<Transaction>,
        sender: Sender,
        cost: U256,
    ) -> Result<(), PoolRefusal> {
        let queue = self.queues.get(&transaction.signer());
        let nonce = transaction.nonce();
        if let Some(waiting) = queue.and_then(|queue| queue.waiting.get(&nonce)) {
            check_replacement(&waiting.transaction, transaction)?;
        } else if let Some(count) = queue.map(|queue| queue.waiting.len())
            && count >= self.limits.per_sender_max
        {
            return Err(PoolRefusal::SenderFull { sender: transaction.signer(), count });
        }
        let others = queue.map_or(U256::ZERO, |queue| queue.cost_except(nonce));
        let needed = others.saturating_add(cost);
        if needed > sender.balance {
            let balance = sender.balance;
            return Err(Refusal::InsufficientFunds { needed, balance }.into());
        }
        Ok(())
    }

    /// Returns the transaction to remove for `transaction`: the last one of some sender, first those that can't run, then
    /// those that pay less.
    fn make_room(
        &self,
        transaction: &Recovered<Transaction>,
        size: usize,
        sender: Sender,
    ) -> Result<Option<B256>, PoolRefusal> {
        let place = (transaction.signer(), transaction.nonce());
        let replaced = self.queues.get(&place.0).and_then(|queue| queue.waiting.get(&place.1));
        let count = self.places.len() + usize::from(replaced.is_none());
        let bytes = self.bytes + size - replaced.map_or(0, |replaced| replaced.size);
        if count <= self.limits.transactions_max && bytes <= self.limits.bytes_max {
            return Ok(None);
        }
        let is_candidate = |address| address != place.0 && Some(address) != self.first;
        let candidates = self.queues.iter().filter(|(address, _)| is_candidate(**address));
        let worst = candidates
            .filter_map(|(_, queue)| {
                let (_, last) = queue.waiting.last_key_value()?;
                let is_executable = queue.executable().count() == queue.waiting.len();
                Some((is_executable, tip(&last.transaction), Reverse(last.arrival), last))
            })
            .min_by_key(|(is_executable, tip, arrival, _)| (*is_executable, *tip, *arrival));
        let Some((victim_executable, victim_tip, _, victim)) = worst else {
            return Err(PoolRefusal::Full);
        };
        let is_executable = self.next_nonce(&place.0, sender.nonce) >= place.1;
        let is_better = (is_executable, tip(transaction)) > (victim_executable, victim_tip);
        // At most one is removed for one: a large transaction does not replace many.
        let fits = bytes.saturating_sub(victim.size) <= self.limits.bytes_max
            && count.saturating_sub(1) <= self.limits.transactions_max;
        if (is_better || Some(place.0) == self.first) && fits {
            Ok(Some(*victim.transaction.tx_hash()))
        } else {
            Err(PoolRefusal::Full)
        }
    }
}

/// Checks what does not depend on the sender.
fn check_alone(
    transaction: &Transaction,
    rules: &Rules,
    unprotected: Unprotected,
) -> Result<(), PoolRefusal> {
    check_stateless(transaction, rules)?;
    if transaction.chain_id().is_none() && unprotected == Unprotected::Refused {
        return Err(PoolRefusal::Unprotected);
    }
    let (max_fee, minimum) = (transaction.max_fee_per_gas(), rules.base_fee.minimum);
    if max_fee < u128::from(minimum) {
        return Err(PoolRefusal::Underpriced { max_fee, minimum });
    }
    Ok(())
}

/// Checks that both fees rise, as in geth; otherwise replacing would cost the node work for nothing.
fn check_replacement(old: &Transaction, new: &Transaction) -> Result<(), PoolRefusal> {
    let raised = |fee: u128| {
        let step = (fee / 100).saturating_mul(REPLACEMENT_PERCENT)
            + (fee % 100 * REPLACEMENT_PERCENT).div_ceil(100);
        fee.saturating_add(step.max(1))
    };
    let (max_fee_min, tip_min) = (raised(old.max_fee_per_gas()), raised(tip(old)));
    if new.max_fee_per_gas() < max_fee_min || tip(new) < tip_min {
        return Err(PoolRefusal::ReplacementUnderpriced { max_fee_min, tip_min });
    }
    Ok(())
}

/// Returns the largest tip per gas.
fn tip(transaction: &Transaction) -> u128 {
    transaction.max_priority_fee_per_gas().unwrap_or_else(|| transaction.max_fee_per_gas())
}

/// Returns the largest amount that a transaction can take from its sender; saturates.
fn cost(transaction: &Transaction) -> U256 {
    let gas = U256::from(transaction.gas_limit());
    let fees = gas.saturating_mul(U256::from(transaction.max_fee_per_gas()));
    fees.saturating_add(transaction.value())
}

#[cfg(test)]
mod tests;
