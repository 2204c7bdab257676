//! The command as users see it: output, exit codes, files.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod abi;
mod agent;
mod asset;
mod bench;
mod claim;
mod confined;
mod demo;
mod devices;
mod doctor;
mod early_end;
mod faults;
mod field;
mod governance;
mod handover;
mod join;
mod killed;
mod measure;
mod node;
mod pool;
mod price;
mod project;
mod proof;
mod referees;
mod resumed;
mod sample;
mod snapshot;
mod stake;
mod standstill;
mod support;
mod swap;
mod usage;
mod wallet;
