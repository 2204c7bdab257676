//! The journal: waiting transactions on disk, so that a restart does not lose acknowledged ones.
//!
//! The file only grows: each transaction is appended before its sender gets the answer. At the start it is read,
//! transactions that may still wait wait again, and the file is written again; so it is, too, when most of its
//! transactions have left the mempool. The operating system has each record when the sender gets the answer: killing
//! the process loses nothing. A power cut may lose the last ones, as the file is not synced; blocks are.
//!
//! ```text
//! header | record …      record:  length u32 LE | Keccak-256 of the bytes, which is the transaction's hash | bytes (EIP-2718)
//! ```
//!
//! Reading ends at the first record that is incomplete or does not have its hash, which a crash may leave.

use alloy_consensus::transaction::Recovered;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, keccak256};
use execution::{TRANSACTION_SIZE_MAX, Transaction};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Read, Write},
    path::{Path, PathBuf},
};

/// Name of the file in the data directory.
const FILE_NAME: &str = "waiting.journal";
const HEADER: &[u8; 18] = b"gleaner waiting 1\n";
/// Smallest size at which the file is written again.
const SIZE_MIN: u64 = 1 << 20;
/// Largest factor by which the file may exceed the needed size.
const GROWTH: u64 = 4;

/// The journal file.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    size: u64,
}

impl Journal {
    /// Opens or creates the file; returns its transactions, in order. A file with another content counts as empty and
    /// is replaced.
    pub(crate) fn open(directory: &Path) -> io::Result<(Self, Vec<Vec<u8>>)> {
        let path = directory.join(FILE_NAME);
        let held = match File::open(&path) {
            Ok(file) => read_all(BufReader::new(file))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let (file, size) = write_all(&path, held.iter().map(Vec::as_slice))?;
        Ok((Self { path, file, size }, held))
    }

    /// Appends a transaction.
    pub(crate) fn append(&mut self, transaction: &Recovered<Transaction>) -> io::Result<()> {
        let record = record(&transaction.encoded_2718());
        if let Err(error) = self.file.write_all(&record) {
            // An incomplete record would hide those after it.
            self.file.set_len(self.size)?;
            return Err(error);
        }
        self.size += length(record.len());
        Ok(())
    }

    /// Returns whether the file is much larger than the `bytes` of transactions that still wait.
    pub(crate) fn is_bloated(&self, bytes: usize) -> bool {
        self.size > SIZE_MIN.max(GROWTH.saturating_mul(length(bytes)))
    }

    /// Writes the file again. On an error the old one stays.
    pub(crate) fn rewrite<'a>(
        &mut self,
        waiting: impl Iterator<Item = &'a Recovered<Transaction>>,
    ) -> io::Result<()> {
        (self.file, self.size) = write_all(&self.path, waiting.map(Encodable2718::encoded_2718))?;
        Ok(())
    }
}

/// Writes to a temporary file and renames it, so that a crash leaves the old file or the new one; returns it
/// positioned at its end.
fn write_all(
    path: &Path,
    transactions: impl Iterator<Item = impl AsRef<[u8]>>,
) -> io::Result<(File, u64)> {
    let draft = path.with_extension("journal.new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    let mut text = HEADER.to_vec();
    transactions.for_each(|bytes| text.extend(record(bytes.as_ref())));
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    Ok((file, length(text.len())))
}

fn record(bytes: &[u8]) -> Vec<u8> {
    let size = u32::try_from(bytes.len()).expect("a transaction is bounded far below");
    [&size.to_le_bytes()[..], &keccak256(bytes)[..], bytes].concat()
}

fn read_all(mut from: impl Read) -> io::Result<Vec<Vec<u8>>> {
    let mut header = [0; HEADER.len()];
    if !read_whole(&mut from, &mut header)? || header != *HEADER {
        return Ok(Vec::new());
    }
    let mut held = Vec::new();
    let (mut size, mut hash) = ([0; 4], B256::ZERO);
    while read_whole(&mut from, &mut size)? && read_whole(&mut from, &mut hash.0)? {
        let size = usize::try_from(u32::from_le_bytes(size)).unwrap_or(usize::MAX);
        if size > TRANSACTION_SIZE_MAX {
            break;
        }
        let mut bytes = vec![0; size];
        if !read_whole(&mut from, &mut bytes)? || keccak256(&bytes) != hash {
            break;
        }
        held.push(bytes);
    }
    Ok(held)
}

/// Reads exactly the buffer; returns false at the end of the file.
fn read_whole(from: &mut impl Read, into: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(into) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_written_as_ever_and_read() {
        let directory = tempfile::tempdir().unwrap();
        let all = [vec![0x02, 0xc0], Vec::new(), (0..=255).collect()];
        write_all(&directory.path().join(FILE_NAME), all.iter()).unwrap();
        let bytes = fs::read(directory.path().join(FILE_NAME)).unwrap();
        golden::check!("waiting-journal.txt", &golden::hex(&bytes));
        assert_eq!(Journal::open(directory.path()).unwrap().1, all);
    }

    #[test]
    fn a_file_after_a_crash_is_read_up_to_the_damage() {
        let all = [vec![1; 3], vec![], vec![2; 200]];
        let mut text = HEADER.to_vec();
        all.iter().for_each(|bytes| text.extend(record(bytes)));
        for size in 0..=text.len() {
            let held = read_all(&text[..size]).unwrap();
            assert!(all.starts_with(&held), "{size} bytes");
            assert_eq!(held.len() == all.len(), size == text.len(), "{size} bytes");
        }
        for at in 0..text.len() {
            let mut damaged = text.clone();
            damaged[at] ^= 0x40;
            let held = read_all(damaged.as_slice()).unwrap();
            assert!(all.starts_with(&held) && held.len() < all.len(), "byte {at}");
        }
    }
}
