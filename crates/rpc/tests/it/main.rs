//! The server and what talks to it: alloy's provider, our own client, and bare HTTP.

#![expect(clippy::unwrap_used, reason = "a test stops where a helper cannot go on")]

mod bounds;
mod calls;
mod chain;
mod development;
mod envelopes;
mod http;
mod news;
mod parts;
mod previews;
mod pruned;
mod serving;
mod submission;
mod support;
mod traces;
mod websocket;
