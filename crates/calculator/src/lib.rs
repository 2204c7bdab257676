//! Computes a device's round, in this process or in a child without rights.
//!
//! What a round is computed from comes from strangers: specification, text, parameters, updates of others. The process that talks to
//! network and ledger, and holds the device's key, need not be the one that computes from it. So a [`Calculator`] is given an [`Order`]:
//!
//! 1. [`InProcess`] computes it in the calling thread.
//! 2. [`Child`] starts the same program once more, for this order only. The child gives up all rights before it reads the first byte of
//!    the order ([`sandbox::confine_computing`]), tells each step, and returns the outcome over the only descriptor that it has.
//!    The parameters are in memory that both processes read and none can change.
//! 3. A child that is told to saves the round into a file that its parent has opened, and a later child continues from it. So a machine
//!    gives its memory back within seconds, and a kill loses a minute of work at most.
//!
//! Invariants: whatever a child says, its parent allocates no more than the order permits and does not panic; an outcome has the
//! form and the first leaf of the ordered round, and digest and root are computed here from its bytes; a child ends before
//! [`Calculator::calculate`] returns, and with its parent.
//!
//! **What is trusted:** that the numbers are those of the round. Only computing it again could tell, which is what an audit does.
//!
//! The crate does not decide what is computed when, keeps no key, and opens no connection.

mod calculate;
#[cfg(target_os = "linux")]
mod child;
pub mod codec;
mod order;

pub use calculate::{Calculator, InProcess};
#[cfg(target_os = "linux")]
pub use child::{Child, ChildError, Needs, Unfinished, serve};
pub use order::{Order, Pace};
