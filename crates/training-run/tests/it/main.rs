//! The rules of a run from outside: told as stories, and held against anything that may come in.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod books;
mod codec;
mod disputes;
mod endings;
mod properties;
mod scenarios;
mod support;
