//! Talks to a node as an ordinary Ethereum client would.
//!
//! 1. A read is repeated while the node can't be reached, for as long as the caller has patience.
//! 2. A change is first estimated: what a rule refuses is refused here, in words, and costs nothing.
//! 3. It is signed with the account's next nonce, handed to the node, and looked for until it is in a block. A node that has forgotten
//!    it is given the same bytes again: the change happens once or not at all.
//!
//! Invariants: one nonce, one transaction; every wait is bounded by the caller's patience; nothing the node says is trusted to be short,
//! printable or well-formed.
//!
//! What it does not do: verify the node's answers (it trusts the node it is pointed at), follow events, speak `https`.

mod error;
mod ledger;
mod transaction;

mod assets;
mod events;
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
