//! Uniswap v3: the factory, and the pools that it creates. The rules are in `amm::concentrated`.
//!
//! Answers, events and the short messages of refusals are those of the contracts as deployed on Ethereum, and so is the storage, except that a pool keeps
//! what is immutable there (its assets, fee and tick spacing) in the two slots after the oracle's ring.
//!
//! Differences: what the kit refuses has the kit's errors, and a position's two debts are stored before either is paid.

pub(crate) mod factory;
pub(crate) mod pool;

use native_kit::instance_code;

/// The code of a pool's account.
pub(crate) const POOL_CODE: [u8; 14] = instance_code("UniswapV3Pool");
