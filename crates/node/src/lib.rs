//! One ledger: mempool, block production, queries.
//!
//! A [`Node`] owns a data directory: the chain (by `store`) and the key that signs the randomness, from which that of its relay account is derived. It decides the
//! order of transactions and the time and randomness of blocks; everything else about a block is decided by
//! `execution`.
//!
//! How a transaction gets into the chain:
//! 1. [`Node::submit`] decodes it, recovers its sender, and the mempool checks it against the head's state. A
//!    transaction that can never be included, or can't be paid, is refused here, with the texts that wallets compare.
//! 2. The producer, one thread, sleeps until a transaction is ready, waits a short time for others, and executes the
//!    best-paying ones in nonce order.
//! 3. The block is written to the disk, with an fsync, before it is visible to [`Node::subscribe_heads`] or to a query.
//!
//! Invariants:
//! - Timestamps never fall. Time is the wall clock read once at the start, advanced by the monotonic clock: later
//!   jumps of the wall clock have no effect. When the last block is ahead of the clock, blocks keep its second until
//!   the clock has caught up.
//! - The randomness of a block is `keccak256(parent's randomness ‖ signature)`, the signature being the node's
//!   deterministic one (Ed25519, RFC 8032) over chain id and height. Only the node knows it before the block;
//!   everyone can verify it afterwards ([`verify_randomness`]).
//! - A failed write stops production, and new transactions are refused; everything already written stays readable.
//! - A transaction whose hash was returned to its sender is in a block or in the mempool, also after the process was
//!   killed (`journal`).
//!
//! A development ledger ([`Node::development`]) is made to be changed: blocks are produced on request, in the thread
//! of the request, and the mempool is not kept over a restart; the ledger's time is. Both ways to produce blocks are
//! policies of `sequencing`: the producer, the mempool and the pending block use the policy and have no other
//! difference.
//!
//! Devices have no account: their signed statements come to [`Node::submit_statement`], and `relay` brings them into
//! blocks in transactions of the node's relay account.
//!
//! A query reads a [`StateView`]: the state after a block, or the pending state, after the transactions of the mempool.
//!
//! [`Node::holders`] says how concentrated GRAIN is, at each block (`holders`).
//!
//! It does not replicate the ledger or agree with other nodes.

mod abandonable;
mod clock;
mod config;
mod development;
mod error;
mod holders;
mod journal;
mod key;
mod local;
mod mempool;
mod node;
mod pending;
mod producer;
mod randomness;
mod relay;
mod sequencing;
mod state_view;
mod waiting;

pub use abandonable::{Abandonable, Unread};
pub use clock::{AnchoredClock, Clock};
pub use config::{Founding, NodeConfig, Production, Timestamps};
pub use development::{Development, MINED_MAX, View};
pub use error::{DevelopmentError, OpenError, SubmitError, WaitError};
pub use holders::{HoldersPoint, HoldersView};
pub use local::{LocalError, LocalLedger};
pub use mempool::{PoolLimits, PoolRefusal, Unprotected};
pub use node::{CallBlock, Inclusion, Node, Waiting};
pub use pending::PendingError;
pub use randomness::verify_randomness;
pub use relay::{
    StatementError, StatementTicket, WAITING_MAX, WAITING_PER_CLIENT_MAX, WAITING_PER_DEVICE_MAX,
};
pub use state_view::StateView;
pub use waiting::WaitingFeed;
