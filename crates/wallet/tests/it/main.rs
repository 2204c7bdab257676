//! Keys on disk, unlocked by this crate and by alloy.

#![expect(clippy::unwrap_used, reason = "helpers of tests, where a panic is the failure")]

mod accounts;
mod device;
