//! The worker's files: shards of the corpus and its own error-feedback memories, each named by its digest.
//!
//! Every file is checked against its digest when read, so a damaged file counts as missing.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use units::Digest;

/// Number of memories kept for a run: the newest, and those that an auditor may still request.
pub(crate) const MEMORIES_KEPT_MAX: usize = 12;

/// A directory of content-addressed files.
#[derive(Clone, Debug)]
pub(crate) struct WorkerFiles {
    shards: PathBuf,
    memories: PathBuf,
}

impl WorkerFiles {
    /// Opens the folders below `data_dir` and creates missing ones; shards are shared by all runs, memories belong
    /// to `run`.
    ///
    /// # Errors
    /// When a folder can't be created.
    pub(crate) fn open(data_dir: &Path, run: u64) -> io::Result<Self> {
        let files = Self {
            shards: data_dir.join("shards"),
            memories: data_dir.join("runs").join(run.to_string()).join("memories"),
        };
        fs::create_dir_all(&files.shards)?;
        fs::create_dir_all(&files.memories)?;
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

    /// Returns a stored memory, or `None`.
    #[must_use]
    pub(crate) fn memory(&self, digest: &Digest) -> Option<Vec<u8>> {
        read_checked(&self.memories, digest)
    }

    /// Returns all stored memories.
    ///
    /// # Errors
    /// When the folder or a file can't be read.
    pub(crate) fn memories(&self) -> io::Result<Vec<Vec<u8>>> {
        fs::read_dir(&self.memories)?.map(|entry| fs::read(entry?.path())).collect()
    }

    /// Stores a memory, then removes the oldest beyond [`MEMORIES_KEPT_MAX`].
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) fn store_memory(&self, bytes: &[u8]) -> io::Result<()> {
        write_named(&self.memories, bytes)?;
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.memories)? {
            let entry = entry?;
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
        files.sort();
        let surplus = files.len().saturating_sub(MEMORIES_KEPT_MAX);
        for (_, path) in files.into_iter().take(surplus) {
            fs::remove_file(path)?;
        }
        Ok(())
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
        let files = WorkerFiles::open(folder.path(), 1).unwrap();
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
        let keep = WorkerFiles::open(folder.path(), 300).unwrap();
        keep.store_shard(b"some text").unwrap();
        keep.store_memory(&[1, 2, 3]).unwrap();
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

    #[test]
    fn old_memories_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let files = WorkerFiles::open(folder.path(), 1).unwrap();
        for index in 0..MEMORIES_KEPT_MAX + 5 {
            files.store_memory(format!("memory {index}").as_bytes()).unwrap();
        }
        let kept = fs::read_dir(folder.path().join("runs/1/memories")).unwrap().count();
        assert_eq!(kept, MEMORIES_KEPT_MAX);
    }
}
