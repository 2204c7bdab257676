//! Inner steps on one machine, outer steps over many.

mod choice;
mod inner;
mod muon;
mod outer;

pub use choice::{Inner, InnerKind};
pub use inner::{AdamW, HyperParameters, Schedule};
pub use muon::{Backend, MatrixParameters, Muon};
pub use outer::{Combination, OuterRates};
