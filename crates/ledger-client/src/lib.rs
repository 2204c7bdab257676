//! Talks to a node as an ordinary Ethereum client would.
//!
//! 1. A read is repeated while the node can't be reached, within the caller's time limit (`patience`).
//! 2. A change is estimated first: if a rule refuses it, this returns the reason as text, and it costs nothing.
//! 3. It is signed with the account's next nonce, sent to the node, and polled until it is in a block. If the node has lost
//!    it, the same bytes are sent again: the change happens once or not at all.
//!
//! Invariants: one nonce, one transaction; every wait is bounded by the caller's time limit; no text of the node is
//! trusted to be short, printable or well-formed.
//!
//! The crate does not verify the node's answers (it trusts the node), follow events, or use `https`.

mod error;
mod ledger;
mod transaction;

mod assets;
mod events;
mod http;
mod node;
mod records;
mod refusal;
mod runs;

pub use assets::{AssetRecord, CreatedAsset, NewAsset, amount_text, parse_amount};
pub use error::LedgerError;
pub use events::{LoggedEvent, RunEvent};
pub use ledger::{Head, Ledger};
pub use records::{AuditRecord, Link, RunPhase, RunSummary, SeatRecord, UndrawnRound};
pub use runs::{Announcement, OpenedRun, Signature, SignedCommitment, SignedVerdict};
pub use transaction::Receipt;
