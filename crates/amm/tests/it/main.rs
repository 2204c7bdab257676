//! Vectors, models with integers of any size, and invariants after every step.

#![expect(clippy::unwrap_used, reason = "a test stops where a helper cannot go on")]

mod concentrated;
mod constant_product;
mod risk;
