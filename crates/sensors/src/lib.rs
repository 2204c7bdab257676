//! Says what a machine's owner needs of it: input, load, power, heat and network.
//!
//! A sensor answers with a [`Reading`]: what it saw, where, and when. What cannot be seen is [`Seen::Unknown`] with the reason, never a guess:
//! whoever decides treats it as if the machine were in use.
//!
//! The crate decides nothing.

mod readings;

pub use readings::{
    Battery, Call, Heat, Input, Load, Memory, Milliseconds, Network, Power, Reading, Readings,
    Seen, WallTime,
};
