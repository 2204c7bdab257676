//! One queue of transactions for each account and ledger: its nonces are used one after another.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use alloy_primitives::Address;

/// Who sends, the chain id, and the node's address: two nodes may serve two ledgers with one chain id.
type Key = (Address, u64, String);

/// The queues in use.
static QUEUES: Mutex<BTreeMap<Key, Weak<SenderQueue>>> = Mutex::new(BTreeMap::new());

/// Held while a transaction is signed and sent.
#[derive(Debug, Default)]
pub(crate) struct SenderQueue {
    /// The next nonce, if no other program uses the account; `None` to ask the ledger.
    pub(crate) next: tokio::sync::Mutex<Option<u64>>,
}

/// Returns the queue of an account on the ledger behind a node; without an account one that nobody shares.
pub(crate) fn of(sender: Option<Address>, chain_id: u64, url: &str) -> Arc<SenderQueue> {
    let Some(sender) = sender else { return Arc::default() };
    let mut queues = QUEUES.lock().unwrap_or_else(PoisonError::into_inner);
    queues.retain(|_, queue| queue.strong_count() > 0);
    let key = (sender, chain_id, url.to_owned());
    if let Some(queue) = queues.get(&key).and_then(Weak::upgrade) {
        return queue;
    }
    let queue = Arc::default();
    queues.insert(key, Arc::downgrade(&queue));
    queue
}
