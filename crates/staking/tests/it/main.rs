//! The rules against models of a contract and its token balances: invariants after every step, refused steps included.

#![expect(clippy::unwrap_used, reason = "a test stops where a helper cannot go on")]

mod examples;
mod farm;
mod fees;
mod returns;
mod rewards;
mod vault;

use alloy_primitives::U256;
use proptest::prelude::*;

fn number(value: u64) -> U256 {
    U256::from(value)
}

/// Amounts of every magnitude: rounding is decided near 1, overflow near the top.
fn amounts() -> impl Strategy<Value = U256> {
    prop_oneof![
        3 => (0_u64..16).prop_map(U256::from),
        3 => (0_u64..2_000).prop_map(U256::from),
        3 => (0_u64..1 << 60).prop_map(U256::from),
        1 => any::<u128>().prop_map(U256::from),
        1 => (0_u64..4).prop_map(|less| U256::MAX - U256::from(less)),
    ]
}
