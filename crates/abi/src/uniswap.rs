//! Where the pairs and pools of Uniswap are.

use alloy_primitives::{Address, B256, b256, keccak256};

use crate::UNISWAP_V2_FACTORY;

/// The hash from which addresses of pairs are computed: that of Uniswap's creation code, so that software made for it finds them.
pub const UNISWAP_V2_PAIR_INIT_CODE_HASH: B256 =
    b256!("0x96e8ac4277198ff8b6f785478aa9a39f403cb768dd02cbee326c3e7da348845f");
/// The hash from which addresses of pools are computed, likewise.
pub const UNISWAP_V3_POOL_INIT_CODE_HASH: B256 =
    b256!("0xe34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54");

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
