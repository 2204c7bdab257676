//! Uniswap v3: the factory and the pools that it creates, router, quoter, tick lens and position manager. The rules are in `amm::concentrated`.
//!
//! Answers, events and the short messages of refusals are those of the contracts as deployed on Ethereum, and so is the storage, except that a pool keeps
//! what is immutable there (its assets, fee and tick spacing) in the two slots after the oracle's ring.
//!
//! Differences: what the kit refuses has the kit's errors, and a position's two debts are stored before either is paid.

pub(crate) mod factory;
pub(crate) mod lens;
mod multicall;
mod path;
pub(crate) mod pool;
pub(crate) mod positions;
pub(crate) mod quoter;
pub(crate) mod router;

use alloy_primitives::Bytes;
use native_kit::{Failure, instance_code};

/// The code of a pool's account.
pub(crate) const POOL_CODE: [u8; 14] = instance_code(abi::UNISWAP_V3_POOL);

/// Returns a revert without data, as of `require` without a message.
fn empty() -> Failure {
    Failure::Revert(Bytes::new())
}
