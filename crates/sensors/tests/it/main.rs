//! Tests of the sensors over trees of files, and over the machine that runs them.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod events;
mod files;
mod here;
mod tree;
mod wayland;
mod x11;
