//! Where the pairs of Uniswap v2 are.

use alloy_primitives::{Address, B256, keccak256};

use crate::{UNISWAP_V2_FACTORY, UNISWAP_V2_PAIR_INIT_CODE_HASH};

/// Returns two assets in the order in which a pair has them: by address.
#[must_use]
pub fn sorted(a: Address, b: Address) -> (Address, Address) {
    if a < b { (a, b) } else { (b, a) }
}

/// Returns what the salt of a pair's address is the hash of: both assets, the lower address first.
#[must_use]
pub fn pair_salt(asset0: Address, asset1: Address) -> [u8; 40] {
    let mut bytes = [0; 40];
    let (start, end) = bytes.split_at_mut(20);
    start.copy_from_slice(asset0.as_slice());
    end.copy_from_slice(asset1.as_slice());
    bytes
}

/// Returns the address of the pair of two assets, in any order, whether or not it was created.
///
/// Source: Uniswap v2 whitepaper, section 3.6; `UniswapV2Library.pairFor`.
#[must_use]
pub fn uniswap_v2_pair(a: Address, b: Address) -> Address {
    let (asset0, asset1) = sorted(a, b);
    let salt: B256 = keccak256(pair_salt(asset0, asset1));
    UNISWAP_V2_FACTORY.create2(salt, UNISWAP_V2_PAIR_INIT_CODE_HASH)
}
