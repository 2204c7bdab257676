//! Measures how many transfers a ledger executes, and how soon their receipts arrive.
//!
//! Signs transfers beforehand, sends them one by one over the given number of connections, and fetches the receipts
//! of every new block. It only uses Ethereum's JSON-RPC, so it can measure any node, ours and others.
//!
//! Latencies are measured by the sender: from the time at which a transfer was due until its receipt arrived. So a
//! node can't hide the time for which it makes senders wait (no coordinated omission).
//!
//! The crate does not start nodes, and it does not judge the figures.

mod http;
mod json_rpc;
mod load;
mod transfers;

pub use load::{Load, LoadError, Measurement, Milliseconds, Progress, run};
