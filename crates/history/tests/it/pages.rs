//! Pages are bounded, whatever the lists hold.

use crate::chain::{A, B, DEVELOPMENT, Draft, TOKEN, add, catch_up, opened, reader};
use alloy_primitives::{B256, Bytes, Log, U256};
use history::{EventFilter, Index, Options, PAGE_MAX, PageRequest, Position};

#[test]
fn a_page_has_at_most_so_many_items_whatever_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path(), DEVELOPMENT);
    add(&store, 0, &vec![Draft::value(A, B, 1); 250]);
    let index = Index::open(directory.path(), Options::STANDARD).unwrap();
    catch_up(&index, &store);
    let view = index.snapshot().unwrap().unwrap().view(reader(&store)).unwrap();
    let page = |before, limit| view.transactions(&A, PageRequest { before, limit }).unwrap();
    assert_eq!(page(None, 0).items.len(), 1);
    let first = page(None, usize::MAX);
    assert_eq!(first.items.len(), PAGE_MAX);
    let next = Position { block_number: 1, transaction_index: 150, slot: 0 };
    assert_eq!(first.next, Some(next));
    assert_eq!(page(first.next, 100).items[0].position.transaction_index, 149);
    let last = page(Some(Position { transaction_index: 50, ..next }), 100);
    assert_eq!((last.items.len(), last.next), (50, None));
    // Places where nothing is are no error: they came from somewhere, and the ledger may have gone back.
    let nowhere = Position { block_number: u64::MAX, transaction_index: 7, slot: 7 };
    assert_eq!(page(Some(nowhere), 1), page(None, 1));
    let before_all = Position { block_number: 0, transaction_index: 0, slot: 0 };
    assert_eq!((page(Some(before_all), 1).items.len(), page(Some(before_all), 1).next), (0, None));
}

#[test]
fn a_page_of_long_events_ends_early_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path(), DEVELOPMENT);
    let data = Bytes::from(vec![7; 300_000]);
    let log = Log::new_unchecked(TOKEN, vec![], data);
    add(&store, 0, &vec![Draft::logs(A, vec![log]); 9]);
    let index = Index::open(directory.path(), Options::STANDARD).unwrap();
    catch_up(&index, &store);
    let view = index.snapshot().unwrap().unwrap().view(reader(&store)).unwrap();
    let filter = EventFilter::Account(TOKEN);
    let mut before = None;
    for expected in [4, 4, 1] {
        let page = view.events(&filter, PageRequest { before, limit: 100 }).unwrap();
        assert_eq!(page.items.len(), expected);
        before = page.next;
    }
    assert_eq!(before, None);
}

#[test]
fn what_does_not_match_is_passed_over_in_bounds() {
    let directory = tempfile::tempdir().unwrap();
    let store = opened(directory.path(), DEVELOPMENT);
    // All have the third topic, by which they are found; one in 1,200 has the first.
    let log = |index: u64| {
        let first = B256::from(U256::from(u64::from(index == 0)));
        Log::new_unchecked(TOKEN, vec![first, B256::ZERO, B256::repeat_byte(3)], Bytes::new())
    };
    add(&store, 0, &[Draft::logs(A, (0..1_200).map(log).collect())]);
    let index = Index::open(directory.path(), Options::STANDARD).unwrap();
    catch_up(&index, &store);
    let view = index.snapshot().unwrap().unwrap().view(reader(&store)).unwrap();
    let wanted = B256::from(U256::from(1));
    let topics = [Some(wanted), None, Some(B256::repeat_byte(3)), None];
    let filter = EventFilter::Contract { address: TOKEN, topics };
    let first = view.events(&filter, PageRequest { before: None, limit: 10 }).unwrap();
    assert_eq!(first.items.len(), 0);
    let second = view.events(&filter, PageRequest { before: first.next, limit: 10 }).unwrap();
    assert_eq!((second.items.len(), second.next), (1, None));
}
