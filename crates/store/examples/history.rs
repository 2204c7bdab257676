//! Measures the memory and disk space of many blocks when old ones are pruned.
//!
//! `cargo run --release -p store --example history -- FOLDER BLOCKS [KEPT]` adds blocks of four transfers, each to
//! one of some thousand accounts, to the ledger in FOLDER, keeping the newest KEPT (default: all), and prints a line
//! of JSON for every hundredth of them.

#![expect(clippy::print_stdout, reason = "the measurements are the output")]

use alloy_consensus::{Signed, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use execution::{
    BaseFeeRule, BlockInput, Deviations, Genesis, GenesisAccount, Transaction, execute_block,
};
use std::{path::Path, time::Instant};
use store::{Store, StoreOptions};

const SENDER: Address = Address::repeat_byte(0x11);
const TRANSFERS: u64 = 4;
const RECEIVERS: u64 = 5_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: history FOLDER BLOCKS [KEPT]";
    let folder = arguments.next().ok_or(usage)?;
    let blocks: u64 = arguments.next().ok_or(usage)?.parse()?;
    let blocks_max = arguments.next().map(|kept| kept.parse()).transpose()?;
    let options = StoreOptions { blocks_max, ..StoreOptions::default() };
    let store = Store::open_with(Path::new(&folder), options)?;
    store.initialize(&genesis())?;
    let started = now();
    for index in 0..=blocks {
        if index % (blocks / 100).max(1) == 0 {
            report(&store, started)?;
        }
        add(&store)?;
    }
    store.verify()?;
    Ok(())
}

fn genesis() -> Genesis {
    let rich = GenesisAccount { balance: U256::from(1_u128 << 120), ..GenesisAccount::default() };
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
        accounts: [(SENDER, rich)].into(),
    }
}

fn add(store: &Store) -> Result<(), Box<dyn std::error::Error>> {
    let reader = store.reader()?;
    let nonce = reader.account(&SENDER)?.map_or(0, |account| account.nonce);
    let transactions: Vec<_> = (nonce..nonce + TRANSFERS).map(transfer).collect();
    let input = BlockInput {
        timestamp: reader.head().timestamp + 1,
        prevrandao: B256::ZERO,
        beneficiary: Address::ZERO,
        extra_data: Bytes::new(),
        proof: Bytes::from_static(&[1; 64]),
        deviations: Deviations::default(),
    };
    let built = execute_block(&reader.as_parent(), &genesis().rules(), &input, &transactions)?;
    if !built.refused.is_empty() {
        return Err(format!("a transfer is refused: {:?}", built.refused).into());
    }
    Ok(store.commit(&built.block)?)
}

/// Returns a transaction with a given sender: the EVM does not check signatures.
fn transfer(nonce: u64) -> Recovered<Transaction> {
    let receiver = keccak256((nonce % RECEIVERS).to_be_bytes());
    let transaction = TxEip1559 {
        chain_id: 7,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 1_000_000,
        to: TxKind::Call(Address::from_word(receiver)),
        value: U256::from(1),
        ..TxEip1559::default()
    };
    let signed = Signed::new_unhashed(transaction, Signature::test_signature());
    Recovered::new_unchecked(signed.into(), SENDER)
}

fn report(store: &Store, started: Instant) -> Result<(), Box<dyn std::error::Error>> {
    let reader = store.reader()?;
    let size = std::fs::metadata(store.path())?.len();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    println!(
        r#"{{"head": {}, "first_block": {}, "file_mib": {}, "resident": "{}", "seconds": {}}}"#,
        reader.head().number,
        reader.first_block(),
        size >> 20,
        memory.unwrap_or("unknown").trim(),
        started.elapsed().as_secs()
    );
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "this measures")]
fn now() -> Instant {
    Instant::now()
}
