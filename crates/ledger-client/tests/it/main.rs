//! Tests against a scripted node over real HTTP, with all faults of networks and nodes; and against a real node.

#![expect(clippy::unwrap_used, reason = "helpers of tests, where a panic is the failure")]

mod changes;
mod lines;
mod node;
mod reads;
mod runs;
mod statements;
mod stub;
mod views;
