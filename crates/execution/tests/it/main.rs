//! Blocks and calls, through the public interface, on a state in memory.

#![expect(clippy::unwrap_used, reason = "a test stops where a helper cannot go on")]

mod against_openzeppelin;
mod against_solidity;
mod assets;
mod blocks;
mod calls;
mod chain;
mod desk;
mod genesis;
mod golden_files;
mod kinds;
mod market_lens;
mod modules;
mod native_frames;
mod previews;
mod properties;
mod recorded;
mod refusals;
mod revisions;
mod run_sizes;
mod sample;
mod sealed_gas;
mod traces;
mod twin;
mod uniswap_v2;
mod uniswap_v3;
mod voted_revisions;
mod yield_modules;
