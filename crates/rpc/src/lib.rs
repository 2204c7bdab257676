//! Ethereum JSON-RPC over HTTP and WebSocket.
//!
//! [`serve`] answers on one address what wallets, libraries and explorers ask: single requests and batches over HTTP,
//! the same and subscriptions over WebSocket; web pages may ask when their origin is allowed. It translates between
//! a [`node::Node`] and the wire, holds no rule and no state of its own. The methods are listed in `methods.rs`, each with its name.
//!
//! Errors, by code (EIP-1474, and geth where clients match on its words):
//! - `-32700`, `-32600`: not JSON, not a request. `-32601`: no such method; clients fall back on it. `-32602`: parameters.
//! - `3`: a call reverted; `data` is its ABI-encoded error.
//! - `4`, `5`: taken, but no receipt in time, or something has to come before it (EIP-7966); `data` is the hash.
//! - `-32000`: refused: `nonce too low`, `already known`, `replacement transaction underpriced`, `insufficient funds for gas * price + value`, …
//! - `4444`: a block that is not kept: pruned, or from before the snapshot that the ledger began with.
//! - `-32005`: the answer would be too large; `-32603`: the node's disk.
//!
//! Deviations from Ethereum nodes:
//! - The states after the newest blocks are kept: a call or balance at an earlier one is refused, never answered wrongly.
//! - A block is final when it exists: `safe`, `finalized` and `latest` are one. The block `pending` is the latest one; a call
//!   at `pending` sees the number and time the next block would have, and the head's state.
//! - `already known` is also said of a transaction that is in a block.
//! - `eth_estimateGas` always estimates for the next block.
//!
//! - A subscription to new transactions tells hashes only.
//! - A simulated block has no state root.
//! - The state root is not Ethereum's, so there is no `eth_getProof`: `gleaner_getProof` is ours.
//!
//! A node whose ledger is for development answers the methods of `development.rs`, too; elsewhere they are absent, and the node signs for nobody.
//!
//! What it does not do: moved precompiles, subscriptions over HTTP.

mod account_history;
mod blocks;
mod calls;
mod connections;
mod context;
mod development;
mod error;
mod fees;
mod filters;
mod logs;
mod mempool;
mod methods;
mod origins;
mod overrides;
mod pages;
mod parameters;
mod proofs;
mod server;
mod simulate;
mod state;
mod submission;
mod subscriptions;
mod traces;
mod transports;

pub use development::{TEST_PHRASE, test_accounts};
pub use origins::Origins;
pub use pages::{Page, Pages};
pub use server::{ClientVersion, Handle, Listener, Options, ServeError, listen, serve, serve_at};
