//! How the index follows the ledger, case by case.

use crate::{
    chain::{
        A, B, DEVELOPMENT, Draft, TOKEN, add, add_empty, catch_up, opened, reader, transfer_log,
    },
    scan,
};
use history::{Follower, History, Index, Kept, Options, PageRequest, Status, Unavailable};
use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use store::{Store, StoreOptions};

const NEWEST: PageRequest = PageRequest { before: None, limit: 100 };

/// Blocks with something in some of them.
fn grow(store: &Store, count: u64) {
    for at in 0..count {
        match at % 3 {
            0 => add(store, 1, &[Draft::value(A, B, 5)]),
            1 => add(store, 1, &[Draft::logs(B, vec![transfer_log(TOKEN, B, A, at)])]),
            _ => add_empty(store, 1),
        }
    }
}

fn open_index(directory: &Path) -> Index {
    Index::open(directory, Options::STANDARD).unwrap()
}

/// Catches up, and compares with the blocks.
#[track_caller]
fn check_whole(index: &Index, store: &Store, first: u64) {
    let progress = catch_up(index, store);
    assert_eq!(progress.first, first);
    let view = index.snapshot().unwrap().unwrap().view(reader(store)).unwrap();
    assert_eq!((view.coverage().first, view.coverage().is_current()), (first, true));
    scan::check(&view, 10);
}

#[test]
fn it_follows_a_ledger_as_it_grows_and_over_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path(), DEVELOPMENT);
    let index = open_index(directory.path());
    assert!(index.snapshot().unwrap().is_none());
    check_whole(&index, &store, 1);
    grow(&store, 40);
    check_whole(&index, &store, 1);
    drop(index);
    let index = open_index(directory.path());
    grow(&store, 5);
    // Before it has looked again it knows the 40 blocks, and reads the others.
    let view = index.snapshot().unwrap().unwrap().view(reader(&store)).unwrap();
    assert!(view.coverage().is_whole());
    scan::check(&view, 10);
    let step = index.advance(&store.reader().unwrap()).unwrap();
    assert_eq!((step.next, step.is_behind), (46, false), "it goes on, and does not begin anew");
    check_whole(&index, &store, 1);
}

#[test]
fn a_ledger_that_goes_back_takes_the_index_along() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path(), DEVELOPMENT);
    let index = open_index(directory.path());
    grow(&store, 20);
    let mark = store.mark().unwrap();
    grow(&store, 30);
    check_whole(&index, &store, 1);
    store.rewind(mark).unwrap();
    let view = index.snapshot().unwrap().unwrap().view(reader(&store)).unwrap();
    assert_eq!(view.coverage().head, 20);
    scan::check(&view, 10);
    // Other blocks at the heights of those that are gone, and as many.
    (0..30).for_each(|_| add(&store, 9, &[Draft::value(B, A, 1)]));
    let view = index.snapshot().unwrap().unwrap().view(reader(&store)).unwrap();
    scan::check(&view, 10);
    let step = index.advance(&store.reader().unwrap()).unwrap();
    assert_eq!(step.next, 51);
    check_whole(&index, &store, 1);
    store.rewind_to_beginning().unwrap();
    check_whole(&index, &store, 1);
}

#[test]
fn blocks_that_left_the_ledger_leave_the_index() {
    let directory = tempfile::tempdir().unwrap();
    let options = StoreOptions { past_states_max: 1, blocks_max: Some(10), is_development: false };
    let store = opened(directory.path(), options);
    let index = open_index(directory.path());
    grow(&store, 8);
    check_whole(&index, &store, 1);
    grow(&store, 20);
    // The ledger is ahead of the index, and some of what the index has is gone.
    let view = index.snapshot().unwrap().unwrap().view(reader(&store)).unwrap();
    scan::check(&view, 10);
    check_whole(&index, &store, 19);
    grow(&store, 2);
    check_whole(&index, &store, 21);
}

#[test]
fn a_ledger_from_a_snapshot_is_followed_from_there() {
    let directory = tempfile::tempdir().unwrap();
    let old = opened(&directory.path().join("old"), StoreOptions::default());
    grow(&old, 10);
    let mut bytes = Vec::new();
    old.export().unwrap().write(&mut bytes, &mut |_| ()).unwrap();
    let path = directory.path().join("new");
    store::import(&path, &bytes[..], None, &mut |_| ()).unwrap();
    let store = opened(&path, StoreOptions::default());
    let index = open_index(&path);
    check_whole(&index, &store, 10);
    grow(&store, 6);
    check_whole(&index, &store, 10);
    let view = index.snapshot().unwrap().unwrap().view(reader(&store)).unwrap();
    assert!(!view.coverage().is_whole(), "the first blocks are not here");
}

#[test]
fn it_holds_as_many_blocks_as_it_is_told_also_when_told_otherwise() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path(), DEVELOPMENT);
    grow(&store, 50);
    for (blocks_max, first) in [(Some(10), 41), (Some(20), 31), (None, 1), (Some(5), 46)] {
        let options = Options { blocks_max, ..Options::STANDARD };
        let index = Index::open(directory.path(), options).unwrap();
        check_whole(&index, &store, first);
    }
}

#[test]
fn lists_that_are_not_kept_are_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path(), DEVELOPMENT);
    grow(&store, 9);
    catch_up(&open_index(directory.path()), &store);
    let kept = Kept { events: false, ..Kept::ALL };
    let options = Options { kept, ..Options::STANDARD };
    let index = Index::open(directory.path(), options).unwrap();
    catch_up(&index, &store);
    let view = index.snapshot().unwrap().unwrap().view(reader(&store)).unwrap();
    assert_eq!(view.transfers(&A, NEWEST).unwrap().items.len(), 6);
    let refused = view.events(&history::EventFilter::Account(A), NEWEST).unwrap_err();
    assert!(refused.to_string().contains("events"), "{refused}");
}

#[test]
fn a_damaged_file_and_that_of_another_ledger_are_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(&directory.path().join("one"), DEVELOPMENT);
    let file = directory.path().join("history.redb");
    grow(&store, 9);
    let index = open_index(directory.path());
    check_whole(&index, &store, 1);
    drop(index);
    let whole = fs::read(&file).unwrap();
    let mut scratched = whole.clone();
    // Past the header: each page that holds something has its first bytes changed.
    scratched[4_096..]
        .chunks_mut(4_096)
        .for_each(|page| page[..8].iter_mut().for_each(|byte| *byte ^= 0x55));
    let cut = whole[..whole.len() / 2].to_vec();
    for damage in [b"something else".to_vec(), vec![0; 20_000], scratched, cut, Vec::new()] {
        fs::write(&file, damage).unwrap();
        check_whole(&open_index(directory.path()), &store, 1);
    }
    let mut genesis = crate::chain::genesis();
    genesis.timestamp += 1;
    let other = Store::open_with(&directory.path().join("two"), DEVELOPMENT).unwrap();
    other.initialize(&genesis).unwrap();
    add_empty(&other, 3);
    check_whole(&open_index(directory.path()), &other, 1);
}

/// Waits until the index has caught up.
fn wait_until_current(history: &History, head: u64) {
    #[expect(clippy::disallowed_methods, reason = "bounds how long the test waits for a thread")]
    let started = Instant::now();
    loop {
        match history.status() {
            Status::Current(progress) if progress.next == head + 1 => return,
            Status::Failed { reason } => panic!("{reason}"),
            _ => {}
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{:?}", history.status());
        std::thread::yield_now();
    }
}

#[test]
fn a_thread_follows_what_it_is_told_of_and_lets_go_of_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(opened(directory.path(), DEVELOPMENT));
    grow(&store, 9);
    let history = Arc::new(History::new(directory.path(), Options::STANDARD));
    let own = Arc::clone(&store);
    let follower = Follower::start(&history, move || Ok(Arc::new(own.reader()?)));
    wait_until_current(&history, 9);
    for head in [10, 13] {
        grow(&store, head - store.reader().unwrap().head().number);
        history.notify();
        wait_until_current(&history, head);
        let view = history.view(|| Ok(reader(&store))).unwrap();
        assert!(view.coverage().is_whole());
        scan::check(&view, 10);
    }
    drop(follower);
    assert_eq!(Arc::strong_count(&store), 1, "the thread has ended");
    drop(history);
    check_whole(&open_index(directory.path()), &store, 1);
}

#[test]
fn where_no_index_can_be_the_reason_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(opened(directory.path(), DEVELOPMENT));
    fs::create_dir(directory.path().join("history.redb")).unwrap();
    let history = Arc::new(History::new(directory.path(), Options::STANDARD));
    assert!(matches!(history.view(|| Ok(reader(&store))), Err(Unavailable::Opening)));
    let own = Arc::clone(&store);
    let follower = Follower::start(&history, move || Ok(Arc::new(own.reader()?)));
    let reason = loop {
        if let Status::Failed { reason } = history.status() {
            break reason;
        }
        std::thread::yield_now();
    };
    assert!(reason.contains("history.redb"), "{reason}");
    let refused = history.view(|| Ok(reader(&store))).err().unwrap();
    assert!(matches!(refused, Unavailable::Failed { .. }));
    drop(follower);
}
