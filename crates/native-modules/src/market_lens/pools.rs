//! Pairs and pools: which there are, their price, and where their liquidity lies.

use abi::{
    MarketLens::{self, Kind},
    sorted,
};
use alloy_primitives::{
    Address, U160, U256,
    aliases::{I24, U24},
};
use amm::{
    concentrated::{Book as _, Direction, Slot0},
    constant_product::{Depth, Reserves, product},
    risk::{
        BANDS_BPS, TICKS_MAX, concentration, pair_share_within_down, price_at_root_down,
        ticks_around,
    },
};
use fixed_point::{isqrt_down, sqrt_ratio_down};
use native_kit::{Failure, Host};

use super::{in_pool, is_running, too_large};
use crate::{
    tokens, uniswap_v2,
    uniswap_v3::{
        factory::existing_pool,
        pool::{self, PoolRecords, refusal},
    },
};

/// The fees of pools of v3 that are looked for, in millionths. The factory has no list of those that it enables.
const FEES: [u32; 4] = [100, 500, 3_000, 10_000];
/// The fee of a pair, in millionths.
const PAIR_FEE: u32 = 3_000;
/// Words of the bitmap that are read on each side at most.
const WORDS_MAX: u16 = 512;
/// Gas for the arithmetic of a tick: two square roots of prices, and its part of each band.
const TICK_GAS: u64 = 2_000;

/// A pair or a pool that its factory has created.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) address: Address,
    pub(crate) state: State,
    pub(crate) token0: Address,
    pub(crate) token1: Address,
    fee: U24,
}

/// Its price, and what it depends on.
#[derive(Clone, Copy)]
pub(crate) enum State {
    Pair(Reserves),
    Pool(Slot0),
}

impl Found {
    pub(super) fn kind(&self) -> Kind {
        match self.state {
            State::Pair(_) => Kind::V2Pair,
            State::Pool(_) => Kind::V3Pool,
        }
    }

    /// Returns in which direction it takes an asset, and the asset that it gives.
    pub(crate) fn direction(&self, token_in: Address) -> Result<(Direction, Address), Failure> {
        if token_in == self.token0 {
            return Ok((Direction::ZeroForOne, self.token1));
        }
        if token_in == self.token1 {
            return Ok((Direction::OneForZero, self.token0));
        }
        let (pool, token) = (self.address, token_in);
        Err(Failure::revert(&MarketLens::NotInPool { pool, token }))
    }

    /// Returns the square root of its price in Q64.96; 0 without one. That of a pair is rounded down.
    pub(super) fn root(&self) -> U160 {
        match self.state {
            State::Pool(slot0) => slot0.sqrt_price,
            State::Pair(reserves) => {
                let (x, y) = (U256::from(reserves.reserve0), U256::from(reserves.reserve1));
                // At most 152 bits: a reserve has 112.
                sqrt_ratio_down(y, x).unwrap_or_default().wrapping_to()
            }
        }
    }

    /// Returns the root of its price, or refuses without one.
    pub(super) fn priced(&self) -> Result<U160, Failure> {
        let root = self.root();
        if root.is_zero() { Err(no_liquidity(self.address)) } else { Ok(root) }
    }

    /// Refuses while a call of it runs: a pool of v3 stores as it goes, and the balances of a pair are lent out in a flash swap.
    pub(super) fn check_unlocked(&self, host: &mut dyn Host) -> Result<(), Failure> {
        let is_locked = match self.state {
            State::Pool(slot0) if slot0.sqrt_price.is_zero() => {
                return Err(no_liquidity(self.address));
            }
            State::Pool(slot0) => !slot0.is_unlocked,
            State::Pair(_) => is_running(host, self.address)?,
        };
        if is_locked {
            return Err(Failure::revert(&MarketLens::PoolIsLocked { pool: self.address }));
        }
        Ok(())
    }

    fn view(&self, host: &mut dyn Host) -> Result<MarketLens::Pool, Failure> {
        let root = self.root();
        let (price, tick, liquidity, amount0, amount1) = match self.state {
            State::Pair(reserves) => {
                let amounts = reserves.amounts();
                let (reserve_in, reserve_out) = (amounts.amount0, amounts.amount1);
                let price = amm::risk::Price::of_reserves(Depth { reserve_in, reserve_out });
                let price = price.map_or(Ok(U256::ZERO), amm::risk::Price::scaled_down);
                let liquidity = isqrt_down(product(reserves));
                (price.map_err(too_large)?, 0, liquidity, reserve_in, reserve_out)
            }
            State::Pool(slot0) => {
                let liquidity = PoolRecords::of(host, self.address).liquidity().map_err(in_pool)?;
                let amount0 = tokens::balance_of(host, self.token0, self.address)?;
                let amount1 = tokens::balance_of(host, self.token1, self.address)?;
                let price = price_at_root_down(root).map_err(too_large)?;
                (price, slot0.tick, U256::from(liquidity), amount0, amount1)
            }
        };
        Ok(MarketLens::Pool {
            pool: self.address,
            kind: self.kind(),
            token0: self.token0,
            token1: self.token1,
            fee: self.fee,
            sqrtPriceX96: root,
            tick: narrow(tick),
            price,
            liquidity,
            amount0,
            amount1,
        })
    }
}

pub(super) fn no_liquidity(pool: Address) -> Failure {
    Failure::revert(&MarketLens::NoPoolLiquidity { pool })
}

/// Finds a pair or a pool by its address. What is stored there counts only if the factory has created it.
pub(crate) fn find(host: &mut dyn Host, address: Address) -> Result<Found, Failure> {
    let (token0, token1) = uniswap_v2::assets_of(host, address)?;
    let is_pair = !token0.is_zero() && uniswap_v2::existing_pair(host, token0, token1)? == address;
    if is_pair {
        return pair(host, address, (token0, token1));
    }
    let (token0, token1) = pool::assets_of(host, address)?;
    let fee = PoolRecords::of(host, address).terms().map_err(in_pool)?.fee;
    let fee = U24::from(fee);
    let is_pool = !token0.is_zero() && existing_pool(host, (token0, token1), fee)? == address;
    if is_pool {
        return pool(host, address, (token0, token1), fee);
    }
    Err(Failure::revert(&MarketLens::NotAPool { account: address }))
}

fn pair(
    host: &mut dyn Host,
    address: Address,
    (token0, token1): (Address, Address),
) -> Result<Found, Failure> {
    let state = State::Pair(uniswap_v2::reserves_of(host, address)?);
    Ok(Found { address, state, token0, token1, fee: U24::from(PAIR_FEE) })
}

fn pool(
    host: &mut dyn Host,
    address: Address,
    (token0, token1): (Address, Address),
    fee: U24,
) -> Result<Found, Failure> {
    let slot0 = PoolRecords::of(host, address).slot0().map_err(in_pool)?;
    Ok(Found { address, state: State::Pool(slot0), token0, token1, fee })
}

/// Finds the pair and the pools between two assets.
pub(super) fn all_between(
    host: &mut dyn Host,
    one: Address,
    other: Address,
) -> Result<Vec<Found>, Failure> {
    let (assets, mut found) = (sorted(one, other), Vec::new());
    let address = uniswap_v2::existing_pair(host, assets.0, assets.1)?;
    if !address.is_zero() {
        found.push(pair(host, address, assets)?);
    }
    for fee in FEES.map(U24::from) {
        let address = existing_pool(host, assets, fee)?;
        if !address.is_zero() {
            found.push(pool(host, address, assets, fee)?);
        }
    }
    Ok(found)
}

pub(super) fn view(host: &mut dyn Host, account: Address) -> Result<MarketLens::Pool, Failure> {
    find(host, account)?.view(host)
}

pub(super) fn view_of(host: &mut dyn Host, found: &Found) -> Result<MarketLens::Pool, Failure> {
    found.view(host)
}

pub(super) fn between(
    host: &mut dyn Host,
    one: Address,
    other: Address,
) -> Result<Vec<MarketLens::Pool>, Failure> {
    let mut views = Vec::new();
    for found in all_between(host, one, other)? {
        views.push(found.view(host)?);
    }
    Ok(views)
}

pub(super) fn concentrated(
    host: &mut dyn Host,
    call: &MarketLens::concentrationCall,
) -> Result<MarketLens::Concentration, Failure> {
    let (given, max) = (call.words, WORDS_MAX);
    if !(1..=max).contains(&given) {
        return Err(Failure::revert(&MarketLens::WordsOutOfRange { given, max }));
    }
    let found = find(host, call.account)?;
    let root = found.priced()?;
    let pool = found.view(host)?;
    let State::Pool(slot0) = found.state else {
        found.check_unlocked(host)?;
        return of_pair(pool);
    };
    found.check_unlocked(host)?;
    let mut records = PoolRecords::of(host, found.address);
    let ticks = ticks_around(&mut records, given).map_err(in_pool)?;
    let active = records.liquidity().map_err(in_pool)?;
    let count = u64::try_from(ticks.found.len()).unwrap_or_default();
    host.charge(TICK_GAS.saturating_mul(count.saturating_add(1)))?;
    let found = concentration(&ticks, root, slot0.tick, active).map_err(refusal)?;
    let bands = BANDS_BPS.into_iter().zip(found.shares);
    let bands = bands.map(|(bps, share)| MarketLens::Band { widthBps: bps, share }).collect();
    let listed = found.ticks.iter().map(|at| MarketLens::Tick {
        tick: narrow(at.tick),
        liquidityNet: at.net,
        liquidity: at.liquidity,
    });
    Ok(MarketLens::Concentration {
        pool,
        isWhole: ticks.is_whole(),
        value: found.value,
        bands,
        ticks: listed.collect(),
    })
}

const _: () = assert!(TICKS_MAX == 128, "256 ticks on both sides: the interface says so");

/// Liquidity of a pair is the same at every price, and half of its value is of each asset.
fn of_pair(pool: MarketLens::Pool) -> Result<MarketLens::Concentration, Failure> {
    let mut bands = Vec::new();
    for bps in BANDS_BPS {
        let share = pair_share_within_down(bps).map_err(too_large)?;
        bands.push(MarketLens::Band { widthBps: bps, share });
    }
    let value = pool.amount1.saturating_mul(U256::from(2));
    Ok(MarketLens::Concentration { pool, isWhole: true, value, bands, ticks: Vec::new() })
}

/// Returns a tick of the rules, which has at most 21 bits.
pub(super) fn narrow(tick: i32) -> I24 {
    I24::try_from(tick).unwrap_or_default()
}
