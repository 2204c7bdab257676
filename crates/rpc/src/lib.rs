//! Ethereum JSON-RPC over HTTP and WebSocket.
//!
//! [`serve`] answers the requests of wallets, libraries and explorers on one address: single requests and batches
//! over HTTP, the same and subscriptions over WebSocket; web pages are answered when their origin is allowed. The
//! crate translates between a [`node::Node`] and JSON-RPC, and holds no ledger rule and no ledger state. The methods
//! are listed in `methods.rs`, each with its name.
//!
//! How a request is answered:
//! 1. `connections` accepts the client, `transports` selects HTTP (`http`) or WebSocket (`socket`).
//! 2. `envelope` parses the requests of the message, `dispatcher` answers them one after the other.
//! 3. `method_table` finds the method and the thread that runs it; `parameters` parses its parameters.
//!
//! Errors, by code (EIP-1474, and geth where clients compare its texts):
//! - `-32700`, `-32600`: not JSON, not a request. `-32601`: unknown method; clients fall back on it. `-32602`:
//!   invalid parameters.
//! - `3`: a call reverted; `data` is its ABI-encoded error.
//! - `4`, `5`: in the mempool, but no receipt in time, or earlier nonces or funds are missing (EIP-7966); `data` is
//!   the hash.
//! - `-32000`: refused: `nonce too low`, `already known`, `replacement transaction underpriced`, `insufficient funds
//!   for gas * price + value`, …
//! - `-32010`: it needs the next block, and that has a revision of the rules that this program does not know.
//! - `4444`: a block that is not kept: pruned, or from before the snapshot that the ledger began with.
//! - `-32005`: the answer would be too large; `-32603`: the node's disk failed.
//!
//! Deviations from Ethereum nodes:
//! - The states after the newest blocks are kept: a call or balance at an earlier one is refused, never answered from
//!   another state.
//! - A block is final when it exists: `safe`, `finalized` and `latest` are the same. The block `pending` is the
//!   latest one; a call at `pending` sees the number and time that the next block would have, and the head's state.
//! - `already known` is also the error for a transaction that is in a block.
//! - `eth_estimateGas` always estimates for the next block; where that may have the timestamp of the last one, also for a block a second later, and
//!   returns the larger estimate.
//! - A subscription to new transactions reports hashes only.
//! - A simulated block has no state root.
//! - The state root is not Ethereum's, so `eth_getProof` has no proof: use `gleaner_getProof`.
//!
//! The node of a development ledger also has the methods of `development.rs`; elsewhere they do not exist, and the
//! node signs for no account.
//!
//! Not supported: moved precompiles, subscriptions over HTTP.

mod abandonment;
mod account_history;
mod blocking;
mod blocks;
mod calls;
mod client_version;
mod connections;
mod context;
mod criteria;
mod cursor;
mod development;
mod dispatcher;
mod envelope;
mod error;
mod fees;
mod filling;
mod filter_store;
mod filters;
mod fork_config;
mod holders;
mod http;
mod local;
mod logs;
mod mempool;
mod method_table;
mod methods;
mod names;
mod origins;
mod outbox;
mod overrides;
mod pages;
mod parameters;
mod proofs;
mod receipts;
mod reverts;
mod server;
mod simulate;
mod socket;
mod state;
mod statements;
mod stop;
mod submission;
mod subscriptions;
mod traces;
mod transports;

pub use blocking::Blocking;
pub use client_version::ClientVersion;
pub use development::{TEST_PHRASE, test_accounts};
pub use local::LocalServer;
pub use origins::{Origin, OriginError, Origins};
pub use pages::{Page, Pages};
pub use server::{Handle, Listener, Options, ServeError, listen, serve, serve_at};
