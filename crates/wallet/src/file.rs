//! Files with secrets: readable only by their owner, never overwritten, complete or absent.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Why a secret was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file exists, and keys are never overwritten.
    #[error("{} exists already and was not changed", .path.display())]
    AlreadyThere {
        /// The file.
        path: PathBuf,
    },
    /// The file can't be written.
    #[error("{} can't be written", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system: {reason}")]
    Random {
        /// The error of the operating system.
        reason: String,
    },
}

/// Returns `N` random bytes for keys, salts and names.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], WriteError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| WriteError::Random { reason: error.to_string() })?;
    Ok(bytes)
}

/// Writes a file that only its owner may read, in a folder that only its owner may enter, and syncs both.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let failed = |source: io::Error| WriteError::Io { path: path.to_owned(), source };
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    private_folder(folder).map_err(failed)?;
    let unfinished = folder.join(format!(".{:016x}", u64::from_be_bytes(random()?)));
    let result = write_private(&unfinished, bytes).and_then(|()| {
        // Creating a link fails if the file exists; a rename would overwrite it.
        fs::hard_link(&unfinished, path)?;
        File::open(folder)?.sync_all()
    });
    // The temporary file would be a second copy of the secret. If it could not be created, there is nothing to remove.
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
