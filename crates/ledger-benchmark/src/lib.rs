//! How many transfers a ledger takes, and how soon their receipts come.
//!
//! Signs transfers beforehand, sends them one by one over as many connections as asked, and fetches the receipts of every new block. It only
//! speaks Ethereum's JSON-RPC, so that it measures any node: ours and others in turn.
//!
//! The measure of time is the sender's: from the moment a transfer was due until its receipt was here. A node that makes senders wait can't
//! hide it (no coordinated omission).
//!
//! It does not start nodes, and judges nothing.

mod http;
mod json_rpc;
mod load;
mod transfers;

pub use load::{Load, LoadError, Measurement, Milliseconds, Progress, run};
