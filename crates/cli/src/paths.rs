//! Default folders.
//!
//! `GLEANER_HOME`, or `gleaner` below `XDG_DATA_HOME`, or `~/.local/share/gleaner`.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::failure::Hint as _;
use crate::shell::variable;

/// Returns the folder that contains all default folders.
///
/// # Errors
/// When neither `GLEANER_HOME`, `XDG_DATA_HOME` nor `HOME` is set.
pub(crate) fn home() -> anyhow::Result<PathBuf> {
    if let Some(home) = variable("GLEANER_HOME") {
        return Ok(home.into());
    }
    // The XDG specification requires that relative paths are ignored.
    let data = variable("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    data.or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".local/share")))
        .map(|data| data.join("gleaner"))
        .context("there is no data folder: GLEANER_HOME, XDG_DATA_HOME and HOME are not set")
        .hint("export GLEANER_HOME=/a/folder/of/yours")
}

/// Returns `folder` if it was given, else the folder `name` below [`home`].
///
/// # Errors
/// As [`home`].
pub(crate) fn or_home(folder: Option<PathBuf>, name: &str) -> anyhow::Result<PathBuf> {
    folder.map_or_else(|| Ok(home()?.join(name)), Ok)
}
