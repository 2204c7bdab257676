//! Decides when a machine works for others, and what its owner is left with.

#[cfg(target_os = "linux")]
mod hold;

#[cfg(target_os = "linux")]
pub use hold::{
    ApplyError, Cgroups, Freezer, Hold, HoldOptions, Level, Pipes, Protection, Released,
    SpawnError, Standing,
};
