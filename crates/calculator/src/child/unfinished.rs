//! The folder of the round that was interrupted.
//!
//! A round has two files, written in turn: a kill while one is written leaves the other. Only the newest own round is kept.

use std::{
    fs::{self, File},
    io,
    path::PathBuf,
};

use units::Digest;

/// Where rounds are saved, and with how much space.
#[derive(Clone, Debug)]
pub struct Unfinished {
    folder: PathBuf,
    size_max: u64,
}

impl Unfinished {
    /// Saves rounds in this folder, with at most so many bytes.
    #[must_use]
    pub fn new(folder: PathBuf, size_max: u64) -> Self {
        Self { folder, size_max }
    }

    /// Opens the files of a round, of at most `size` bytes each, and removes those of other rounds. Returns none when there is no space
    /// for it or the folder can't be used: then the round is not saved.
    pub(super) fn open(&self, round: &Digest, size: u64) -> Vec<File> {
        let count = match self.size_max.checked_div(size).unwrap_or(0) {
            0 => {
                self.clear();
                return Vec::new();
            }
            1 => 1,
            _ => 2,
        };
        self.open_files(round, count).unwrap_or_else(|error| {
            let folder = self.folder.display();
            tracing::warn!(%folder, %error, "rounds are not saved: what is interrupted is lost");
            Vec::new()
        })
    }

    fn open_files(&self, round: &Digest, count: usize) -> io::Result<Vec<File>> {
        fs::create_dir_all(&self.folder)?;
        let own: Vec<PathBuf> =
            (0..count).map(|slot| self.folder.join(format!("{round}.{slot}"))).collect();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if !own.contains(&path) {
                fs::remove_file(path)?;
            }
        }
        let open =
            |path| File::options().create(true).truncate(false).read(true).write(true).open(path);
        own.into_iter().map(open).collect()
    }

    /// Removes all files: the round has ended.
    pub(super) fn clear(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            if let Err(error) = fs::remove_file(entry.path()) {
                tracing::debug!(%error, "a saved round was not removed");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_round_is_kept_and_the_space_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let files = Unfinished::new(folder.path().join("unfinished"), 250);
        let names = || {
            let entries = fs::read_dir(folder.path().join("unfinished")).unwrap();
            let mut names: Vec<String> =
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        let [first, second] = [Digest::of(b"1"), Digest::of(b"2")];
        assert_eq!(files.open(&first, 100).len(), 2);
        assert_eq!(names(), [format!("{first}.0"), format!("{first}.1")]);
        assert_eq!(files.open(&second, 200).len(), 1, "two would be too large");
        assert_eq!(names(), [format!("{second}.0")]);
        assert_eq!(files.open(&first, 251).len(), 0, "even one would be");
        assert_eq!(names(), [""; 0]);
        files.open(&first, 100);
        files.clear();
        assert_eq!(names(), [""; 0]);
    }
}
