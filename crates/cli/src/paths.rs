//! Where things are kept when no flag says otherwise.
//!
//! `GLEANER_HOME`, or `gleaner` below `XDG_DATA_HOME`, or `~/.local/share/gleaner`.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::failure::Hint as _;
use crate::shell::variable;

/// The folder below which all others lie by default.
///
/// # Errors
/// When neither `GLEANER_HOME`, `XDG_DATA_HOME` nor `HOME` is set.
pub(crate) fn home() -> anyhow::Result<PathBuf> {
    if let Some(home) = variable("GLEANER_HOME") {
        return Ok(home.into());
    }
    // The XDG specification has relative paths ignored.
    let data = variable("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    data.or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".local/share")))
        .map(|data| data.join("gleaner"))
        .context("no folder to keep data in: GLEANER_HOME, XDG_DATA_HOME and HOME are not set")
        .hint("export GLEANER_HOME=/a/folder/of/yours")
}

/// `folder` if a flag named one, else the folder `name` below [`home`].
///
/// # Errors
/// As [`home`].
pub(crate) fn or_home(folder: Option<PathBuf>, name: &str) -> anyhow::Result<PathBuf> {
    folder.map_or_else(|| Ok(home()?.join(name)), Ok)
}
