//! Finds what happened on a ledger by account: transactions, transfers, events.
//!
//! The ledger's own file finds a transaction by its hash and a block by its height. This index, a file of its own beside it
//! (`history.redb`), says *where* an account sent, received, or was named; *what* happened there is read from the ledger. So a page
//! of an account's history costs what it shows, however long the ledger is.
//!
//! What is found:
//! - **transactions** that an account sent or received, or that created it ([`Role`]);
//! - **transfers** from or to an account: ERC-20 `Transfer` events of any contract (GRAIN, issued assets, deployed tokens), and the value
//!   of transactions that succeeded. Value that contracts send on is not found: it is in no block, only in a trace;
//! - **events** that an account emitted or that name it in an indexed topic, and events of a contract with given topics.
//!
//! How it follows the ledger ([`Index::advance`], one database transaction a step, with its cursor):
//! 1. Blocks that the ledger no longer has at their height (a development ledger went back) leave the index, newest first.
//! 2. Blocks that the ledger has pruned, or that are more than [`Options::blocks_max`] below the head, leave, oldest first.
//! 3. The next blocks are added, up to a bound of blocks and entries.
//!
//! Killed at any moment, it goes on from its last durable step. It holds nothing that the blocks don't: when its file is damaged, of
//! another format, of another ledger, or made with other [`Options`], it is made anew.
//!
//! Invariants:
//! - An answer holds only what the ledger's blocks hold at that moment: each place is checked against the hash of its block.
//! - [`Coverage`] says which blocks an answer is complete for. Blocks that are newer than the index, up to 32, are read directly.
//!
//! [`History`] is the index as a node uses it: opened and advanced by a thread of the lowest priority ([`Follower`]), which pauses as long as it
//! works while it builds, and syncs seldom. Block production never waits for it; a failure ends the index, not the node.
//!
//! What it does not do: internal calls, authorities of EIP-7702 delegations, ERC-721 and ERC-1155 transfers.

mod entries;
mod error;
mod filter;
mod follower;
mod index;
mod position;
mod tables;
mod view;

pub use entries::Role;
pub use error::IndexError;
pub use filter::EventFilter;
pub use follower::{Follower, History, Status, Unavailable};
pub use index::{Index, Kept, Options, Progress};
pub use position::Position;
pub use view::{
    Coverage, EventEntry, PAGE_MAX, Page, PageRequest, Snapshot, TransactionEntry, TransferEntry,
    View,
};
