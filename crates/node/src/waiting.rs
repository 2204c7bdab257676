//! A feed of transactions that begin to wait.

use alloy_primitives::B256;
use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};

/// Number of hashes kept for slow readers; a reader that is slower misses some.
pub(crate) const UNREAD_MAX: usize = 4_096;

/// Hashes of transactions in the order in which they came into the mempool.
#[derive(Debug)]
pub struct WaitingFeed {
    receiver: Receiver<B256>,
}

impl WaitingFeed {
    pub(crate) fn new(receiver: Receiver<B256>) -> Self {
        Self { receiver }
    }

    /// Returns the hashes since the last call, at most `count_max`.
    pub fn take(&mut self, count_max: usize) -> Vec<B256> {
        let mut hashes = Vec::new();
        while hashes.len() < count_max {
            match self.receiver.try_recv() {
                Ok(hash) => hashes.push(hash),
                // The oldest are lost: continue with the remaining ones.
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        hashes
    }

    /// Waits for at least one hash, and returns at most `count_max`; `None` when the node is dropped.
    pub async fn next(&mut self, count_max: usize) -> Option<Vec<B256>> {
        loop {
            match self.receiver.recv().await {
                Ok(hash) => {
                    let mut hashes = vec![hash];
                    hashes.extend(self.take(count_max.saturating_sub(1)));
                    return Some(hashes);
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
