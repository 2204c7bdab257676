//! Against a scripted node over real HTTP, which does what the network and a node can do to a client; and against a real node.

#![expect(clippy::unwrap_used, reason = "helpers of tests, where a panic is the failure")]

mod changes;
mod node;
mod reads;
mod runs;
mod stub;
