//! Tests of a node on a real directory.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod chain;
mod development;
mod history;
mod opening;
mod revisions;
#[path = "../../../execution/tests/it/sample.rs"]
mod sample;
mod statements;
mod support;
mod time;
mod voted_revisions;
