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

/// Names that Windows keeps for devices.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Returns a file name for any text, different ones for different texts, also on disks that ignore case.
///
/// Lower-case ASCII letters, digits and hyphens stand for themselves, any other byte is `_` and two hexadecimal digits.
pub(crate) fn file_name(text: &str) -> String {
    let is_numbered = |name: &str| {
        let number = text.strip_prefix(name);
        number.is_some_and(|number| number.len() == 1 && number.as_bytes()[0].is_ascii_digit())
    };
    let is_reserved = RESERVED.contains(&text) || is_numbered("com") || is_numbered("lpt");
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let encode = |(index, byte): (usize, u8)| {
        let is_kept = plain(byte) && !(is_reserved && index == 0);
        if is_kept { char::from(byte).to_string() } else { format!("_{byte:02x}") }
    };
    text.bytes().enumerate().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_text_has_a_file_name_of_its_own() {
        let texts = [
            "barley", "Barley", "BARLEY", "日本", "中国", "a b", "a_b", "a.b", "a/b", "a_20b", ".",
            "..", "con", "com1", "com", "_63on", "a-b", "é", "e\u{301}",
        ];
        let names: BTreeSet<String> =
            texts.iter().map(|text| file_name(text).to_lowercase()).collect();
        assert_eq!(names.len(), texts.len(), "{names:?}");
        for name in &names {
            let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            assert!(name.bytes().all(is_safe) && name != "con" && name != "com1", "{name}");
        }
        assert_eq!(file_name("barley"), "barley");
        assert_eq!(file_name("a b"), "a_20b");
    }
}
