//! What sensors are told.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The longest list of exclusive programs.
pub const EXCLUSIVE_MAX: usize = 256;

/// What sensors have to know of this process and of its owner's wishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The folder that holds `proc`, `sys`, `dev` and `run`: `/`, or a tree of files in a test.
    pub root: PathBuf,
    /// The process whose work, with that of its descendants, is ours and not that of others: usually this one.
    pub own_process: u32,
    /// A folder on the disk whose free space counts.
    pub disk: PathBuf,
    /// Programs that the owner wants to have the machine for themselves, by name. Those after the first [`EXCLUSIVE_MAX`] are not looked for.
    pub exclusive: Vec<String>,
    /// Whether the network is metered.
    pub metered: Metered,
}

/// Whether the network is metered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metered {
    /// The owner says yes.
    Yes,
    /// The owner says no.
    No,
    /// What the operating system says.
    Detect,
}
