//! The next block as it would be now, with the transactions of the mempool: executed on request, and cached until
//! something changes.

use crate::{node::Shared, producer::BLOCK_TRANSACTIONS_MAX, randomness::Randomness};
use alloy_consensus::Header;
use alloy_primitives::Bytes;
use execution::{BlockError, BlockInput, Environment, PendingBlock, Rules, execute_pending};
use std::sync::{Arc, Mutex, PoisonError};
use store::{Reader, StoreError};

/// Why the pending block can't be executed.
pub type PendingError = BlockError<StoreError>;

/// The pending block that was executed last. A request for another one waits: the node executes one at a time.
#[derive(Default)]
pub(crate) struct PendingBlocks(Mutex<Option<(Key, Arc<PendingBlock>)>>);

/// Everything that a pending block depends on.
#[derive(PartialEq, Eq)]
struct Key {
    generation: u64,
    pool_revision: u64,
    input: BlockInput,
}

/// The head, the input of the next block, and that block.
pub(crate) struct Pending {
    pub(crate) reader: Arc<Reader>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) environment: Environment,
    pub(crate) block: Arc<PendingBlock>,
}

impl Shared {
    /// Returns the input of the next block as far as it is known: its randomness is not, so the parent's is used.
    pub(crate) fn pending_input(&self, head: &Header) -> BlockInput {
        let unknown =
            Randomness { prevrandao: head.mix_hash, key: Bytes::new(), proof: Bytes::new() };
        self.sequencing.next_input(head, self.clock.now(), unknown)
    }

    /// Executes the transactions of the mempool as the next block.
    pub(crate) fn pending(&self) -> Result<Pending, PendingError> {
        let mut latest = self.pending.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = self.pool();
        let generation = self.generation();
        let reader = self.reader().map_err(BlockError::State)?;
        let input = self.pending_input(reader.head());
        let key = Key { generation, pool_revision: pool.revision(), input };
        let rules = self.rules();
        let environment = Environment::next(reader.head(), &rules, &key.input);
        if let Some((kept, block)) = &*latest
            && *kept == key
        {
            let block = Arc::clone(block);
            return Ok(Pending { reader, rules, environment, block });
        }
        let gas_max = environment.gas_limit.saturating_mul(2);
        let transactions = pool.best(environment.base_fee, gas_max, BLOCK_TRANSACTIONS_MAX);
        drop(pool);
        let block = execute_pending(&reader.as_parent(), &rules, &key.input, &transactions)?;
        let block = Arc::new(block);
        *latest = Some((key, Arc::clone(&block)));
        Ok(Pending { reader, rules, environment, block })
    }
}
