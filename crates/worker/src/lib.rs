//! Does the steps assigned to this device, and audits those of others.
//!
//! 1. Connect to the coordinator, which sends specification and manifest; both are checked against the terms on the ledger,
//!    and against what this machine has.
//! 2. Sign who is paid (*link*) and that the device takes part (*enrol*); wait until the ledger shows the seat.
//! 3. For each round: get parameters and shards, all by digest; train; sign the commitment; serve the update once the
//!    commitment is in a block.
//! 4. For each audit for which the ledger has drawn this device: repeat the round, sign the finding.
//! 5. When a round of this device is disputed: disclose what its seal was made over.
//! 6. What the coordinator does not bring to the ledger within seconds is given to a node. Seat, audits and end of the run are read
//!    from the ledger.
//! 7. When the connection is lost: connect again, for at most `patience`, to whichever coordinator the ledger names. Finished
//!    work is kept.
//! 8. To a coordinator that takes the run over: serve what this device holds of the run, by digest.
//!
//! Three others repeat rounds with the same code: the owner's auditing device ([`audit`]), a referee of the ledger
//! ([`referee`]), and whoever wants to know ([`replay_round`]).
//!
//! Invariants: nothing is signed that was not computed here; a round starts only from the state on the ledger; this
//! machine has no key but the device's, which can spend nothing.
//!
//! Rounds and replays are computed by a [`Calculator`]: in this process, or in one without network, files and key.
//!
//! The crate does not decide when the machine is idle (the agent will), nor what the work is worth.

mod auditor;
mod audits;
mod conduct;
mod connect;
mod courier;
mod files;
mod fit;
mod holdings;
mod inputs;
mod inquiry;
mod leaves;
mod look;
mod membership;
mod misbehaviour;
mod observer;
mod options;
mod outbox;
mod participate;
mod pay;
mod referee;
mod replay;
mod served;
mod session;
mod speed;
mod states;
mod terms;
mod turns;
mod view;

pub use auditor::{AuditorOptions, audit};
pub use calculator::{Calculator, InProcess, Pace};
pub use conduct::Conduct;
pub use connect::Resources;
pub use inquiry::{Inquiry, Offer, is_unreachable};
pub use machine::Priority;
pub use misbehaviour::{Behaviour, UnknownBehaviour};
pub use observer::{Difference, First, Observation, Observer, replay_round};
pub use options::{Event, Options};
pub use participate::{Refusal, participate};
pub use pay::{Estimate, Stretch};
pub use referee::{RefereeEvent, RefereeOptions, referee};
pub use replay::Finding;
pub use session::Ending;
pub use terms::Contradiction;
