//! Reads small files below a folder that is `/` on a machine, and a tree of files in a test.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The longest file that is read, in bytes. Longer ones are cut.
const SIZE_MAX: u64 = 1 << 20;

/// The longest list of names that is read. Longer ones are cut.
const NAMES_MAX: usize = 1 << 16;

/// The folder that holds `proc`, `sys` and `dev`.
#[derive(Clone, Debug)]
pub(crate) struct Root(PathBuf);

impl Root {
    /// Takes the folder that is `/` in a running system.
    pub(crate) fn new(folder: &Path) -> Self {
        Self(folder.to_path_buf())
    }

    /// Whether this is the machine itself, not a tree of files.
    pub(crate) fn is_real(&self) -> bool {
        self.0 == Path::new("/")
    }

    /// Returns the whole path of a file, given without the leading slash.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// Reads a file as text; what is not UTF-8 is replaced.
    ///
    /// # Errors
    /// The path and the reason of the operating system.
    pub(crate) fn text(&self, file: &str) -> Result<String, String> {
        let path = self.path(file);
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|opened| opened.take(SIZE_MAX).read_to_end(&mut bytes))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads a file that holds one word or number, without the line's end; `None` if it cannot be read.
    pub(crate) fn word(&self, file: &str) -> Option<String> {
        self.text(file).ok().map(|text| text.trim().to_owned())
    }

    /// Reads a file that holds one number; `None` if it is absent or something else.
    pub(crate) fn number<N: std::str::FromStr>(&self, file: &str) -> Option<N> {
        self.word(file)?.parse().ok()
    }

    /// Returns the names in a folder, sorted; none if it cannot be read.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path(folder))
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .take(NAMES_MAX)
            .collect();
        names.sort();
        names
    }

    /// Returns the numbers of the processes that run.
    pub(crate) fn processes(&self) -> Vec<u32> {
        self.names("proc").iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// Whether a file or folder is there.
    pub(crate) fn has(&self, file: &str) -> bool {
        self.path(file).exists()
    }

    /// Returns the last part of what a link points to.
    pub(crate) fn link_name(&self, file: &str) -> Option<String> {
        let target = fs::read_link(self.path(file)).ok()?;
        Some(target.file_name()?.to_string_lossy().into_owned())
    }
}
