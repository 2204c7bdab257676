//! Every operation against integers of any size, at magnitudes where rounding and overflow are decided.

mod properties;
mod vectors;

use alloy_primitives::U256;
use num_bigint::BigUint;

fn big(number: U256) -> BigUint {
    BigUint::from_bytes_be(&number.to_be_bytes::<32>())
}

/// `None` when it has more than 256 bits.
fn small(number: &BigUint) -> Option<U256> {
    U256::try_from_be_slice(&number.to_bytes_be())
}
