//! The model from outside: against other implementations, and against itself on other instructions and threads.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy only spares the tests themselves"
)]

mod against_llama;
mod against_plain;
mod exactness;
mod memory;
mod plain;
