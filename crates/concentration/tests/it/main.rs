//! Tests of the crate from outside.

mod live;
mod measures;
mod power;
mod votes;
