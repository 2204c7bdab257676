//! The steps that prepare a sequence: assets, pools, liquidity, allowances.

use abi::{
    Erc20, UNISWAP_V3_FACTORY, UNISWAP_V3_POOL_INIT_CODE_HASH, UNISWAP_V3_POSITIONS,
    UNISWAP_V3_ROUTER, UniswapV3Factory as Factory, UniswapV3Pool as Pool, WRAPPED_GRAIN,
    WrappedGrain,
};
use alloy_primitives::{I256, U160, U256, keccak256};
use alloy_sol_types::{SolCall as _, SolValue as _};
use amm::concentrated::TICK_MAX;

use crate::{
    steps::{
        ACCOUNT, ASSETS, Actor, Called, Do, Generator, Known, Plan, Token, batch, fee_of, tick_of,
    },
    world::{ACTORS, OWNER, TOKENS},
};

impl Generator {
    pub(crate) fn fund(&mut self, number: usize) -> Called {
        let (token, who) = (TOKENS[number % 3], ACTORS[number / 3]);
        let value = U256::ONE << 200;
        ("prepare", ACCOUNT, token, Token::setCall { who, value }.abi_encode())
    }

    pub(crate) fn enable(&mut self, number: usize) -> Called {
        let (fee, spacing) = if number == 6 { (100, 1) } else { (999_999, 16_383) };
        let call = Factory::enableFeeAmountCall { fee: fee_of(fee), tickSpacing: tick_of(spacing) };
        ("prepare", OWNER, UNISWAP_V3_FACTORY, call.abi_encode())
    }

    pub(crate) fn create(&mut self, number: usize) -> Called {
        let pairs = [(0, 2), (0, 1), (2, 4), (0, 2), (0, 3)];
        let (one, other) = pairs[number - 8];
        let tiers = [(3_000, 60), (500, 10), (100, 1), (10_000, 200), (999_999, 16_383)];
        let (fee, spacing) = match number {
            8 => tiers[0],
            11 => tiers[3],
            _ => self.draws.of(&tiers),
        };
        let (one, other) = (ASSETS[one], ASSETS[other]);
        let assets = if one < other { (one, other) } else { (other, one) };
        let salt = keccak256((assets.0, assets.1, fee_of(fee)).abi_encode());
        let address = UNISWAP_V3_FACTORY.create2(salt, UNISWAP_V3_POOL_INIT_CODE_HASH);
        self.pools.push(Known { address, assets, fee: fee_of(fee), spacing });
        let call = Factory::createPoolCall { tokenA: other, tokenB: one, fee: fee_of(fee) };
        ("prepare", ACCOUNT, UNISWAP_V3_FACTORY, call.abi_encode())
    }

    pub(crate) fn begin(&mut self, number: usize) -> Called {
        let pool = self.pools[number - 13];
        let price = if number == 17 { U160::ONE << 96_usize } else { self.price(0) };
        (
            "initialize",
            ACCOUNT,
            pool.address,
            Pool::initializeCall { sqrtPriceX96: price }.abi_encode(),
        )
    }

    pub(crate) fn wrap(&mut self, number: usize) -> Called {
        let value = U256::ONE << 100;
        let deposit = WrappedGrain::depositCall {}.abi_encode();
        if number == 20 {
            self.value = value;
            return ("prepare", ACCOUNT, WRAPPED_GRAIN, deposit);
        }
        let calls = vec![Do { to: WRAPPED_GRAIN, value, data: deposit.into(), mayFail: false }];
        ("prepare", ACCOUNT, ACTORS[number - 18], Actor::runCall { calls }.abi_encode())
    }

    /// Lets the router take the account's assets.
    pub(crate) fn approve(&mut self, number: usize) -> Called {
        let call = Erc20::approveCall { spender: UNISWAP_V3_ROUTER, value: U256::MAX };
        ("prepare", ACCOUNT, ASSETS[number - 21], call.abi_encode())
    }

    /// Lets the position manager take the account's assets.
    pub(crate) fn approve_manager(&mut self, number: usize) -> Called {
        let call = Erc20::approveCall { spender: UNISWAP_V3_POSITIONS, value: U256::MAX };
        ("prepare", ACCOUNT, ASSETS[number - 32], call.abi_encode())
    }

    pub(crate) fn give(&mut self, number: usize) -> Called {
        let call = Token::setCall { who: ACCOUNT, value: U256::ONE << 150 };
        ("prepare", ACCOUNT, TOKENS[number - 36], call.abi_encode())
    }

    /// Gives the account an asset, and pools liquidity over the whole range.
    pub(crate) fn provide(&mut self, number: usize) -> Called {
        if number == 26 {
            let call = Token::setCall { who: ACCOUNT, value: U256::ONE << 150 };
            return ("prepare", ACCOUNT, TOKENS[0], call.abi_encode());
        }
        let index = number - 27;
        let pool = self.pools[index];
        let end = TICK_MAX / pool.spacing * pool.spacing;
        self.positions.push((index, ACTORS[0], -end, end));
        let data =
            Plan { more0: I256::ZERO, more1: I256::ZERO, first: Vec::new() }.abi_encode().into();
        let call = Pool::mintCall {
            recipient: ACTORS[0],
            tickLower: tick_of(-end),
            tickUpper: tick_of(end),
            amount: 1 << 60,
            data,
        };
        ("mint", ACCOUNT, ACTORS[0], batch(pool.address, call.abi_encode()))
    }
}
