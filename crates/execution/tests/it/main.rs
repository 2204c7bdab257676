//! Blocks and calls, through the public interface, on a state in memory.

mod blocks;
mod calls;
mod chain;
mod genesis;
mod kinds;
mod properties;
mod refusals;
