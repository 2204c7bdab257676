//! Talks to a node as an ordinary Ethereum client would.
//!
//! 1. A read is repeated while the node can't be reached, within the caller's time limit (`patience`).
//! 2. A change is estimated first: if a rule refuses it, this returns the reason as text, and it costs nothing.
//! 3. It is signed with the account's next nonce, sent to the node, and polled until it is in a block. If the node has lost
//!    it, the same bytes are sent again: the change happens once or not at all.
//! 4. If a transaction of another program took the nonce, the change is estimated again and sent with the next one, a
//!    bounded number of times: until it is in a block, or a rule says that it is no longer needed.
//!
//! Modules are read through the views of `ledger_views`, which [`Ledger`] answers; this crate changes the ledger.
//!
//! Invariants: one nonce, one transaction; every wait is bounded by the caller's time limit; no text of the node is
//! trusted to be short, printable or well-formed.
//!
//! [`post`] tells somebody else than a node something, by the same certificates and proxies.
//!
//! The crate does not verify the node's answers (it trusts the node), or follow events.

mod error;
mod ledger;
mod line;
mod transaction;

mod ask;
mod assets;
mod events;
mod history;
mod http;
mod next;
mod node;
mod queue;
mod refusal;
mod runs;
mod simulation;
mod statement;

pub use ask::PastLedger;
pub use assets::{CreatedAsset, NewAsset};
pub use error::LedgerError;
pub use history::LastCommitment;
pub use http::{PostError, post};
pub use ledger::{FEE_MAX, Ledger};
pub use line::{Carried, Line, LineAnswer, LineError};
pub use next::NextLedger;
pub use runs::{Announcement, OpenedRun, Signature};
pub use simulation::{Simulated, SimulatedCall};
pub use transaction::Receipt;
