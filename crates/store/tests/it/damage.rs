//! Files that are not ledgers, and damaged ledgers.

use crate::chain::{grow, opened};
use redb::{Database, TableDefinition};
use std::{fs, path::Path};
use store::{Store, StoreError};

fn file(directory: &Path) -> std::path::PathBuf {
    directory.join("ledger.redb")
}

fn refused(directory: &Path) -> StoreError {
    match Store::open(directory) {
        Ok(_) => panic!("a damaged file was accepted"),
        Err(error) => {
            let path = file(directory).display().to_string();
            assert!(error.to_string().contains(&path), "{error} does not name the file");
            error
        }
    }
}

#[test]
fn a_foreign_file_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let letter = "Dear reader, this is no ledger. ".repeat(1_000);
    fs::write(file(directory.path()), &letter).unwrap();
    assert!(matches!(refused(directory.path()), StoreError::NotALedger { .. }));
    assert_eq!(fs::read_to_string(file(directory.path())).unwrap(), letter);
}

#[test]
fn a_database_of_another_program_is_refused() {
    const THEIRS: TableDefinition<'_, u64, u64> = TableDefinition::new("theirs");
    let directory = tempfile::tempdir().unwrap();
    let database = Database::create(file(directory.path())).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(THEIRS).unwrap().insert(1, 2).unwrap();
    write.commit().unwrap();
    drop(database);
    assert!(matches!(refused(directory.path()), StoreError::NotALedger { .. }));
}

#[test]
fn another_format_is_refused() {
    const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
    let directory = tempfile::tempdir().unwrap();
    drop(opened(directory.path()));
    let database = Database::open(file(directory.path())).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(META).unwrap().insert("format", 9_u32.to_be_bytes().as_slice()).unwrap();
    write.commit().unwrap();
    drop(database);
    assert!(matches!(refused(directory.path()), StoreError::Format { found: 9, expected: 4, .. }));
}

#[test]
fn a_head_that_is_not_the_states_is_refused() {
    const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path());
    grow(&store, 2);
    drop(store);
    let database = Database::open(file(directory.path())).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(META).unwrap().insert("head", 1_u64.to_be_bytes().as_slice()).unwrap();
    write.commit().unwrap();
    drop(database);
    assert!(matches!(refused(directory.path()), StoreError::Damaged { .. }));
}

/// redb writes its header without the magic number, then with it, then pages.
#[test]
fn a_creation_cut_short_starts_anew() {
    let directory = tempfile::tempdir().unwrap();
    drop(opened(directory.path()));
    let whole = fs::read(file(directory.path())).unwrap();
    let mut header_only = vec![0; whole.len()];
    header_only[9..320].copy_from_slice(&whole[9..320]);
    fs::write(file(directory.path()), &header_only).unwrap();
    drop(opened(directory.path()));
    for length in [0, 1, 9, 4_096, 1 << 20] {
        fs::write(file(directory.path()), vec![0; length]).unwrap();
        drop(opened(directory.path()));
    }
}

#[test]
fn a_ledger_without_its_first_bytes_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    drop(opened(directory.path()));
    let mut whole = fs::read(file(directory.path())).unwrap();
    for size in [9, 320] {
        whole[..size].fill(0);
        fs::write(file(directory.path()), &whole).unwrap();
        assert!(matches!(refused(directory.path()), StoreError::NotALedger { .. }));
        assert_eq!(fs::read(file(directory.path())).unwrap(), whole);
    }
}

#[test]
fn a_truncated_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path());
    grow(&store, 2);
    drop(store);
    let whole = fs::read(file(directory.path())).unwrap();
    for length in [1, 100, 4_096, whole.len() / 2, whole.len() - 1] {
        fs::write(file(directory.path()), &whole[..length]).unwrap();
        refused(directory.path());
    }
}

/// Flips a byte in every page in turn: either the page is unused, so that the file verifies, or its checksum detects
/// the change.
#[test]
fn a_flipped_byte_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path());
    grow(&store, 4);
    let head = store.reader().unwrap().head().hash();
    drop(store);
    let whole = fs::read(file(directory.path())).unwrap();
    let mut noticed = 0;
    for page in 1..whole.len().div_ceil(4_096).min(80) {
        for offset in [3, 2_000] {
            let mut damaged = whole.clone();
            damaged[page * 4_096 + offset] ^= 0x40;
            fs::write(file(directory.path()), &damaged).unwrap();
            match Store::open(directory.path()) {
                Err(StoreError::Damaged { .. }) => noticed += 1,
                Err(error) => panic!("{error}"),
                Ok(store) => {
                    store.verify().unwrap();
                    assert_eq!(store.reader().unwrap().head().hash(), head);
                }
            }
        }
    }
    assert!(noticed > 10, "{noticed}");
}

/// The first bytes locate everything else. redb also keeps the commit before the last one, and may use that.
#[test]
fn a_flipped_byte_in_the_file_header_is_noticed_or_harmless() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path());
    grow(&store, 2);
    drop(store);
    let whole = fs::read(file(directory.path())).unwrap();
    for offset in (0..320).step_by(5) {
        let mut damaged = whole.clone();
        damaged[offset] ^= 0x11;
        fs::write(file(directory.path()), &damaged).unwrap();
        match Store::open(directory.path()) {
            Err(error) => assert!(error.to_string().contains("ledger.redb"), "{offset}: {error}"),
            Ok(store) => {
                store.verify().unwrap();
                assert!((1..=2).contains(&store.reader().unwrap().head().number), "{offset}");
            }
        }
    }
}
