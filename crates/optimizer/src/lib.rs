//! Inner steps on one machine, outer steps over many.

mod outer;

pub use outer::{Nesterov, OuterRates, aggregate};
