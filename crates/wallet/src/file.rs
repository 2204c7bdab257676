//! Files that hold secrets: private, never overwritten, whole or absent.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Why a secret was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A key is never overwritten.
    #[error("{} is there already and was left as it is", .path.display())]
    AlreadyThere {
        /// The file.
        path: PathBuf,
    },
    /// The disk refused.
    #[error("{} can't be written", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The operating system gave no randomness.
    #[error("no random bytes from the operating system: {reason}")]
    Random {
        /// Why.
        reason: String,
    },
}

/// `N` random bytes for keys, salts and names.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], WriteError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| WriteError::Random { reason: error.to_string() })?;
    Ok(bytes)
}

/// Writes a file that only its owner may read, in a folder that only its owner may enter, and flushes both.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let failed = |source: io::Error| WriteError::Io { path: path.to_owned(), source };
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    private_folder(folder).map_err(failed)?;
    let unfinished = folder.join(format!(".{:016x}", u64::from_be_bytes(random()?)));
    let result = write_private(&unfinished, bytes).and_then(|()| {
        // A link fails where a rename would overwrite.
        fs::hard_link(&unfinished, path)?;
        File::open(folder)?.sync_all()
    });
    // Left behind, it would be a second copy of the secret; it is gone already when it could not be created.
    let removed = fs::remove_file(&unfinished);
    match result {
        Ok(()) => removed.map_err(failed),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(WriteError::AlreadyThere { path: path.to_owned() })
        }
        Err(error) => Err(failed(error)),
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
