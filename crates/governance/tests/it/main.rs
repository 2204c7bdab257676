//! The rules of governance, from outside.

#![expect(clippy::unwrap_used, reason = "a test stops where a helper cannot go on")]

mod brake;
mod breakers;
mod histogram;
mod jury;
mod revisions;
mod treasury;
mod voice;
mod votes;
