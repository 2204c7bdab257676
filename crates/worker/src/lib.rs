//! Does the steps assigned to this device, and audits those of others.
//!
//! 1. Read the run from the ledger, check that this machine has the memory for its model, sign who is paid (*link*)
//!    and that the device takes part (*enrol*).
//! 2. Connect to the coordinator; it relays the two statements and sends specification and manifest, both checked
//!    against the terms.
//! 3. For each round: get parameters and shards, all by digest; train; sign the commitment; serve the update.
//! 4. For each audit for which the ledger has drawn this device: repeat the round, publish the finding.
//! 5. When the connection is lost: connect again, for at most `patience`. Finished work is submitted again.
//!
//! Invariants: nothing is signed that was not computed here; a round starts only from the state on the ledger; this
//! machine has no key but the device's, which can spend nothing.
//!
//! The crate does not decide when the machine is idle (the agent will), nor what the work is worth.

mod files;
mod fit;
mod inputs;
mod inquiry;
mod misbehaviour;
mod options;
mod participate;
mod session;
mod speed;
mod states;
mod terms;
mod view;
mod watch;
mod work;

pub use inquiry::{Estimate, Inquiry, Offer, is_unreachable};
pub use misbehaviour::{Behaviour, UnknownBehaviour};
pub use options::{Event, Options};
pub use participate::{Refusal, participate};
pub use session::Ending;
pub use terms::Contradiction;
pub use work::{Finding, Pace};
