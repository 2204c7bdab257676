//! The rules of a run through its public interface: scenarios and properties.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod books;
mod codec;
mod disputes;
mod endings;
mod properties;
mod scenarios;
mod support;
