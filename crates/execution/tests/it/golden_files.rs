//! Bytes that outlive a version: genesis files, and what a genesis block puts into the state.

use crate::{chain::COUNTER, chain::genesis, sample::schedule};
use alloy_primitives::{Address, U256};
use execution::{Genesis, GenesisAccount};
use std::fmt::Write as _;

/// The file, what its block is, and the buckets of the state.
fn text(genesis: &Genesis) -> String {
    assert_eq!(Genesis::from_json(&genesis.to_json()).unwrap(), *genesis);
    let block = genesis.block().unwrap();
    let mut text = genesis.to_json();
    write!(text, "\nhash {}\nstate root {}\n", block.hash, block.header.state_root).unwrap();
    for (id, bucket) in &block.moved.buckets {
        write!(text, "bucket {id}\n{}", golden::hex(bucket)).unwrap();
    }
    text
}

#[test]
fn a_genesis_file_keeps_its_hash_and_its_state() {
    let mut genesis = genesis();
    let storage = [(U256::ZERO, U256::from(41)), (U256::MAX, U256::from(1) << 200)].into();
    let contract = GenesisAccount { code: COUNTER, storage, balance: U256::from(7) };
    genesis.accounts.insert(Address::repeat_byte(0xc0), contract);
    golden::check!("genesis.txt", &text(&genesis));
    // Entries for revisions that nobody knows yet stand in a file all the same.
    let scheduled = Genesis { revisions: schedule(&[(2, 120_000), (5, 480_000)]), ..genesis };
    golden::check!("genesis-with-revisions.txt", &text(&scheduled));
}
