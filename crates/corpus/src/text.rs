//! Reading a file or a folder of text.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use thiserror::Error;

/// Largest text, in bytes: it is held in memory while it is cut.
pub(crate) const TEXT_SIZE_MAX: usize = 1 << 31;

/// Files of a folder at most: a folder with more is probably not the one that was meant.
const FILE_COUNT_MAX: usize = 100_000;

/// Folders inside folders at most.
const DEPTH_MAX: usize = 32;

/// Why a text can't be trained on.
#[derive(Debug, Error)]
pub enum CorpusError {
    /// The path can't be read.
    #[error("{path} can't be read: check that it is there and yours to read", path = .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing but white space, or a folder without files.
    #[error("{path} holds no text: give a text file, or a folder with some", path = .path.display())]
    Empty {
        /// The file or folder.
        path: PathBuf,
    },
    /// Not text.
    #[error("{path} is not UTF-8 text (first bad byte at {offset}): convert it, or move it out of the folder", path = .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Offset of the first byte that is not UTF-8.
        offset: usize,
    },
    /// Too little to train and validate on.
    #[error("{size} bytes of text in {path}, at least {minimum} are needed: add text, or choose a shorter context", path = .path.display())]
    TooSmall {
        /// The file or folder.
        path: PathBuf,
        /// Bytes there are.
        size: usize,
        /// Bytes needed.
        minimum: usize,
    },
    /// Too much to hold or to list.
    #[error("{path} holds more than {bound}: train on a part of it", path = .path.display())]
    TooLarge {
        /// The file or folder.
        path: PathBuf,
        /// The bound, in words.
        bound: String,
    },
}

/// The text of a file, or of all files below a folder, in the order of their paths, each ended by a new line.
///
/// Names that begin with a dot are skipped. Links are followed, up to `DEPTH_MAX` folders deep.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, CorpusError> {
    let metadata = fs::metadata(path).map_err(|source| unreadable(path, source))?;
    if !metadata.is_dir() {
        return read_file(path);
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

/// Appends the files below `folder`: a folder's own entries by name, so the order is the same on every machine.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), CorpusError> {
    let too_large = |bound| CorpusError::TooLarge { path: folder.to_owned(), bound };
    if depth > DEPTH_MAX {
        return Err(too_large(format!("{DEPTH_MAX} folders inside each other")));
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
