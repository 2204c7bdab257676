//! The index beside a ledger, on files in temporary directories.

#![expect(clippy::unwrap_used, reason = "a test stops where a helper cannot go on")]

mod chain;
mod crash;
mod following;
mod pages;
mod properties;
mod scan;
