//! Does the steps assigned to this device, and audits those of others.
//!
//! 1. Find the run on the ledger, check that this machine can hold its model, sign who is paid (*link*) and that it takes part (*enrol*).
//! 2. Dial the coordinator; it relays the two statements and answers with specification and manifest, both checked against the terms.
//! 3. For each round: parameters, memory and shards, all by digest; train; sign the commitment; serve the update.
//! 4. For each audit the ledger has drawn this device for: repeat the round, publish what was found.
//! 5. When the connection is lost: dial again, for as long as the owner's patience lasts. Work that is done is handed in again.
//!
//! Invariants: nothing is signed that was not computed here; a round starts only from the state the ledger names; no key but the device's
//! is on this machine, and it can spend nothing.
//!
//! It does not decide when the machine is idle (that will be the agent's), nor what the work is worth.

mod desk;
mod fit;
mod keep;
mod misbehaviour;
mod options;
mod participate;
mod session;
mod states;
mod view;
mod work;

pub use misbehaviour::{Behaviour, UnknownBehaviour};
pub use options::{Event, Options};
pub use participate::{Refusal, participate};
pub use session::Ending;
pub use work::{Finding, Pace};
