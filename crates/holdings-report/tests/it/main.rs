//! Tests of the crate from outside.

#![expect(clippy::unwrap_used, reason = "a test stops where a helper cannot go on")]

mod attack;
mod reference;
mod replay;
mod report;
mod series;
mod sheet;
