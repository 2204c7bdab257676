//! The rules of assets, through the public interface.

#![expect(clippy::unwrap_used, reason = "a test stops where a helper cannot go on")]

mod properties;
mod rules;
