//! Tests of the server with three clients: alloy's provider, our own client, and plain HTTP.

#![expect(clippy::unwrap_used, reason = "a test stops where a helper cannot go on")]

mod account_history;
mod bounds;
mod calls;
mod chain;
mod development;
mod envelopes;
mod http;
mod local;
mod news;
mod parts;
mod previews;
mod pruned;
mod serving;
mod statements;
mod submission;
mod support;
mod traces;
mod websocket;
