//! Against a scripted node over real HTTP: what the network and the node can do to a client.

#![expect(clippy::unwrap_used, reason = "helpers of tests, where a panic is the failure")]

mod changes;
mod reads;
mod runs;
mod stub;
