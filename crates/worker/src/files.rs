//! The worker's files: shards of the corpus, each named by its digest.
//!
//! Every file is checked against its digest when read, so a damaged file counts as missing.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use units::Digest;

/// A directory of content-addressed files.
#[derive(Clone, Debug)]
pub(crate) struct WorkerFiles {
    shards: PathBuf,
}

impl WorkerFiles {
    /// Opens the folder below `data_dir`, which all runs share, and creates it when it is missing.
    ///
    /// # Errors
    /// When the folder can't be created.
    pub(crate) fn open(data_dir: &Path) -> io::Result<Self> {
        let files = Self { shards: data_dir.join("shards") };
        fs::create_dir_all(&files.shards)?;
        Ok(files)
    }

    /// Returns a stored shard, or `None`.
    #[must_use]
    pub(crate) fn shard(&self, digest: &Digest) -> Option<Vec<u8>> {
        read_checked(&self.shards, digest)
    }

    /// Stores a shard.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) fn store_shard(&self, bytes: &[u8]) -> io::Result<()> {
        write_named(&self.shards, bytes)
    }
}

fn read_checked(folder: &Path, digest: &Digest) -> Option<Vec<u8>> {
    let bytes = fs::read(folder.join(digest.to_string())).ok()?;
    (Digest::of(&bytes) == *digest).then_some(bytes)
}

/// Writes to a temporary file, then renames it: a reader never sees a partial file, and a crash leaves at most a
/// stray `.new` file.
fn write_named(folder: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = Digest::of(bytes).to_string();
    let beside = folder.join(format!("{name}.new"));
    fs::write(&beside, bytes)?;
    fs::rename(beside, folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_counts_as_missing() {
        let folder = tempfile::tempdir().unwrap();
        let files = WorkerFiles::open(folder.path()).unwrap();
        files.store_shard(b"some text").unwrap();
        let digest = Digest::of(b"some text");
        assert_eq!(files.shard(&digest).unwrap(), b"some text");
        fs::write(folder.path().join("shards").join(digest.to_string()), b"other text").unwrap();
        assert_eq!(files.shard(&digest), None);
    }

    /// A worker of a later version reads the files of an earlier one.
    #[test]
    fn the_files_stay_where_and_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let keep = WorkerFiles::open(folder.path()).unwrap();
        keep.store_shard(b"some text").unwrap();
        let mut folders = vec![folder.path().to_owned()];
        let mut files = Vec::new();
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(folder.path()).unwrap().display().to_string();
                    files.push(format!("{name}\n{}", golden::hex(&fs::read(path).unwrap())));
                }
            }
        }
        files.sort();
        golden::check!("keep.txt", &files.concat());
    }
}
