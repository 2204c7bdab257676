//! The worker's files: shards of the corpus, each named by its digest.
//!
//! They are a cache: every file is checked against its digest when read, so a damaged file counts as missing. When
//! the owner's limit is reached, those that were not used for longest are removed.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use units::Digest;

/// End of the name of a file that is being written.
const UNFINISHED: &str = "new";

/// A directory of content-addressed files.
#[derive(Clone, Debug)]
pub(crate) struct WorkerFiles {
    shards: PathBuf,
    size_max: u64,
}

impl WorkerFiles {
    /// Opens the folder below `data_dir`, which all runs share, and creates it when it is missing. Its files have at
    /// most `size_max` bytes together.
    ///
    /// # Errors
    /// When the folder can't be created or read.
    pub(crate) fn open(data_dir: &Path, size_max: u64) -> io::Result<Self> {
        let files = Self { shards: data_dir.join("shards"), size_max };
        fs::create_dir_all(&files.shards)?;
        for entry in fs::read_dir(&files.shards)? {
            let path = entry?.path();
            // Of a process that was killed while it wrote.
            if path.extension().is_some_and(|end| end == UNFINISHED) {
                fs::remove_file(path)?;
            }
        }
        files.make_room(0)?;
        Ok(files)
    }

    /// Returns the folder of the shards.
    pub(crate) fn folder(&self) -> &Path {
        &self.shards
    }

    /// Returns a stored shard, or `None`.
    #[must_use]
    pub(crate) fn shard(&self, digest: &Digest) -> Option<Vec<u8>> {
        let bytes = read_checked(&self.shards, digest)?;
        // Without the time of this use the file is only removed earlier.
        if let Err(error) = touch(&self.shards.join(digest.to_string())) {
            tracing::debug!(%error, "the use of a shard was not noted");
        }
        Some(bytes)
    }

    /// Stores a shard, and removes those that were not used for longest if there are too many.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) fn store_shard(&self, bytes: &[u8]) -> io::Result<()> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.size_max < size {
            return Ok(());
        }
        self.make_room(size)?;
        write_named(&self.shards, bytes)
    }

    /// Removes the files that were not used for longest until `size` more bytes are within the limit.
    fn make_room(&self, size: u64) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.shards)? {
            let entry = entry?;
            let about = entry.metadata()?;
            files.push((about.modified()?, about.len(), entry.path()));
        }
        let mut held: u64 = files.iter().map(|(_, size, _)| size).sum();
        files.sort();
        for (_, freed, path) in files {
            if held.saturating_add(size) <= self.size_max {
                break;
            }
            fs::remove_file(path)?;
            held = held.saturating_sub(freed);
        }
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "the time of a file's last use, for the cache only")]
fn touch(path: &Path) -> io::Result<()> {
    fs::File::options().append(true).open(path)?.set_modified(SystemTime::now())
}

fn read_checked(folder: &Path, digest: &Digest) -> Option<Vec<u8>> {
    let bytes = fs::read(folder.join(digest.to_string())).ok()?;
    (Digest::of(&bytes) == *digest).then_some(bytes)
}

/// Writes to a temporary file, then renames it: a reader never sees a partial file, and a crash leaves at most a
/// stray `.new` file.
fn write_named(folder: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = Digest::of(bytes).to_string();
    let beside = folder.join(format!("{name}.{UNFINISHED}"));
    let written = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, folder.join(name)));
    if written.is_err() {
        // A part of a file takes space that is missing already.
        let _removed = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_counts_as_missing() {
        let folder = tempfile::tempdir().unwrap();
        let files = WorkerFiles::open(folder.path(), u64::MAX).unwrap();
        files.store_shard(b"some text").unwrap();
        let digest = Digest::of(b"some text");
        assert_eq!(files.shard(&digest).unwrap(), b"some text");
        fs::write(folder.path().join("shards").join(digest.to_string()), b"other text").unwrap();
        assert_eq!(files.shard(&digest), None);
    }

    #[test]
    fn the_owners_limit_holds() {
        let folder = tempfile::tempdir().unwrap();
        let files = WorkerFiles::open(folder.path(), 100).unwrap();
        let shards: Vec<Vec<u8>> = (0..4).map(|byte| vec![byte; 30]).collect();
        let old = |index: usize, seconds: u64| {
            let path = files.folder().join(Digest::of(&shards[index]).to_string());
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
        };
        let held = || -> u64 {
            fs::read_dir(files.folder())
                .unwrap()
                .map(|it| it.unwrap().metadata().unwrap().len())
                .sum()
        };
        for (index, shard) in shards.iter().take(3).enumerate() {
            files.store_shard(shard).unwrap();
            old(index, 1_000 + u64::try_from(index).unwrap());
        }
        assert_eq!(held(), 90);
        // The oldest is used once more, so the second one goes.
        assert!(files.shard(&Digest::of(&shards[0])).is_some());
        files.store_shard(&shards[3]).unwrap();
        assert_eq!(held(), 90);
        let is_held = |index: usize| files.shard(&Digest::of(&shards[index])).is_some();
        assert_eq!([0, 1, 2, 3].map(is_held), [true, false, true, true]);
        // What can't fit is not kept, and nothing is removed for it.
        files.store_shard(&[9; 101]).unwrap();
        assert_eq!(held(), 90);
        // A lower limit holds from the start, and an unfinished file goes.
        fs::write(files.folder().join("ab.new"), [0; 50]).unwrap();
        WorkerFiles::open(folder.path(), 40).unwrap();
        assert_eq!(held(), 30);
    }

    /// A worker of a later version reads the files of an earlier one.
    #[test]
    fn the_files_stay_where_and_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let keep = WorkerFiles::open(folder.path(), u64::MAX).unwrap();
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
