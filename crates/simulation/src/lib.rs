//! Plays whole networks from a seed, in memory and virtual time.
//!
//! Coordinator and workers are the real ones. What they are given is simulated: the [network](network), and with it its
//! faults.
//!
//! Everything runs in one thread on a tokio runtime whose clock is paused: it advances to the next timer when nobody has
//! anything to do. Whatever is random is drawn from one [seed](Random), in the order in which it happens, so the same seed
//! gives the same history.

pub mod network;

mod random;

pub use random::Random;
