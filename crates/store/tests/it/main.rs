//! The store through its public interface, on files in temporary directories.

#![expect(clippy::unwrap_used, reason = "a test stops where a helper cannot go on")]

mod chain;
mod commits;
mod crash;
mod damage;
mod development;
mod faults;
mod golden_files;
mod growth;
mod past;
mod pruned;
mod snapshots;
