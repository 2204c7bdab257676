//! The factory: creates pairs, and names who receives the protocol's fee.

use abi::{
    UNISWAP_V2_FACTORY,
    UniswapV2Factory::{self as Factory, UniswapV2FactoryCalls as Calls},
    sorted,
};
use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolInterface as _};

use native_kit::{
    Failure, Function, Host, emit,
    slots::{Array, Layout, Mapping, Value},
    storage,
};

use super::{empty, pair, pair_address};
use crate::parameters;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(Factory::feeToCall::SELECTOR),
    Function::view(Factory::feeToSetterCall::SELECTOR),
    Function::view(Factory::getPairCall::SELECTOR),
    Function::view(Factory::allPairsCall::SELECTOR),
    Function::view(Factory::allPairsLengthCall::SELECTOR),
    Function::nonpayable(Factory::createPairCall::SELECTOR).unlocked(),
    Function::nonpayable(Factory::setFeeToCall::SELECTOR).unlocked(),
    Function::nonpayable(Factory::setFeeToSetterCall::SELECTOR).unlocked(),
];

storage! {
    struct Storage {
        fee_to: Value<Address>,
        fee_to_setter: Value<Address>,
        pairs: Mapping<Address, Mapping<Address, Value<Address>>>,
        all_pairs: Array<Value<Address>>,
    }
}

fn stored() -> Storage {
    Storage::at(U256::ZERO, 0)
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    match Calls::abi_decode(input).map_err(|_| empty())? {
        Calls::feeTo(_) => Ok(Factory::feeToCall::abi_encode_returns(&stored().fee_to.get(host)?)),
        Calls::feeToSetter(_) => {
            let setter = stored().fee_to_setter.get(host)?;
            Ok(Factory::feeToSetterCall::abi_encode_returns(&setter))
        }
        Calls::getPair(call) => {
            let pair = existing_pair(host, call.tokenA, call.tokenB)?;
            Ok(Factory::getPairCall::abi_encode_returns(&pair))
        }
        Calls::allPairs(call) => all_pairs(host, call.index),
        Calls::allPairsLength(_) => {
            let length = U256::from(stored().all_pairs.len(host)?);
            Ok(Factory::allPairsLengthCall::abi_encode_returns(&length))
        }
        Calls::createPair(call) => create_pair(host, call.tokenA, call.tokenB),
        Calls::setFeeTo(call) => set_fee_to(host, call.to),
        Calls::setFeeToSetter(call) => set_fee_to_setter(host, call.to),
    }
}

/// Reads who receives the protocol's fee, for a pair. The zero address while it is off.
pub(super) fn fee_to(host: &mut dyn Host) -> Result<Address, Failure> {
    stored().fee_to.get_of(host, UNISWAP_V2_FACTORY)
}

/// Reads the pair of two assets, in any order. The zero address if there is none.
pub(crate) fn existing_pair(
    host: &mut dyn Host,
    asset_a: Address,
    asset_b: Address,
) -> Result<Address, Failure> {
    let pair = stored().pairs.of(host, asset_a)?.of(host, asset_b)?;
    pair.get_of(host, UNISWAP_V2_FACTORY)
}

fn all_pairs(host: &mut dyn Host, index: U256) -> Result<Vec<u8>, Failure> {
    let index = u64::try_from(index).map_err(|_| empty())?;
    let element = stored().all_pairs.element(host, index)?.ok_or_else(empty)?;
    Ok(Factory::allPairsCall::abi_encode_returns(&element.get(host)?))
}

fn create_pair(
    host: &mut dyn Host,
    asset_a: Address,
    asset_b: Address,
) -> Result<Vec<u8>, Failure> {
    // Checks.
    if asset_a == asset_b {
        return Err(Failure::message("UniswapV2: IDENTICAL_ADDRESSES"));
    }
    let (token0, token1) = sorted(asset_a, asset_b);
    if token0.is_zero() {
        return Err(Failure::message("UniswapV2: ZERO_ADDRESS"));
    }
    let one_way = stored().pairs.of(host, token0)?.of(host, token1)?;
    if !one_way.get(host)?.is_zero() {
        return Err(Failure::message("UniswapV2: PAIR_EXISTS"));
    }
    // Effects.
    let pair = pair_address(host, (token0, token1))?;
    pair::create(host, pair, (token0, token1))?;
    one_way.set(host, pair)?;
    stored().pairs.of(host, token1)?.of(host, token0)?.set(host, pair)?;
    stored().all_pairs.push(host)?.set(host, pair)?;
    let number = U256::from(stored().all_pairs.len(host)?);
    emit(host, &Factory::PairCreated { token0, token1, pair, number })?;
    Ok(Factory::createPairCall::abi_encode_returns(&pair))
}

fn set_fee_to(host: &mut dyn Host, to: Address) -> Result<Vec<u8>, Failure> {
    check_setter(host)?;
    stored().fee_to.set(host, to)?;
    Ok(Vec::new())
}

fn set_fee_to_setter(host: &mut dyn Host, to: Address) -> Result<Vec<u8>, Failure> {
    check_setter(host)?;
    stored().fee_to_setter.set(host, to)?;
    Ok(Vec::new())
}

fn check_setter(host: &mut dyn Host) -> Result<(), Failure> {
    let setter = stored().fee_to_setter.get(host)?;
    if setter == host.caller() || parameters::governs(host, setter) {
        Ok(())
    } else {
        Err(Failure::message("UniswapV2: FORBIDDEN"))
    }
}
