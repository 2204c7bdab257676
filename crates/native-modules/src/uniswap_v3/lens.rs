//! `TickLens`: the ticks of a pool.

use abi::{
    TickLens::{self, TickLensCalls as Calls},
    UniswapV3Pool,
};
use alloy_primitives::{Address, U256, aliases::I24};
use alloy_sol_types::SolCall;
use native_kit::{Call, Failure, Function, Host};

use super::empty;

pub(crate) const FUNCTIONS: &[Function] =
    &[Function::view(TickLens::getPopulatedTicksInWordCall::SELECTOR)];

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let Calls::getPopulatedTicksInWord(call) =
        native_kit::decode::<Calls>(input).map_err(|_| empty())?;
    let (pool, index) = (call.pool, call.tickBitmapIndex);
    let word: U256 = ask(host, pool, &UniswapV3Pool::tickBitmapCall { wordPosition: index })?;
    let spacing: I24 = ask(host, pool, &UniswapV3Pool::tickSpacingCall {})?;
    let mut ticks = Vec::new();
    for bit in (0..256_u16).rev().filter(|bit| word.bit(usize::from(*bit))) {
        let place = i32::from(index).wrapping_mul(256).wrapping_add(i32::from(bit));
        let place = I24::try_from(place).unwrap_or_default();
        let tick = place.wrapping_mul(spacing);
        let found = ask(host, pool, &UniswapV3Pool::ticksCall { tick })?;
        ticks.push(TickLens::PopulatedTick {
            tick,
            liquidityNet: found.liquidityNet,
            liquidityGross: found.liquidityGross,
        });
    }
    Ok(TickLens::getPopulatedTicksInWordCall::abi_encode_returns(&ticks))
}

fn ask<C: SolCall>(host: &mut dyn Host, pool: Address, call: &C) -> Result<C::Return, Failure> {
    if !host.has_code(pool)? {
        return Err(empty());
    }
    let output = host.call(&Call::reading(pool, call.abi_encode()))?.returned()?;
    C::abi_decode_returns(&output).map_err(|_| empty())
}
