//! The rules of a run through their public interface: properties, scenarios, and attacks that succeeded on earlier rules.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod attacks;
mod bounds;
mod chances;
mod disputes;
mod draws;
mod endings;
mod play;
mod properties;
mod referees;
mod reopened;
mod revoked;
mod scenarios;
mod sizes;
