//! Inner steps on one machine, outer steps over many.

mod inner;
mod outer;

pub use inner::{AdamW, HyperParameters, Schedule};
pub use outer::{Nesterov, OuterRates, aggregate};
