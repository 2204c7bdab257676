//! Uniswap v2: a factory, its pairs, and the router.
//!
//! The same calls have the same results as those of the contracts on Ethereum: return data, revert messages, events, and the storage
//! behind the getters, slot by slot. `execution` compares them with the contracts' bytecode. What differs:
//!
//! - Factory and router have fixed addresses; pairs have those that Uniswap's formula and hash give with this factory.
//! - Where the contracts run into an invalid opcode (a division by zero, an index out of range), the call reverts with empty data
//!   and keeps its gas.
//! - A pair has no slot for its lock (12 in the contract): the kit has the lock.
//! - What the kit refuses (unknown functions, value where none is taken, changes in a static call) has the kit's errors instead of
//!   empty data.
//! - Nobody can turn on the protocol's fee yet: `feeToSetter` is the zero address until governance takes it over.

mod factory;
mod pair;
mod router;
mod shares;
pub(crate) mod transfers;

pub(crate) use factory::{FUNCTIONS as FACTORY_FUNCTIONS, call as call_factory, existing_pair};
pub(crate) use pair::{
    CODE as PAIR_CODE, FUNCTIONS as PAIR_FUNCTIONS, assets_of, call as call_pair, prices_of,
    reserves_of, shares_of,
};
pub(crate) use router::{FUNCTIONS as ROUTER_FUNCTIONS, call as call_router};

use ::amm::constant_product::ArithmeticError;
use alloy_primitives::{Address, B256, Bytes};

use abi::{UNISWAP_V2_FACTORY, UNISWAP_V2_PAIR_INIT_CODE_HASH, pair_salt};
use native_kit::{Failure, Host, create2_address, keccak256_gas};

/// Gas for the arithmetic of an operation on a pair: divisions of 256 bits, and up to two square roots.
const ARITHMETIC_GAS: u64 = 400;

/// Gas for the address of a pair: the hash that is its salt, and the one that it is a part of.
const ADDRESS_GAS: u64 = keccak256_gas(40) + keccak256_gas(85);

/// Returns a revert without data, as of calldata that can't be decoded and of Solidity's failed assertions.
fn empty() -> Failure {
    Failure::Revert(Bytes::new())
}

/// Returns the failure of arithmetic: a message, or for a division by zero nothing.
fn arithmetic(error: ArithmeticError) -> Failure {
    match error {
        ArithmeticError::Addition => Failure::message("ds-math-add-overflow"),
        ArithmeticError::Subtraction => Failure::message("ds-math-sub-underflow"),
        ArithmeticError::Multiplication => Failure::message("ds-math-mul-overflow"),
        ArithmeticError::Division => empty(),
    }
}

/// Returns the address of the pair of two assets in their order, whether or not it was created.
fn pair_address(
    host: &mut dyn Host,
    (asset0, asset1): (Address, Address),
) -> Result<Address, Failure> {
    let salt: B256 = host.keccak256(&pair_salt(asset0, asset1))?;
    create2_address(host, UNISWAP_V2_FACTORY, salt, UNISWAP_V2_PAIR_INIT_CODE_HASH)
}
