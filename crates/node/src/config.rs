//! What a node is started with.

use crate::{
    clock::{AnchoredClock, Clock},
    mempool::PoolLimits,
};
use alloy_primitives::Address;
use execution::{Genesis, MODULES, ModuleTable};
use std::{path::PathBuf, sync::Arc, time::Duration};
use store::StoreOptions;

/// How long the first transaction of a block waits for company, unless told otherwise.
const BATCHING_STANDARD: Duration = Duration::from_millis(20);

/// How the times of blocks follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamps {
    /// A block may have its parent's second: blocks come on demand.
    MayRepeat,
    /// Each block is later than its parent, by a second at least. When blocks come faster than that, their times run ahead of the clock.
    Rise,
}

/// What a node is started with. [`NodeConfig::new`] fills in what few want to change.
#[derive(Clone)]
pub struct NodeConfig {
    /// The directory that holds the chain and the node's key; made if missing.
    pub data_dir: PathBuf,
    /// The chain's beginning. `None` takes the one the directory was made with.
    pub genesis: Option<Genesis>,
    /// Longest time between two blocks, at which an empty one is made; `None` makes blocks for transactions only.
    pub block_interval: Option<Duration>,
    /// How long the first transaction of a block waits for company.
    pub batching: Duration,
    /// Receives tips; `None` is the genesis file's account.
    pub fee_recipient: Option<Address>,
    /// How many states before the head's can be asked for; fewer when blocks change much.
    pub past_states_max: u64,
    /// How many blocks are kept whole; `None` keeps all. A ledger for development keeps all.
    pub blocks_max: Option<u64>,
    /// What the history index holds ([`Node::history`](crate::Node::history)); `None` makes none.
    pub history: Option<history::Options>,
    /// A ledger to test against: [`Node::development`](crate::Node::development) changes it at will. Its directory says so, and can't be
    /// opened otherwise.
    pub is_development: bool,
    /// How the times of blocks follow each other.
    pub timestamps: Timestamps,
    /// The native modules and revisions that this program knows: [`MODULES`], except in tests.
    pub modules: ModuleTable,
    /// Bounds of the mempool.
    pub pool: PoolLimits,
    /// Tells the time of blocks.
    pub clock: Arc<dyn Clock>,
}

impl NodeConfig {
    /// Blocks on demand, gathered for 20 ms, on the machine's clock, several of which may share a second; 1,024 past states; no history index; standard bounds.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>, genesis: Option<Genesis>) -> Self {
        Self {
            data_dir: data_dir.into(),
            genesis,
            block_interval: None,
            batching: BATCHING_STANDARD,
            fee_recipient: None,
            past_states_max: StoreOptions::default().past_states_max,
            blocks_max: None,
            history: None,
            is_development: false,
            timestamps: Timestamps::MayRepeat,
            modules: MODULES,
            pool: PoolLimits::STANDARD,
            clock: Arc::new(AnchoredClock::start()),
        }
    }
}
