//! News of transactions that begin to wait.

use alloy_primitives::B256;
use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};

/// Hashes kept for those who read late; who reads later than that misses some.
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

    /// What has come since the last look, at most `count_max`.
    pub fn take(&mut self, count_max: usize) -> Vec<B256> {
        let mut hashes = Vec::new();
        while hashes.len() < count_max {
            match self.receiver.try_recv() {
                Ok(hash) => hashes.push(hash),
                // The oldest are gone: go on with those that are left.
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        hashes
    }

    /// Waits for at least one, and takes at most `count_max`; `None` when the node is gone.
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
