//! The configuration of a node.

use crate::{
    clock::{AnchoredClock, Clock},
    mempool::PoolLimits,
};
use alloy_primitives::{Address, U256};
use execution::{Genesis, MODULES, ModuleTable};
use std::{path::PathBuf, sync::Arc, time::Duration};
use store::StoreOptions;

/// Default time for which the first transaction of a block waits for others.
const BATCHING_STANDARD: Duration = Duration::from_millis(5);

/// How the timestamps of consecutive blocks are related.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamps {
    /// A block may have its parent's second, because blocks are produced on demand.
    MayRepeat,
    /// Each block is at least one second later than its parent. When blocks come faster than that, their times run
    /// ahead of the clock.
    Rise,
}

/// What a new ledger has in addition to its genesis file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Founding {
    /// Nothing.
    AsGiven,
    /// The node's key as the only referee, and funds for its relay account: the node is alone.
    Solo {
        /// Balance of the relay account, in the smallest unit.
        relay_funds: U256,
    },
}

/// Who makes blocks and sends the statements of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Production {
    /// Threads of the node, as soon as there is something to do.
    Threads,
    /// The caller, by [`Node::step`](crate::Node::step): a simulation decides when, and has one thread.
    Steps,
}

/// The configuration of a node. [`NodeConfig::new`] fills in the defaults.
#[derive(Clone)]
pub struct NodeConfig {
    /// The directory with the chain and the node's key; created if missing.
    pub data_dir: PathBuf,
    /// The genesis file. `None` uses the one in the directory.
    pub genesis: Option<Genesis>,
    /// What a ledger that is created has in addition to the genesis file.
    pub founding: Founding,
    /// Longest time between two blocks, after which an empty one is made; `None` makes blocks for transactions only.
    pub block_interval: Option<Duration>,
    /// Time for which the first transaction of a block waits for others.
    pub batching: Duration,
    /// The account that receives tips; `None` is that of the genesis file.
    pub fee_recipient: Option<Address>,
    /// Number of past states that can be queried; fewer when blocks change much.
    pub past_states_max: u64,
    /// Number of blocks that are kept whole; `None` keeps all. A development ledger keeps all.
    pub blocks_max: Option<u64>,
    /// What the history index holds ([`Node::history`](crate::Node::history)); `None` makes none.
    pub history: Option<history::Options>,
    /// A development ledger, which [`Node::development`](crate::Node::development) can change. Its directory is
    /// marked, and can't be opened as a production ledger.
    pub is_development: bool,
    /// How the timestamps of consecutive blocks are related.
    pub timestamps: Timestamps,
    /// Who makes blocks.
    pub production: Production,
    /// The native modules and revisions that this program knows: [`MODULES`], except in tests.
    pub modules: ModuleTable,
    /// Bounds of the mempool.
    pub pool: PoolLimits,
    /// The clock for block timestamps.
    pub clock: Arc<dyn Clock>,
}

impl NodeConfig {
    /// Blocks on demand, with a batching delay of 20 ms, on the machine's clock, several of which may share a second;
    /// 1,024 past states; no history index; standard limits.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>, genesis: Option<Genesis>) -> Self {
        Self {
            data_dir: data_dir.into(),
            genesis,
            founding: Founding::AsGiven,
            block_interval: None,
            batching: BATCHING_STANDARD,
            fee_recipient: None,
            past_states_max: StoreOptions::default().past_states_max,
            blocks_max: None,
            history: None,
            is_development: false,
            timestamps: Timestamps::MayRepeat,
            production: Production::Threads,
            modules: MODULES,
            pool: PoolLimits::STANDARD,
            clock: Arc::new(AnchoredClock::start()),
        }
    }
}
