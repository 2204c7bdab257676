//! Bytes that outlive a version: the rows of a ledger's file, and a snapshot of it.

use crate::chain::{grow, opened};
use alloy_primitives::hex;
use redb::{Database, Key, ReadableDatabase, ReadableTable, TableDefinition, Value};
use std::{fmt::Write as _, path::Path};
use store::Store;

/// Tables whose keys are names, heights or ids, and hashes.
const BY_NAME: [&str; 1] = ["meta"];
const BY_NUMBER: [&str; 6] = ["buckets", "versions", "headers", "bodies", "receipts", "proofs"];
const BY_HASH: [&str; 1] = ["codes"];
/// Block hash to height.
const NUMBERS: TableDefinition<'_, &[u8; 32], u64> = TableDefinition::new("numbers");
/// Transaction hash to height and position.
const TRANSACTIONS: TableDefinition<'_, &[u8; 32], (u64, u32)> =
    TableDefinition::new("transactions");

/// A table's rows, one after the other: the key, then the value in hex.
fn rows<K: Key + 'static, V: Value + 'static>(
    database: &Database,
    table: TableDefinition<'_, K, V>,
    row: impl Fn(K::SelfType<'_>, V::SelfType<'_>) -> (String, Vec<u8>),
) -> String {
    let read = database.begin_read().unwrap();
    let mut text = format!("{table}\n");
    for entry in read.open_table(table).unwrap().iter().unwrap() {
        let (key, value) = entry.unwrap();
        let (key, value) = row(key.value(), value.value());
        write!(text, "{key}\n{}", golden::hex(&value)).unwrap();
    }
    text
}

/// Every row of a ledger's file.
fn all_rows(directory: &Path) -> String {
    let database = Database::open(directory.join("ledger.redb")).unwrap();
    let mut text = String::new();
    for name in BY_NAME {
        let table = TableDefinition::<&str, &[u8]>::new(name);
        text += &rows(&database, table, |key, value| (key.to_owned(), value.to_vec()));
    }
    for name in BY_NUMBER {
        let table = TableDefinition::<u64, &[u8]>::new(name);
        text += &rows(&database, table, |key, value| (key.to_string(), value.to_vec()));
    }
    for name in BY_HASH {
        let table = TableDefinition::<&[u8; 32], &[u8]>::new(name);
        text += &rows(&database, table, |key, value| (hex::encode(key), value.to_vec()));
    }
    text +=
        &rows(&database, NUMBERS, |key, value| (hex::encode(key), value.to_be_bytes().to_vec()));
    text += &rows(&database, TRANSACTIONS, |key, (height, index)| {
        (format!("{}: {height} {index}", hex::encode(key)), Vec::new())
    });
    text
}

fn snapshot(directory: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let store = Store::open(directory).unwrap();
    store.export().unwrap().write(&mut bytes, &mut |_| ()).unwrap();
    bytes
}

#[test]
fn a_ledger_and_its_snapshot_are_written_as_ever_and_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let store = opened(&path);
    grow(&store, 3);
    let head = store.reader().unwrap().head().hash();
    drop(store);
    golden::check!("ledger.txt", &all_rows(&path));
    let bytes = snapshot(&path);
    golden::check!("snapshot.txt", &golden::hex(&bytes));
    // Both are equal to the files, so this reads what earlier versions wrote.
    Store::open(&path).unwrap().verify().unwrap();
    let copy = directory.path().join("copy");
    store::import(&copy, bytes.as_slice(), Some(&head), &mut |_| ()).unwrap();
    golden::check!("imported.txt", &all_rows(&copy));
    Store::open(&copy).unwrap().verify().unwrap();
}
