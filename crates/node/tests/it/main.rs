//! A node on a real directory.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod chain;
mod development;
mod opening;
mod support;
mod time;
