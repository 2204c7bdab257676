//! The model through its public interface: compared with other implementations, and between instructions and threads.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy exempts only the tests themselves"
)]

mod against_llama;
mod against_plain;
mod exactness;
mod memory;
mod plain;
