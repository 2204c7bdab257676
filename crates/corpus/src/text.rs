//! Reads a file or a folder of text.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use thiserror::Error;

/// Largest text, in bytes: it is held in memory while it is split.
pub(crate) const TEXT_SIZE_MAX: usize = 1 << 31;

/// Largest number of files in a folder: a folder with more is probably the wrong one.
const FILE_COUNT_MAX: usize = 100_000;

/// Largest depth of nested folders.
const DEPTH_MAX: usize = 32;

/// Why a text can't be used for training.
#[derive(Debug, Error)]
pub enum CorpusError {
    /// The path can't be read.
    #[error("{path} can't be read: check that it exists and that you may read it", path = .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The text is only white space, or the folder has no files.
    #[error("{path} contains no text: give a text file, or a folder of text files", path = .path.display())]
    Empty {
        /// The file or folder.
        path: PathBuf,
    },
    /// The path is neither a file nor a folder.
    #[error("{path} is a pipe, device or socket, not a file: write the text to a file, and give that", path = .path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A file is not UTF-8.
    #[error("{path} is not UTF-8 text (first invalid byte at {offset}): convert it, or move it out of the folder", path = .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Offset of the first byte that is not UTF-8.
        offset: usize,
    },
    /// The text is too short to train and validate on.
    #[error("{size} bytes of text in {path}, at least {minimum} are needed: add text, or choose a shorter context", path = .path.display())]
    TooSmall {
        /// The file or folder.
        path: PathBuf,
        /// Size of the text in bytes.
        size: usize,
        /// Smallest size in bytes.
        minimum: usize,
    },
    /// The text is too large, or the folder has too many files.
    #[error("{path} has more than {bound}: train on a part of it", path = .path.display())]
    TooLarge {
        /// The file or folder.
        path: PathBuf,
        /// The exceeded bound, as text.
        bound: String,
    },
}

/// Returns the text of a file, or of all files below a folder in the order of their paths, each ended by a newline.
///
/// Names that begin with a dot are skipped. Links are followed, up to `DEPTH_MAX` folders deep.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, CorpusError> {
    let metadata = fs::metadata(path).map_err(|source| unreadable(path, source))?;
    if metadata.is_file() {
        return read_file(path);
    }
    if !metadata.is_dir() {
        // Reading it could wait for ever, or never end.
        return Err(CorpusError::NotAFile { path: path.to_owned() });
    }
    let mut files = Vec::new();
    collect(path, 0, &mut files)?;
    let mut text = Vec::new();
    for file in files {
        text.extend(read_file(&file)?);
        if text.last().is_some_and(|&last| last != b'\n') {
            text.push(b'\n');
        }
        if text.len() > TEXT_SIZE_MAX {
            return Err(too_large(path));
        }
    }
    Ok(text)
}

pub(crate) fn too_large(path: &Path) -> CorpusError {
    CorpusError::TooLarge { path: path.to_owned(), bound: format!("{TEXT_SIZE_MAX} bytes") }
}

/// Appends the files below `folder`, sorted by name in each folder, so the order is the same on every machine.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), CorpusError> {
    let too_large = |bound| CorpusError::TooLarge { path: folder.to_owned(), bound };
    if depth > DEPTH_MAX {
        return Err(too_large(format!("{DEPTH_MAX} nested folders")));
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(|source| unreadable(folder, source))? {
        let entry = entry.map_err(|source| unreadable(folder, source))?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            entries.push(entry.path());
        }
    }
    entries.sort();
    for path in entries {
        let metadata = fs::metadata(&path).map_err(|source| unreadable(&path, source))?;
        if metadata.is_dir() {
            collect(&path, depth + 1, files)?;
        } else if metadata.is_file() {
            files.push(path);
        }
        if files.len() > FILE_COUNT_MAX {
            return Err(too_large(format!("{FILE_COUNT_MAX} files")));
        }
    }
    Ok(())
}

fn read_file(path: &Path) -> Result<Vec<u8>, CorpusError> {
    let size = fs::metadata(path).map_err(|source| unreadable(path, source))?.len();
    if usize::try_from(size).is_ok_and(|size| size > TEXT_SIZE_MAX) {
        return Err(too_large(path));
    }
    let bytes = fs::read(path).map_err(|source| unreadable(path, source))?;
    check_text(&bytes, path)?;
    Ok(bytes)
}

pub(crate) fn check_text(bytes: &[u8], path: &Path) -> Result<(), CorpusError> {
    std::str::from_utf8(bytes).map(|_| ()).map_err(|error| CorpusError::NotText {
        path: path.to_owned(),
        offset: error.valid_up_to(),
    })
}

fn unreadable(path: &Path, source: io::Error) -> CorpusError {
    CorpusError::Unreadable { path: path.to_owned(), source }
}
