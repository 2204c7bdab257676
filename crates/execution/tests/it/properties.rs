//! Invariants of any sequence of blocks. The checks are in [`Chain::build`](crate::chain::Chain::build).

use crate::assets::create;
use crate::chain::{COUNTER, Chain, creation, key, plain, sign};
use abi::{ASSETS, Erc20, GRAIN};
use alloy_consensus::{TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_sol_types::SolCall;
use execution::Transaction;
use proptest::prelude::*;
use std::mem;

#[derive(Clone, Debug)]
struct Attempt {
    sender: u8,
    /// Added to the sender's next nonce: mostly 0.
    nonce_gap: u64,
    value: u128,
    gas_limit: u64,
    fee: u128,
    tip: u128,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Send {
        to: u8,
    },
    Count,
    Revert,
    Deploy,
    Vanish,
    /// Moves the value by GRAIN's `transfer`.
    Grain {
        to: u8,
    },
    CreateAsset,
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let what = prop_oneof![
        (0_u8..7).prop_map(|to| What::Send { to }),
        Just(What::Count),
        Just(What::Revert),
        Just(What::Deploy),
        Just(What::Vanish),
        (0_u8..7).prop_map(|to| What::Grain { to }),
        Just(What::CreateAsset),
    ];
    let value = prop_oneof![Just(0), 1_u128..16, 1_u128..1 << 59, Just(1 << 60)];
    let gas_limit = prop_oneof![
        20_000_u64..60_000,
        60_000_u64..200_000,
        200_000_u64..300_000,
        Just(30_000_001)
    ];
    let gap = prop_oneof![8 => Just(0_u64), 1 => Just(1)];
    let fee = prop_oneof![1 => 500_u128..900, 6 => 2_000_u128..1 << 20, 1 => Just(1 << 45)];
    (1_u8..=5, gap, value, gas_limit, (fee, 0_u128..2_000), what).prop_map(
        |(sender, nonce_gap, value, gas_limit, (fee, tip), what)| Attempt {
            sender,
            nonce_gap,
            value,
            gas_limit,
            fee,
            tip: tip.min(fee),
            what,
        },
    )
}

/// Returns transactions whose nonces follow from those that would be included, so that most are valid; the gap makes
/// some invalid.
fn transactions(
    chain: &Chain,
    counter: Address,
    attempts: &[Attempt],
) -> Vec<Recovered<Transaction>> {
    let mut sent = [0_u64; 6];
    let mut transactions = Vec::new();
    for attempt in attempts {
        let sender = attempt.sender;
        let mut value = U256::from(attempt.value);
        let (to, input) = match attempt.what {
            What::Send { to } => (TxKind::Call(Address::repeat_byte(to)), Bytes::new()),
            What::Count => (TxKind::Call(counter), Bytes::new()),
            What::Revert => (TxKind::Call(counter), Bytes::from_static(b"no")),
            What::Deploy => (TxKind::Create, creation(&COUNTER)),
            // Stores a value, then destroys itself with its creator as the receiver.
            What::Vanish => (TxKind::Create, Bytes::from_static(b"\x60\x01\x5f\x55\x33\xff")),
            What::Grain { to } => {
                let transfer = Erc20::transferCall {
                    to: Address::repeat_byte(to),
                    value: mem::take(&mut value),
                };
                (TxKind::Call(GRAIN), transfer.abi_encode().into())
            }
            What::CreateAsset => {
                value = U256::ZERO;
                (TxKind::Call(ASSETS), create(key(sender).address()).into())
            }
        };
        let nonce = chain.state.nonce(&key(sender).address()) + sent[usize::from(sender)];
        transactions.push(sign(
            sender,
            TxEip1559 {
                nonce: nonce + attempt.nonce_gap,
                gas_limit: attempt.gas_limit,
                max_fee_per_gas: attempt.fee,
                max_priority_fee_per_gas: attempt.tip,
                value,
                to,
                input,
                ..plain(0)
            },
        ));
        let built = chain.execute(&transactions);
        if built.refused.last().is_none_or(|refused| refused.index + 1 < transactions.len()) {
            sent[usize::from(sender)] += 1;
        }
    }
    transactions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn value_is_conserved_and_the_root_is_the_states(
        blocks in proptest::collection::vec(proptest::collection::vec(attempt(), 0..8), 1..5),
    ) {
        let mut chain = Chain::new();
        let counter = chain.deploy(4, &COUNTER);
        for attempts in &blocks {
            let transactions = transactions(&chain, counter, attempts);
            let again = chain.execute(&transactions);
            let before = chain.clone();
            let built = chain.build(&transactions);
            prop_assert_eq!(&built, &again, "the same block twice");
            let without_refused = before.execute(&built.block.transactions);
            prop_assert_eq!(&without_refused.block, &built.block, "a refused transaction must have no effect");
            prop_assert!(without_refused.refused.is_empty());
        }
    }
}
