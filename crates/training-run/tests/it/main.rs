//! Tests of the rules of a training run.

mod attacks;
mod chances;
mod disputes;
mod endings;
mod play;
mod properties;
mod scenarios;
mod sizes;
