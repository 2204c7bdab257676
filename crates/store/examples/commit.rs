//! Measures the cost of a block with 1,000 changed entries on states of different sizes.
//!
//! `cargo run --release -p store --example commit -- FOLDER ACCOUNTS [BLOCKS]` creates a ledger with that many
//! accounts in FOLDER, or continues with the existing one, and commits blocks to it. Each block is timed in three
//! parts: reading the entries as transactions would; computing the new state root; the store's transaction with its
//! fsync. Prints one line of JSON per series.

#![expect(clippy::print_stdout, reason = "the measurements are the output")]

use alloy_consensus::Header;
use alloy_primitives::{Address, Bytes, KECCAK256_EMPTY, U256, keccak256};
use execution::{AccountState, BaseFeeRule, Change, ExecutedBlock, Genesis, StateChanges};
use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};
use store::{Store, StoreError};

const CHANGED_COUNT: u64 = 1_000;
const SLOTS_COUNT: u64 = 100_000;
const FILL_COUNT: u64 = 100_000;
const CONTRACT: Address = Address::repeat_byte(0xcc);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: commit FOLDER ACCOUNTS [BLOCKS]";
    let folder = arguments.next().ok_or(usage)?;
    let accounts: u64 = arguments.next().ok_or(usage)?.parse()?;
    let blocks: usize = arguments.next().map_or(Ok(100), |count| count.parse())?;
    let started = now();
    let store = Store::open(Path::new(&folder))?;
    let opening_ms = started.elapsed().as_millis();
    store.initialize(&genesis())?;
    fill(&store, accounts)?;
    let mut numbers = Numbers(now().elapsed().subsec_nanos().into());
    for what in ["slots", "accounts"] {
        let times: Vec<_> = (0..blocks)
            .map(|_| block(&store, what, accounts, &mut numbers))
            .collect::<Result<_, _>>()?;
        report(what, accounts, opening_ms, &times);
    }
    let size = std::fs::metadata(store.path())?.len();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    println!(
        r#"{{"accounts": {accounts}, "file_mib": {}, "buckets": {}, "resident": "{}"}}"#,
        size >> 20,
        store.reader()?.commitment().live_count(),
        memory.unwrap_or("unknown").trim()
    );
    Ok(())
}

fn genesis() -> Genesis {
    Genesis {
        chain_id: 7,
        timestamp: 0,
        gas_limit: 30_000_000,
        base_fee: BaseFeeRule { initial: 1_000, minimum: 7, change_denominator: 8, elasticity: 2 },
        fee_recipient: Address::ZERO,
        commitment: 2,
        revisions: execution::Schedule::FIRST,
        referees: None,
        price_reporters: None,
        accounts: BTreeMap::new(),
    }
}

/// Continues where the last run stopped, since each of its blocks has `FILL_COUNT` accounts.
fn fill(store: &Store, accounts: u64) -> Result<(), StoreError> {
    let has = |index| -> Result<_, StoreError> {
        Ok(store.reader()?.account(&address(index))?.is_some())
    };
    let mut from = 0;
    while from < accounts && has(from)? {
        from += FILL_COUNT;
    }
    if store.reader()?.slot(&CONTRACT, &slot(0))?.is_zero() {
        let one = Change { before: U256::ZERO, after: U256::from(1) };
        let slots = (0..SLOTS_COUNT).map(|index| ((CONTRACT, slot(index)), one));
        let mut changes = StateChanges { slots: slots.collect(), ..StateChanges::default() };
        changes.accounts.insert(CONTRACT, Change { before: None, after: Some(account(1)) });
        commit(store, changes)?;
    }
    while from < accounts {
        let until = accounts.min(from + FILL_COUNT);
        let new = |index| (address(index), Change { before: None, after: Some(account(index)) });
        let accounts = (from..until).map(new).collect();
        commit(store, StateChanges { accounts, ..StateChanges::default() })?;
        from = until;
    }
    Ok(())
}

/// Commits one block of changes; returns the time of each part.
fn block(
    store: &Store,
    what: &str,
    accounts: u64,
    numbers: &mut Numbers,
) -> Result<[Duration; 3], StoreError> {
    let reader = store.reader()?;
    let mut changes = StateChanges::default();
    let start = now();
    while changes.accounts.len() + changes.slots.len()
        < usize::try_from(CHANGED_COUNT).expect("a small number")
    {
        if what == "slots" {
            let slot = slot(numbers.below(SLOTS_COUNT));
            let before = reader.slot(&CONTRACT, &slot)?;
            let change = Change { before, after: before + U256::from(1) };
            changes.slots.insert((CONTRACT, slot), change);
        } else {
            let address = address(numbers.below(accounts));
            let before = reader.account(&address)?;
            let after = before.map(|it| AccountState { nonce: it.nonce + 1, ..it });
            changes.accounts.insert(address, Change { before, after });
        }
    }
    let reading = start.elapsed();
    drop(reader);
    let [moving, writing] = commit(store, changes)?;
    Ok([reading, moving, writing])
}

fn commit(store: &Store, changes: StateChanges) -> Result<[Duration; 2], StoreError> {
    let reader = store.reader()?;
    let start = now();
    let moved = reader.commitment().apply(&changes, &reader).map_err(|error| match error {
        execution::CommitmentError::State(error) => error,
        error => unreachable!("the changes were read from this state: {error}"),
    })?;
    let moving = start.elapsed();
    let header = Header {
        parent_hash: reader.head().hash(),
        number: reader.head().number + 1,
        state_root: moved.commitment.root(),
        ..reader.head().inner().clone()
    };
    drop(reader);
    let (hash, proof) = (header.hash_slow(), Bytes::new());
    let (transactions, receipts) = (Vec::new(), Vec::new());
    let block = ExecutedBlock { header, hash, proof, transactions, receipts, changes, moved };
    let start = now();
    store.commit(&block)?;
    Ok([moving, start.elapsed()])
}

fn report(what: &str, accounts: u64, opening_ms: u128, times: &[[Duration; 3]]) {
    let at = |share: usize, part: &dyn Fn(&[Duration; 3]) -> Duration| {
        let mut sorted: Vec<u128> = times.iter().map(|times| part(times).as_micros()).collect();
        sorted.sort_unstable();
        sorted[(sorted.len() - 1) * share / 100]
    };
    let cost = |times: &[Duration; 3]| times[1] + times[2];
    println!(
        r#"{{"accounts": {accounts}, "changed": "{CHANGED_COUNT} {what}", "blocks": {}, "opening_ms": {opening_ms}, "reading_us": {}, "moving_us": {}, "writing_us": {}, "commit_us": {}, "commit_p95_us": {}}}"#,
        times.len(),
        at(50, &|times| times[0]),
        at(50, &|times| times[1]),
        at(50, &|times| times[2]),
        at(50, &cost),
        at(95, &cost),
    );
}

fn account(nonce: u64) -> AccountState {
    AccountState { nonce, balance: U256::from(1_u128 << 70), code_hash: KECCAK256_EMPTY }
}

fn address(index: u64) -> Address {
    Address::from_word(keccak256(index.to_be_bytes()))
}

fn slot(index: u64) -> U256 {
    U256::from_be_bytes(keccak256(index.to_le_bytes()).0)
}

/// Pseudo-random numbers (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 |= 1;
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[expect(clippy::disallowed_methods, reason = "this measures")]
fn now() -> Instant {
    Instant::now()
}
