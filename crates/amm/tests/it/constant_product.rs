//! Uniswap v2.

mod broken;
mod incidents;
mod properties;
mod vectors;

use alloy_primitives::U256;
use amm::constant_product::{Amounts, Pool};
use proptest::prelude::*;

pub(crate) fn amounts(amount0: U256, amount1: U256) -> Amounts {
    Amounts { amount0, amount1 }
}

/// Returns a pool that has received and minted these amounts at second 1.
pub(crate) fn pool(amount0: u128, amount1: u128) -> Pool {
    let mut pool = Pool::default();
    pool.receive(amounts(U256::from(amount0), U256::from(amount1))).unwrap();
    pool.mint(1).unwrap();
    pool
}

/// Returns numbers of every magnitude up to `bits` bits: rounding is decided near 1, overflow at the top.
pub(crate) fn magnitudes(bits: usize) -> impl Strategy<Value = U256> {
    let of_size = (1..=bits, any::<[u8; 32]>())
        .prop_map(|(bits, bytes)| U256::from_be_bytes(bytes) >> (256 - bits));
    let beside = (0..bits, 0..5_u8).prop_map(|(bits, step)| {
        ((U256::ONE << bits) + U256::from(step)).saturating_sub(U256::from(2))
    });
    prop_oneof![
        4 => of_size,
        2 => beside,
        4 => (0..20_u8).prop_map(U256::from),
    ]
}
