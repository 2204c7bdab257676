//! The rules of issuance: schedule, specifications, claims, rewards.

#![expect(clippy::unwrap_used, reason = "a test stops where a helper cannot go on")]

mod claims;
mod economy;
mod releases;
mod rewards;
mod schedule;
mod specifications;
