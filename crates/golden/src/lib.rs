//! For tests: compares output with a file in the repository.
//!
//! Bytes that outlive a process or a version (on disk, on the wire, under a signature) are pinned this way: changing
//! them changes a file under `tests/golden/`, which a person approves by committing it. `UPDATE_GOLDEN=1 cargo test
//! …` rewrites the files.
//!
//! A test also *decodes* what it wrote. Because the bytes are equal to the file, it has then decoded what earlier
//! versions wrote.
//!
//! ```no_run
//! golden::check!("name.txt", &golden::hex(&[1, 2, 3]));
//! ```

use std::{fmt::Write as _, fs, path::Path};

/// Compares text with a file under `tests/golden/` of the calling crate.
#[macro_export]
macro_rules! check {
    ($name:literal, $text:expr) => {
        $crate::check_file(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/", $name), $text)
    };
}

/// Writes bytes in hex, 32 a line, so that a difference shows where it is.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.chunks(32) {
        for byte in line {
            write!(text, "{byte:02x}").expect("text can be written to");
        }
        text.push('\n');
    }
    text
}

/// Compares text with a file; call [`check!`], which adds the folder.
///
/// # Panics
/// When they differ, or the file is missing, unless `UPDATE_GOLDEN` is set: then the file is written.
#[track_caller]
pub fn check_file(path: &str, text: &str) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the person who runs the tests requests new files"
    )]
    let is_update = std::env::var("UPDATE_GOLDEN").is_ok_and(|value| value != "0");
    if is_update {
        update(Path::new(path), text);
    } else if let Err(difference) = compare(Path::new(path), text) {
        panic!(
            "{path}: {difference}\nUPDATE_GOLDEN=1 writes the file; its difference is the change to approve"
        );
    }
}

fn update(path: &Path, text: &str) {
    let folder = path.parent().expect("a file lies in a folder");
    fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Returns the first line that differs.
fn compare(path: &Path, text: &str) -> Result<(), String> {
    let expected = fs::read_to_string(path).map_err(|error| error.to_string())?;
    if expected == text {
        return Ok(());
    }
    let mut lines = expected.split('\n').zip(text.split('\n'));
    let first = lines.position(|(expected, found)| expected != found);
    let line = first.unwrap_or_else(|| expected.lines().count().min(text.lines().count()));
    let at = |text: &str| text.split('\n').nth(line).unwrap_or_default().to_owned();
    Err(format!(
        "line {} differs\n  expected: {}\n     found: {}",
        line + 1,
        at(&expected),
        at(text)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/file.txt");
        assert!(compare(&path, "a\n").is_err(), "no file");
        update(&path, "a\nb\nc\n");
        assert_eq!(compare(&path, "a\nb\nc\n"), Ok(()));
        for (text, says) in [
            ("a\nx\nc\n", "line 2 differs\n  expected: b\n     found: x"),
            ("a\nb\n", "line 3 differs\n  expected: c\n     found: "),
            ("a\nb\nc\nd\n", "line 4 differs\n  expected: \n     found: d"),
            ("a\nb\nc", "line 4 differs"),
        ] {
            let difference = compare(&path, text).unwrap_err();
            assert!(difference.starts_with(says), "{difference}");
        }
    }

    #[test]
    fn bytes_stand_32_a_line() {
        assert_eq!(hex(&[]), "");
        assert_eq!(hex(&[0, 255]), "00ff\n");
        assert_eq!(hex(&[7; 33]), format!("{}\n07\n", "07".repeat(32)));
    }
}
