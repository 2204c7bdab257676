//! Snapshots: an import gives the exported state, and anything else is refused.

use crate::chain::{COUNTER, genesis, grow, next_block, opened};
use alloy_primitives::{B256, U256};
use std::path::Path;
use store::{SnapshotError, SnapshotSummary, Store, StoreError, StoreOptions};

fn exported(store: &Store) -> (Vec<u8>, SnapshotSummary) {
    let mut bytes = Vec::new();
    let summary = store.export().unwrap().write(&mut bytes, &mut |_| ()).unwrap();
    (bytes, summary)
}

fn import(directory: &Path, bytes: &[u8]) -> Result<SnapshotSummary, SnapshotError> {
    store::import(directory, bytes, None, &mut |_| ())
}

#[test]
fn a_ledger_continues_from_a_snapshot_as_without_it() {
    for blocks in [0, 1, 3, 300] {
        let directory = tempfile::tempdir().unwrap();
        let store = opened(&directory.path().join("old"));
        let grown = grow(&store, blocks);
        let (bytes, summary) = exported(&store);
        let path = directory.path().join("deep/new");
        assert_eq!(import(&path, &bytes).unwrap(), summary);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);

        let new = opened(&path);
        new.verify().unwrap();
        assert_eq!(new.genesis().unwrap(), Some(genesis()));
        let (before, after) = (store.reader().unwrap(), new.reader().unwrap());
        let head = before.head().clone();
        assert_eq!(*after.head(), head);
        assert_eq!((summary.block_hash, summary.block_number), (head.hash(), head.number));
        assert_eq!((after.first_block(), after.oldest_state()), (head.number, head.number));
        let all = |reader: &store::Reader| {
            let entries = reader.commitment().entries(reader);
            entries.collect::<Result<Vec<_>, _>>().unwrap()
        };
        assert_eq!(all(&after), all(&before));
        assert_eq!(all(&after).len() as u64, summary.entry_count);
        // Senders are recovered from the signatures, and those of these blocks are invalid.
        let transactions = |reader: &store::Reader| {
            let block = reader.block(head.number).unwrap().unwrap();
            block.transactions.iter().map(|each| each.inner().clone()).collect::<Vec<_>>()
        };
        assert_eq!(transactions(&after), transactions(&before));
        assert_eq!(after.receipts(head.number).unwrap(), before.receipts(head.number).unwrap());
        assert_eq!(after.block(0).unwrap(), before.block(0).unwrap());
        if blocks > 1 {
            assert_eq!(after.block(head.number - 1).unwrap(), None, "its body is not here");
        }
        for number in (head.number + 1).saturating_sub(256)..=head.number {
            assert_eq!(after.header(number).unwrap(), before.header(number).unwrap());
        }
        if blocks == 300 {
            assert_eq!(after.header(44).unwrap(), None);
            assert_eq!(after.block_number(&grown[43].hash).unwrap(), None);
        }
        // The same block can follow on both ledgers.
        let counter = after.slot(&COUNTER, &U256::ZERO).unwrap();
        drop((before, after));
        let (here, there) = (next_block(&store), next_block(&new));
        assert_eq!((here.hash, &here.changes), (there.hash, &there.changes));
        new.commit(&there).unwrap();
        drop(new);
        let again = opened(&path);
        again.verify().unwrap();
        assert!(again.reader().unwrap().slot(&COUNTER, &U256::ZERO).unwrap() > counter);
        // The imported ledger can be exported again.
        grow(&again, 2);
        let (bytes, summary) = exported(&again);
        let third = directory.path().join("third");
        assert_eq!(import(&third, &bytes).unwrap(), summary);
        opened(&third).verify().unwrap();
    }
}

#[test]
fn no_changed_byte_is_taken_and_nothing_is_left_behind() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(&directory.path().join("old"));
    grow(&store, 2);
    let (bytes, _) = exported(&store);
    let path = directory.path().join("new");
    let refused = |bytes: &[u8], what: &str| {
        let error = import(&path, bytes).expect_err(what);
        let is_meant = matches!(error, SnapshotError::Damaged { .. } | SnapshotError::NotASnapshot);
        assert!(is_meant, "{what}: {error}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "{what}");
    };
    for index in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[index] ^= 1 << (index % 8);
        refused(&changed, &format!("byte {index} changed"));
    }
    for size in (0..bytes.len()).step_by(7) {
        refused(&bytes[..size], &format!("cut at {size}"));
    }
    refused(&[&bytes[..], &[0]].concat(), "something behind");
    import(&path, &bytes).unwrap();
}

/// Returns the frames of a snapshot: kind and bytes.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    bytes = &bytes[16..];
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let size = u32::from_be_bytes(bytes[1..5].try_into().unwrap()) as usize;
        frames.push((bytes[0], bytes[5..5 + size].to_vec()));
        bytes = &bytes[5 + size + 32..];
    }
    frames
}

/// Returns a snapshot of these frames with valid checksums.
fn joined(frames: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut checksum) = (b"gleaner snap 001".to_vec(), [0; 32]);
    for (kind, frame) in frames {
        let size = u32::try_from(frame.len()).unwrap().to_be_bytes();
        let part = [&[*kind][..], &size, frame].concat();
        checksum = *blake3::hash(&[&checksum[..], &part].concat()).as_bytes();
        bytes.extend([&part[..], &checksum].concat());
    }
    bytes
}

#[test]
fn valid_checksums_do_not_make_false_content_valid() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(&directory.path().join("old"));
    grow(&store, 3);
    let (bytes, summary) = exported(&store);
    let good = frames(&bytes);
    assert_eq!(joined(&good), bytes);
    let kinds: Vec<_> = good.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [1, 2, 3, 4, 5, 6]);
    let path = directory.path().join("new");
    let mut refused = 0;
    // Every byte of headers, block, entries, codes and end; the head's hash does not prove the genesis file.
    for (index, (_, frame)) in good.iter().enumerate().skip(1) {
        for at in 0..frame.len() {
            let mut lie = good.clone();
            lie[index].1[at] ^= 1;
            let trusted = Some(&summary.block_hash);
            let answer = store::import(&path, &joined(&lie)[..], trusted, &mut |_| ());
            if index == 2 && answer.is_ok() {
                // The proof of the randomness, which only a reader of the header can check.
                assert!(at < 4 + 64, "byte {at} of the block");
                std::fs::remove_dir_all(&path).unwrap();
                continue;
            }
            assert!(answer.is_err(), "part {index}, byte {at}");
            refused += 1;
        }
    }
    assert!(refused > 1_000);
    for index in 0..good.len() {
        let mut lie = good.clone();
        lie.remove(index);
        import(&path, &joined(&lie)).expect_err("a part is missing");
        let mut lie = good.clone();
        lie.insert(index, good[index].clone());
        import(&path, &joined(&lie)).expect_err("a part comes twice");
        let mut lie = good.clone();
        lie.swap(index, (index + 1) % good.len());
        import(&path, &joined(&lie)).expect_err("parts are not in order");
    }
    assert!(!path.exists());
}

#[test]
fn only_the_trusted_block_is_accepted() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(&directory.path().join("old"));
    grow(&store, 1);
    let (bytes, summary) = exported(&store);
    let path = directory.path().join("new");
    let other = B256::repeat_byte(1);
    let error = store::import(&path, &bytes[..], Some(&other), &mut |_| ()).unwrap_err();
    assert!(matches!(error, SnapshotError::OtherBlock { .. }), "{error}");
    assert!(!path.exists());
    store::import(&path, &bytes[..], Some(&summary.block_hash), &mut |_| ()).unwrap();
}

#[test]
fn nothing_is_written_over_and_no_two_imports_meet() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(&directory.path().join("old"));
    let (bytes, _) = exported(&store);
    let error = import(&directory.path().join("old"), &bytes).unwrap_err();
    assert!(matches!(error, SnapshotError::Occupied { .. }), "{error}");
    let path = directory.path().join("new");
    std::fs::create_dir(directory.path().join("new.importing")).unwrap();
    let error = import(&path, &bytes).unwrap_err();
    assert!(matches!(error, SnapshotError::UnderWay { .. }), "{error}");
    std::fs::remove_dir(directory.path().join("new.importing")).unwrap();
    std::fs::create_dir(&path).unwrap();
    import(&path, &bytes).expect("an empty directory is as good as none");
}

#[test]
fn a_ledger_for_development_has_no_snapshots() {
    let directory = tempfile::tempdir().unwrap();
    let options = StoreOptions { is_development: true, ..StoreOptions::default() };
    let store = Store::open_with(directory.path(), options).unwrap();
    store.initialize(&genesis()).unwrap();
    assert!(matches!(store.export(), Err(StoreError::NotAllowed { .. })));
}

#[test]
fn a_ledger_of_thousands_of_blocks_continues_from_its_snapshot() {
    let directory = tempfile::tempdir().unwrap();
    let backend = redb::backends::InMemoryBackend::new();
    let path = directory.path().join("memory");
    let store = Store::open_on(path, backend, StoreOptions::default()).unwrap();
    store.initialize(&genesis()).unwrap();
    for _ in 0..2_000 {
        store.commit(&next_block(&store)).unwrap();
    }
    let head = store.reader().unwrap().head().clone();
    assert_eq!(head.number, 2_000);
    let (bytes, summary) = exported(&store);
    assert_eq!((summary.block_hash, summary.state_root), (head.hash(), head.state_root));
    let copy = directory.path().join("copy");
    assert_eq!(import(&copy, &bytes).unwrap(), summary);
    let copy = opened(&copy);
    copy.verify().unwrap();
    let reader = copy.reader().unwrap();
    assert_eq!((reader.head(), reader.commitment().root()), (&head, head.state_root));
    let (here, there) = (next_block(&store), next_block(&copy));
    assert_eq!((here.hash, &here.changes), (there.hash, &there.changes));
}

#[test]
fn opening_an_existing_ledger_creates_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let open = |path: &Path| Store::open_existing(path, StoreOptions::default());
    let absent = directory.path().join("absent");
    for path in [&absent, directory.path()] {
        let error = open(path).err().unwrap();
        assert!(matches!(error, StoreError::Missing { .. }), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()));
        assert!(!Store::exists(path).unwrap());
    }
    let file = directory.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    assert!(!Store::exists(&file).unwrap());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing was created");
    drop(opened(&absent));
    assert!(Store::exists(&absent).unwrap());
    open(&absent).unwrap();
}
