//! The simulated network: the behaviour of the real one, and its faults.

#![expect(clippy::unwrap_used, reason = "helpers of tests, where a panic is the failure")]

mod faults;
mod ground;
mod network;
mod seeds;
