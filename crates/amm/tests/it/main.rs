//! The rules of pools: formulas against exact arithmetic, invariants after every step.

#![expect(clippy::unwrap_used, reason = "a test stops where a helper cannot go on")]

mod concentrated;
