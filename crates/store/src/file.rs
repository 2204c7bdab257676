//! Opens the file for redb.

use crate::error::StoreError;
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// Opens or creates the file. A file whose creation was interrupted is truncated first, because redb refuses it.
pub(crate) fn open(path: &Path) -> Result<File, StoreError> {
    let fault = |error| StoreError::from_io(path, error);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(fault)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(StoreError::already_open(path)),
        Err(TryLockError::Error(error)) => return Err(fault(error)),
    }
    if is_unfinished(&file).map_err(fault)? {
        file.set_len(0).map_err(fault)?;
    }
    // redb takes the lock itself, on the same file.
    file.unlock().map_err(fault)?;
    Ok(file)
}

/// Returns whether redb began to create this file and was stopped. redb writes a header without its magic number,
/// then the number, and then the first page; so such a file has no magic number and nothing after the header. A
/// ledger that lost its first bytes has pages, and is not changed.
fn is_unfinished(file: &File) -> std::io::Result<bool> {
    const MAGIC_SIZE: usize = 9;
    const HEADER_SIZE: usize = 320;
    let mut reader = BufReader::new(file);
    let mut header = Vec::with_capacity(HEADER_SIZE);
    reader.by_ref().take(HEADER_SIZE as u64).read_to_end(&mut header)?;
    if header.iter().take(MAGIC_SIZE).any(|byte| *byte != 0) {
        return Ok(false);
    }
    loop {
        let read = reader.fill_buf()?;
        if read.is_empty() {
            return Ok(true);
        }
        if read.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        let count = read.len();
        reader.consume(count);
    }
}
