//! The owner's own page about the agent on their machine.
//!
//! [`page`] is a function of a [`View`]: the same view gives the same page. It needs no script and loads nothing from anywhere. What comes from outside (names of programs, lines
//! of the worker) is escaped, and its invisible characters are shown.
//!
//! The crate reads no file, no clock and no socket; the agent serves the page on the loopback address, and checks the token of what is sent back.

mod chart;
mod page;

pub use chart::{MINUTES, Minute};
pub use page::{View, page};
