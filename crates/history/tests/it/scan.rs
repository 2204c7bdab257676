//! What the index must answer, found the long way: by looking at every block.

use crate::chain::{ACCOUNTS, TRANSFER};
use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256, U256};
use history::{
    Coverage, EventEntry, EventFilter, Page, PageRequest, Position, Role, TransactionEntry,
    TransferEntry, View,
};
use store::Reader;

/// Every event of the blocks, newest first.
fn all_events(reader: &Reader, coverage: Coverage) -> Vec<EventEntry> {
    let mut found = Vec::new();
    for number in coverage.first..=coverage.last {
        let block = reader.block(number).unwrap().unwrap();
        let mut log_index = 0;
        let receipts = reader.receipts(number).unwrap().unwrap();
        for (at, (transaction, receipt)) in block.transactions.iter().zip(receipts).enumerate() {
            for (event, log) in receipt.logs().iter().enumerate() {
                found.push(EventEntry {
                    position: position(number, at, event + 1),
                    timestamp: block.header.timestamp,
                    block_hash: block.header.hash(),
                    transaction_hash: *transaction.tx_hash(),
                    log_index,
                    log: log.clone(),
                });
                log_index += 1;
            }
        }
    }
    found.reverse();
    found
}

/// Every transaction of the blocks, newest first, without roles.
fn all_transactions(reader: &Reader, coverage: Coverage) -> Vec<TransactionEntry> {
    let mut found = Vec::new();
    for number in coverage.first..=coverage.last {
        let block = reader.block(number).unwrap().unwrap();
        let receipts = reader.receipts(number).unwrap().unwrap();
        for (at, (transaction, receipt)) in block.transactions.iter().zip(receipts).enumerate() {
            found.push(TransactionEntry {
                position: position(number, at, 0),
                timestamp: block.header.timestamp,
                roles: Vec::new(),
                transaction: transaction.clone(),
                receipt,
            });
        }
    }
    found.reverse();
    found
}

fn position(block_number: u64, transaction: usize, slot: usize) -> Position {
    let transaction_index = u32::try_from(transaction).unwrap();
    Position { block_number, transaction_index, slot: u32::try_from(slot).unwrap() }
}

fn created(entry: &TransactionEntry) -> Option<Address> {
    let is_created = entry.transaction.to().is_none() && entry.receipt.status();
    is_created.then(|| entry.transaction.signer().create(entry.transaction.nonce()))
}

fn transactions_of(all: &[TransactionEntry], account: Address) -> Vec<TransactionEntry> {
    let mut found = Vec::new();
    for entry in all {
        let mut roles = Vec::new();
        if entry.transaction.signer() == account {
            roles.push(Role::Sender);
        }
        if entry.transaction.to() == Some(account) {
            roles.push(Role::Recipient);
        }
        if created(entry) == Some(account) {
            roles.push(Role::Created);
        }
        if !roles.is_empty() {
            found.push(TransactionEntry { roles, ..entry.clone() });
        }
    }
    found
}

fn all_transfers(transactions: &[TransactionEntry], events: &[EventEntry]) -> Vec<TransferEntry> {
    let moved = transactions
        .iter()
        .filter(|entry| entry.receipt.status() && entry.transaction.value() > U256::ZERO);
    let values = moved.map(|entry| TransferEntry {
        position: entry.position,
        timestamp: entry.timestamp,
        transaction_hash: *entry.transaction.tx_hash(),
        log_index: None,
        token: None,
        from: entry.transaction.signer(),
        to: entry.transaction.to().or_else(|| created(entry)).unwrap(),
        amount: entry.transaction.value(),
    });
    let tokens = events.iter().filter_map(|entry| {
        let [TRANSFER, from, to] = entry.log.topics() else { return None };
        let amount: [u8; 32] = entry.log.data.data.as_ref().try_into().ok()?;
        Some(TransferEntry {
            position: entry.position,
            timestamp: entry.timestamp,
            transaction_hash: entry.transaction_hash,
            log_index: Some(entry.log_index),
            token: Some(entry.log.address),
            from: Address::from_word(*from),
            to: Address::from_word(*to),
            amount: U256::from_be_bytes(amount),
        })
    });
    let mut found: Vec<_> = values.chain(tokens).collect();
    found.sort_by_key(|entry| std::cmp::Reverse(entry.position));
    found
}

/// All pages of a list, one after the other.
fn all_pages<T>(limit: usize, read: impl Fn(PageRequest) -> Page<T>) -> Vec<T> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = read(PageRequest { before, limit });
        assert!(page.items.len() <= limit);
        found.extend(page.items);
        match page.next {
            Some(next) => {
                assert!(before.is_none_or(|before| next < before), "pages go on");
                before = Some(next);
            }
            None => return found,
        }
    }
}

fn filters() -> Vec<EventFilter> {
    let mut filters = Vec::new();
    let word = |account: Address| Some(account.into_word());
    let small = Some(B256::from(U256::from(5)));
    for address in ACCOUNTS {
        filters.push(EventFilter::Account(address));
        let of = |topics| EventFilter::Contract { address, topics };
        filters.push(of([None; 4]));
        filters.push(of([Some(TRANSFER), None, None, None]));
        filters.push(of([None, small, None, None]));
        for other in ACCOUNTS {
            filters.push(of([Some(TRANSFER), word(other), None, None]));
            filters.push(of([Some(TRANSFER), None, word(other), None]));
            filters.push(of([None, word(other), word(address), None]));
            filters.push(of([None, None, None, word(other)]));
        }
    }
    filters
}

/// Fails unless a view says what a scan of the blocks says that it covers.
#[track_caller]
pub(crate) fn check(view: &View, limit: usize) {
    let (reader, coverage) = (view.reader(), view.coverage());
    assert_eq!(coverage.head, reader.head().number);
    assert!(coverage.last <= coverage.head);
    let (events, transactions) = (all_events(reader, coverage), all_transactions(reader, coverage));
    let transfers = all_transfers(&transactions, &events);
    let mut accounts = ACCOUNTS.to_vec();
    accounts.extend(transactions.iter().filter_map(created).take(3));
    for account in accounts {
        let found = all_pages(limit, |page| view.transactions(&account, page).unwrap());
        assert_eq!(found, transactions_of(&transactions, account), "transactions of {account}");
        let found = all_pages(limit, |page| view.transfers(&account, page).unwrap());
        let theirs = transfers.iter().filter(|entry| entry.from == account || entry.to == account);
        assert_eq!(found, theirs.cloned().collect::<Vec<_>>(), "transfers of {account}");
    }
    for filter in filters() {
        let found = all_pages(limit, |page| view.events(&filter, page).unwrap());
        let wanted = events.iter().filter(|entry| matches(&filter, entry));
        assert_eq!(found, wanted.cloned().collect::<Vec<_>>(), "events of {filter:?}");
    }
}

fn matches(filter: &EventFilter, entry: &EventEntry) -> bool {
    let topics = entry.log.topics();
    match filter {
        EventFilter::Account(account) => {
            entry.log.address == *account
                || topics.get(1..).is_some_and(|rest| rest.contains(&account.into_word()))
        }
        EventFilter::Contract { address, topics: wanted } => {
            entry.log.address == *address
                && (0..4).all(|at| wanted[at].is_none() || wanted[at] == topics.get(at).copied())
        }
    }
}
