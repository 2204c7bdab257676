//! Plays whole networks from a seed, in memory and virtual time.
//!
//! Coordinator, workers, referee, node and ledger are the real ones. What they are given is simulated: the [network]
//! between them with its faults, the line to the node, the time, and how long a computation takes.
//!
//! 1. [`Plan::of`] draws from a seed who takes part, who cheats, whether the owner steals, how much is lost, and what breaks when.
//! 2. [`simulate`] plays the plan: machines crash and start again from their disks, paths are cut, devices cheat.
//! 3. After every block the money of the whole ledger is counted (`books`); at the end every run is over, every honest device is
//!    paid for each commitment that came into a block and is still welcome, and made-up work is not paid.
//! 4. What does not hold is reported with its seed. The same seed gives the same history, line by line.
//!
//! Everything runs in one thread on a tokio runtime whose clock is paused: it advances to the next timer when nobody has
//! anything to do. Whatever is random is drawn from one [seed](Random), in the order in which it happens, so the same seed
//! gives the same history.
//!
//! It does not simulate what is below the traits of network and ledger: sockets, threads, power cuts of a disk.

pub mod network;

mod hosts;
mod outcome;
mod plan;
mod random;
mod world;

mod books;
mod line;
mod node_host;
mod panics;
mod steward;
mod thief;
mod trace;
mod virtual_machine;
mod watched;

pub use books::Settled;
pub use hosts::Host;
pub use outcome::{Outcome, Recording};
pub use plan::{Fault, FaultKind, Part, Plan, PlannedEnding};
pub use random::Random;
pub use world::simulate;
