//! Tests of the crate.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod properties;
mod world;
