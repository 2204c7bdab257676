//! One ledger: mempool, block production, queries.
//!
//! A [`Node`] owns a data directory: the chain (by `store`) and the key that signs the randomness. It decides the order of transactions
//! and the time and randomness of blocks; everything else about a block is `execution`'s.
//!
//! How a transaction gets into the chain:
//! 1. [`Node::submit`] decodes it, recovers its sender and lets the mempool judge it by the head's state. What can never be included, or
//!    can't be paid, is refused here, in the words that wallets look for.
//! 2. The producer, one thread, sleeps until a transaction is ready, waits a little for company, and executes the best-paying ones
//!    in nonce order.
//! 3. The block is on the disk, with an fsync, before anyone hears of it: by [`Node::subscribe_heads`] or a query.
//!
//! Invariants:
//! - Timestamps never fall. Time is the wall clock read once at the start, moved by the monotonic clock: a wall clock that jumps moves
//!   nothing. When the last block is ahead of the clock, blocks keep its second until the clock has caught up.
//! - The randomness of a block is `keccak256(parent's randomness ‖ signature)`, the signature being the node's deterministic one (Ed25519,
//!   RFC 8032) over chain id and height. Nobody but the node knows it before; everyone can check it after ([`verify_randomness`]).
//! - A failure to write halts production and refuses new transactions; what is written stays readable.
//!
//! - A transaction whose sender has heard its hash is in a block or waits, also after the process was killed (`journal`).
//!
//! A ledger for development ([`Node::development`]) is made to be changed: blocks come when they are asked for, in the thread that asks,
//! and what waits is not kept over a restart; its time is. Both ways to make blocks are policies of `sequencing`: the producer, the mempool
//! and the pending block ask the policy and know no other difference.
//!
//! A query reads a [`StateView`]: the state after a block, or the pending one, in which what waits is executed.
//!
//! What it does not do: agree with other nodes.

mod clock;
mod config;
mod development;
mod error;
mod journal;
mod key;
mod local;
mod mempool;
mod node;
mod pending;
mod producer;
mod randomness;
mod sequencing;
mod state_view;
mod waiting;

pub use clock::{AnchoredClock, Clock};
pub use config::{NodeConfig, Timestamps};
pub use development::{Development, MINED_MAX};
pub use error::{DevelopmentError, OpenError, SubmitError, WaitError};
pub use local::{LocalError, LocalLedger};
pub use mempool::{PoolLimits, PoolRefusal, Unprotected};
pub use node::{CallBlock, Inclusion, Node, Waiting};
pub use pending::PendingError;
pub use randomness::verify_randomness;
pub use state_view::StateView;
pub use waiting::WaitingFeed;
