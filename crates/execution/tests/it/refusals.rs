//! Transactions that cannot be included are reported, and change nothing.

use crate::chain::{CHAIN_ID, Chain, START_BALANCE, key, plain, sign};
use alloy_consensus::{TxEip1559, TxEip4844, TxLegacy};
use alloy_primitives::{TxKind, U256};
use execution::{Genesis, Refusal};

#[test]
fn each_reason_is_reported_and_the_rest_is_included() {
    let mut chain = Chain::new();
    let poor = key(9).address();
    let cases = [
        (sign(1, plain(1)), Refusal::NonceTooHigh { transaction: 1, account: 0 }),
        (
            sign(1, TxEip1559 { max_fee_per_gas: 874, ..plain(0) }),
            Refusal::FeeBelowBaseFee { max_fee: 874, base_fee: 875 },
        ),
        (
            sign(1, TxEip1559 { chain_id: 1, ..plain(0) }),
            Refusal::WrongChain { signed: 1, chain: CHAIN_ID },
        ),
        (
            sign(1, TxLegacy { chain_id: Some(1), gas_limit: 100_000, ..TxLegacy::default() }),
            Refusal::WrongChain { signed: 1, chain: CHAIN_ID },
        ),
        (
            sign(1, TxEip4844 { chain_id: CHAIN_ID, ..TxEip4844::default() }),
            Refusal::TypeNotSupported { transaction_type: 3 },
        ),
        (
            sign(1, TxEip1559 { gas_limit: 30_000_001, ..plain(0) }),
            Refusal::GasLimitTooHigh { gas_limit: 30_000_001, block_gas_limit: 30_000_000 },
        ),
        (
            sign(1, TxEip1559 { gas_limit: 20_999, ..plain(0) }),
            Refusal::IntrinsicGas { gas_limit: 20_999, needed: 21_000 },
        ),
        (
            sign(9, TxEip1559 { gas_limit: 21_000, max_fee_per_gas: 1_000, ..plain(0) }),
            Refusal::InsufficientFunds { needed: U256::from(21_000_000), balance: U256::ZERO },
        ),
    ];
    let mut transactions: Vec<_> =
        cases.iter().map(|(transaction, _)| transaction.clone()).collect();
    transactions.push(sign(1, TxEip1559 { value: U256::from(1), ..plain(0) }));
    transactions.push(sign(1, plain(0)));
    let built = chain.build(&transactions);

    assert_eq!(built.block.transactions, [transactions[cases.len()].clone()]);
    for (refused, (index, (transaction, reason))) in
        built.refused.iter().zip(cases.iter().enumerate())
    {
        assert_eq!(&refused.reason, reason);
        assert_eq!((refused.index, &refused.hash), (index, transaction.tx_hash()));
    }
    let last = built.refused.last().unwrap();
    assert_eq!(last.reason, Refusal::NonceTooLow { transaction: 0, account: 1 });
    assert!(!chain.state.accounts.contains_key(&poor));
    // Without the refused ones the block is the same.
    let mut other = Chain::new();
    assert_eq!(other.build(&transactions[cases.len()..=cases.len()]).block, built.block);
}

#[test]
fn value_and_fee_together_must_be_there() {
    let mut chain = Chain::new();
    let all = U256::from(START_BALANCE);
    let all_but_gas = all - U256::from(200_000_u128 * 1_000_000);
    let transfer = |value| sign(1, TxEip1559 { value, ..plain(0) });
    let built = chain.build(&[transfer(all_but_gas + U256::from(1)), transfer(all_but_gas)]);
    assert_eq!(
        built.refused[0].reason,
        Refusal::InsufficientFunds { needed: all + U256::from(1), balance: all }
    );
    assert_eq!(built.block.transactions.len(), 1);
}

#[test]
fn a_full_block_leaves_the_rest_for_the_next() {
    let mut chain =
        Chain::from_genesis(&Genesis { gas_limit: 1_000_000, ..crate::chain::genesis() });
    let big = |sender| sign(sender, TxEip1559 { gas_limit: 979_001, ..plain(0) });
    let built = chain.build(&[big(1), big(2), big(3)]);
    // Only the first used 21,000 gas; the unused gas is free again, but one unit too little.
    assert_eq!(built.block.transactions.len(), 1);
    for refused in &built.refused {
        assert_eq!(refused.reason, Refusal::BlockFull { gas_limit: 979_001, gas_left: 979_000 });
        assert!(refused.reason.is_temporary());
    }
    assert_eq!(chain.build(&[big(2)]).block.transactions.len(), 1);
}

#[test]
fn a_contract_creation_too_large_is_refused() {
    let mut chain = Chain::new();
    let oversized = TxEip1559 {
        to: TxKind::Create,
        input: vec![0; 49_153].into(),
        gas_limit: 5_000_000,
        ..plain(0)
    };
    let built = chain.build(&[sign(1, oversized)]);
    assert_eq!(built.refused[0].reason, Refusal::CreationCodeTooLong { size: 49_153 });
    assert!(!built.refused[0].reason.is_temporary());
    assert_eq!(chain.state.nonce(&key(1).address()), 0);
}
