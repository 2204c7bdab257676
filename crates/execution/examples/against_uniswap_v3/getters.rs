//! What is compared after a step besides its result.

use abi::{UNISWAP_V3_FACTORY, UniswapV3Factory as Factory, UniswapV3Pool as Pool};
use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall as _, SolEvent as _};

use crate::{
    steps::{ASSETS, Generator, fee_of, position_key, tick_of},
    twin::Outcome,
};

impl Generator {
    pub(crate) fn learn(&mut self, outcome: &Outcome) {
        let Some((pool, before)) = self.last_liquidity.take() else { return };
        for log in outcome.logs.iter().filter(|log| log.address == pool) {
            if let Ok(swap) = Pool::Swap::decode_log(log) {
                self.crossed += u64::from(swap.liquidity != before);
            }
        }
    }

    /// Returns getters to compare: of pools that have emitted something, or now and then of all.
    pub(crate) fn getters(&mut self, outcome: &Outcome) -> Vec<(Address, Vec<u8>)> {
        let all = self.draws.one_in(12);
        let mut calls = Vec::new();
        for (index, pool) in self.pools.clone().into_iter().enumerate() {
            if !all && !outcome.logs.iter().any(|log| log.address == pool.address) {
                continue;
            }
            let mut add = |data: Vec<u8>| calls.push((pool.address, data));
            add(Pool::slot0Call {}.abi_encode());
            add(Pool::liquidityCall {}.abi_encode());
            add(Pool::feeGrowthGlobal0X128Call {}.abi_encode());
            add(Pool::feeGrowthGlobal1X128Call {}.abi_encode());
            add(Pool::protocolFeesCall {}.abi_encode());
            add(Pool::observeCall { secondsAgos: vec![0, 1, 10] }.abi_encode());
            let observation = U256::from(self.draws.of(&[0_u64, 1, 2, 3, 7, 65_534]));
            add(Pool::observationsCall { index: observation }.abi_encode());
            for (at, owner, lower, upper) in self.positions.iter().rev().take(3) {
                if *at == index {
                    let key = position_key(*owner, *lower, *upper);
                    add(Pool::positionsCall { key }.abi_encode());
                    add(Pool::ticksCall { tick: tick_of(*lower) }.abi_encode());
                    add(Pool::ticksCall { tick: tick_of(*upper) }.abi_encode());
                    let (tick_lower, tick_upper) = (tick_of(*lower), tick_of(*upper));
                    add(Pool::snapshotCumulativesInsideCall {
                        tickLower: tick_lower,
                        tickUpper: tick_upper,
                    }
                    .abi_encode());
                    let word =
                        i16::try_from(lower.div_euclid(pool.spacing) >> 8).unwrap_or_default();
                    add(Pool::tickBitmapCall { wordPosition: word }.abi_encode());
                }
            }
            if all {
                add(Pool::factoryCall {}.abi_encode());
                add(Pool::token0Call {}.abi_encode());
                add(Pool::token1Call {}.abi_encode());
                add(Pool::feeCall {}.abi_encode());
                add(Pool::tickSpacingCall {}.abi_encode());
                add(Pool::maxLiquidityPerTickCall {}.abi_encode());
                add(Pool::observationsCall { index: U256::from(65_535) }.abi_encode());
            }
        }
        if all {
            calls.extend(self.factory_getters());
        }
        calls
    }

    fn factory_getters(&mut self) -> Vec<(Address, Vec<u8>)> {
        let mut calls = vec![Factory::ownerCall {}.abi_encode()];
        for fee in [0, 100, 500, 777, 3_000, 10_000, 999_999] {
            calls.push(Factory::feeAmountTickSpacingCall { fee: fee_of(fee) }.abi_encode());
            let (one, other) = (self.draws.of(&ASSETS), self.draws.of(&ASSETS));
            let call = Factory::getPoolCall { tokenA: one, tokenB: other, fee: fee_of(fee) };
            calls.push(call.abi_encode());
        }
        calls.into_iter().map(|data| (UNISWAP_V3_FACTORY, data)).collect()
    }
}
