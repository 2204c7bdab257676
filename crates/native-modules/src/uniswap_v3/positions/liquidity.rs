//! Liquidity of positions: put in, taken out, collected.

use abi::{NonfungiblePositionManager as Manager, UniswapV3Pool};
use alloy_primitives::{
    Address, Bytes, U160, U256,
    aliases::{I24, U176},
};
use alloy_sol_types::{SolCall as _, SolValue as _, sol};
use amm::concentrated::{FeeGrowth, Owed, fees_since, liquidity_for_amounts, sqrt_price_at_tick};
use native_kit::{Call, Failure, Host, emit};

use super::{NEXT_ID, POSITIONS, StoredPosition, load_pool, pool_id, sqrt_price, tokens};
use crate::{
    table::LEAN_MARKETS,
    uniswap_v3::{
        empty,
        path::Hop,
        pool::refusal,
        router::{check_deadline, money::pay},
    },
};

sol! {
    struct PoolKey {
        address token0;
        address token1;
        uint24 fee;
    }

    /// What a mint's callback gets.
    struct MintCallbackData {
        PoolKey poolKey;
        address payer;
    }
}

/// Where liquidity is put, and for which amounts.
struct Added {
    key: Hop,
    lower: I24,
    upper: I24,
    desired: (U256, U256),
    least: (U256, U256),
}

/// The liquidity that was added, what it has cost, and the pool.
struct Done {
    liquidity: u128,
    amount0: U256,
    amount1: U256,
    pool: Address,
}

pub(super) fn mint(
    host: &mut dyn Host,
    asked: &Manager::MintParams,
) -> Result<Manager::mintReturn, Failure> {
    check_deadline(host, asked.deadline)?;
    let key = Hop { first: asked.token0, second: asked.token1, fee: asked.fee };
    let added = Added {
        key,
        lower: asked.tickLower,
        upper: asked.tickUpper,
        desired: (asked.amount0Desired, asked.amount1Desired),
        least: (asked.amount0Min, asked.amount1Min),
    };
    let Done { liquidity, amount0, amount1, pool } = add(host, &added)?;
    let next = NEXT_ID.get(host)?.max(U176::ONE);
    NEXT_ID.set(host, next.wrapping_add(U176::ONE))?;
    let token = U256::from(next);
    tokens::mint(host, asked.recipient, token)?;
    let growth = fee_growth(host, pool, (added.lower, added.upper))?;
    let id = pool_id(host, pool, &key)?;
    let stored = POSITIONS.of(host, token)?;
    let word = stored.pool.into_word(U256::ZERO, id);
    let word = stored.lower.into_word(word, added.lower);
    let word = stored.upper.into_word(word, added.upper);
    host.store(stored.pool.slot(), stored.liquidity.into_word(word, liquidity))?;
    stored.fee_growth0.set(host, growth.of0)?;
    stored.fee_growth1.set(host, growth.of1)?;
    emit(host, &Manager::IncreaseLiquidity { tokenId: token, liquidity, amount0, amount1 })?;
    Ok(Manager::mintReturn { tokenId: token, liquidity, amount0, amount1 })
}

pub(super) fn increase(
    host: &mut dyn Host,
    asked: &Manager::IncreaseLiquidityParams,
) -> Result<Manager::increaseLiquidityReturn, Failure> {
    check_deadline(host, asked.deadline)?;
    let stored = POSITIONS.of(host, asked.tokenId)?;
    let (key, lower, upper) = place(host, &stored)?;
    let added = Added {
        key,
        lower,
        upper,
        desired: (asked.amount0Desired, asked.amount1Desired),
        least: (asked.amount0Min, asked.amount1Min),
    };
    let Done { liquidity, amount0, amount1, pool } = add(host, &added)?;
    let growth = fee_growth(host, pool, (lower, upper))?;
    let before = stored.liquidity.get(host)?;
    accrue(host, &stored, growth, before, Owed::default())?;
    stored.liquidity.set(host, before.wrapping_add(liquidity))?;
    let token = asked.tokenId;
    emit(host, &Manager::IncreaseLiquidity { tokenId: token, liquidity, amount0, amount1 })?;
    Ok(Manager::increaseLiquidityReturn { liquidity, amount0, amount1 })
}

pub(super) fn decrease(
    host: &mut dyn Host,
    asked: &Manager::DecreaseLiquidityParams,
) -> Result<Manager::decreaseLiquidityReturn, Failure> {
    check_allowed(host, asked.tokenId)?;
    check_deadline(host, asked.deadline)?;
    let liquidity = asked.liquidity;
    if liquidity == 0 && host.revision() >= LEAN_MARKETS {
        return Err(empty());
    }
    let stored = POSITIONS.of(host, asked.tokenId)?;
    let before = stored.liquidity.get(host)?;
    let after = before.checked_sub(liquidity).filter(|_| liquidity > 0).ok_or_else(empty)?;
    let (key, lower, upper) = place(host, &stored)?;
    let pool = key.pool(host)?;
    let burned = burn_in_pool(host, pool, (lower, upper), liquidity)?;
    let (amount0, amount1) = (burned.amount0, burned.amount1);
    check_least((amount0, amount1), (asked.amount0Min, asked.amount1Min))?;
    let growth = fee_growth(host, pool, (lower, upper))?;
    let worth = Owed { of0: amount0.wrapping_to(), of1: amount1.wrapping_to() };
    accrue(host, &stored, growth, before, worth)?;
    stored.liquidity.set(host, after)?;
    let token = asked.tokenId;
    emit(host, &Manager::DecreaseLiquidity { tokenId: token, liquidity, amount0, amount1 })?;
    Ok(Manager::decreaseLiquidityReturn { amount0, amount1 })
}

pub(super) fn collect(
    host: &mut dyn Host,
    asked: &Manager::CollectParams,
) -> Result<Manager::collectReturn, Failure> {
    let token = asked.tokenId;
    check_allowed(host, token)?;
    if asked.amount0Max == 0 && asked.amount1Max == 0 {
        return Err(empty());
    }
    let module = host.module();
    let recipient = if asked.recipient.is_zero() { module } else { asked.recipient };
    let stored = POSITIONS.of(host, token)?;
    let (key, lower, upper) = place(host, &stored)?;
    let pool = key.pool(host)?;
    let liquidity = stored.liquidity.get(host)?;
    let mut fees = Owed::default();
    if liquidity > 0 {
        // Brings the fees up to date.
        burn_in_pool(host, pool, (lower, upper), 0)?;
        let growth = fee_growth(host, pool, (lower, upper))?;
        if host.revision() < LEAN_MARKETS {
            accrue(host, &stored, growth, liquidity, fees)?;
        } else {
            // What is owed is written once, when it is known what was taken of it.
            fees = fees_of(host, &stored, growth, liquidity)?;
            set_growth(host, &stored, growth)?;
        }
    }
    let owed = owed(host, &stored)?.with(fees);
    let taken = (owed.of0.min(asked.amount0Max), owed.of1.min(asked.amount1Max));
    let call = UniswapV3Pool::collectCall {
        recipient,
        tickLower: lower,
        tickUpper: upper,
        amount0Requested: taken.0,
        amount1Requested: taken.1,
    };
    let output = host.call_contract(&Call::new(pool, call.abi_encode()))?;
    let paid = UniswapV3Pool::collectCall::abi_decode_returns(&output).map_err(|_| empty())?;
    let of0 = owed.of0.saturating_sub(taken.0);
    let of1 = owed.of1.saturating_sub(taken.1);
    set_owed(host, &stored, Owed { of0, of1 })?;
    let (amount0, amount1) = (U256::from(taken.0), U256::from(taken.1));
    emit(host, &Manager::Collect { tokenId: token, recipient, amount0, amount1 })?;
    let (amount0, amount1) = (U256::from(paid.amount0), U256::from(paid.amount1));
    Ok(Manager::collectReturn { amount0, amount1 })
}

pub(super) fn burn(host: &mut dyn Host, token: U256) -> Result<(), Failure> {
    check_allowed(host, token)?;
    let stored = POSITIONS.of(host, token)?;
    if !is_cleared(host, &stored)? {
        return Err(Failure::message("Not cleared"));
    }
    let growths = [stored.fee_growth0.slot(), stored.fee_growth1.slot()];
    for slot in [stored.nonce.slot(), stored.pool.slot()].into_iter().chain(growths) {
        if !host.load(slot)?.is_zero() {
            host.store(slot, U256::ZERO)?;
        }
    }
    tokens::burn(host, token)
}

/// Returns whether a position has no liquidity and is owed nothing.
fn is_cleared(host: &mut dyn Host, stored: &StoredPosition) -> Result<bool, Failure> {
    if host.revision() < LEAN_MARKETS {
        let owed = host.load(stored.owed0.slot())?;
        return Ok(stored.liquidity.get(host)? == 0 && owed.is_zero());
    }
    Ok(stored.liquidity.get(host)? == 0 && host.load(stored.owed0.slot())?.is_zero())
}

/// Pays a pool for new liquidity.
pub(super) fn called_back(
    host: &mut dyn Host,
    call: &Manager::uniswapV3MintCallbackCall,
) -> Result<(), Failure> {
    let data = MintCallbackData::abi_decode_validate(&call.data).map_err(|_| empty())?;
    let PoolKey { token0, token1, fee } = data.poolKey;
    let pool = host.caller();
    if pool_of(host, &Hop { first: token0, second: token1, fee })? != pool {
        return Err(empty());
    }
    for (token, owed) in [(token0, call.amount0Owed), (token1, call.amount1Owed)] {
        if !owed.is_zero() {
            pay(host, token, (data.payer, pool), owed)?;
        }
    }
    Ok(())
}

/// Adds as much liquidity as the desired amounts give.
fn add(host: &mut dyn Host, added: &Added) -> Result<Done, Failure> {
    let pool = pool_of(host, &added.key)?;
    let price = sqrt_price(host, pool)?;
    let at = |tick: I24| sqrt_price_at_tick(tick.as_i32()).map_err(refusal);
    let range: (U160, U160) = (at(added.lower)?, at(added.upper)?);
    let liquidity = liquidity_for_amounts(price, range, added.desired).map_err(refusal)?;
    let payer = host.caller();
    let Hop { first: token0, second: token1, fee } = added.key;
    let data = MintCallbackData { poolKey: PoolKey { token0, token1, fee }, payer };
    let call = UniswapV3Pool::mintCall {
        recipient: host.module(),
        tickLower: added.lower,
        tickUpper: added.upper,
        amount: liquidity,
        data: Bytes::from(data.abi_encode()),
    };
    let output = host.call_contract(&Call::new(pool, call.abi_encode()))?;
    let paid = UniswapV3Pool::mintCall::abi_decode_returns(&output).map_err(|_| empty())?;
    let (amount0, amount1) = (paid.amount0, paid.amount1);
    check_least((amount0, amount1), added.least)?;
    Ok(Done { liquidity, amount0, amount1, pool })
}

/// Returns the address of a pool whose assets are in order.
fn pool_of(host: &mut dyn Host, key: &Hop) -> Result<Address, Failure> {
    if key.first >= key.second { Err(empty()) } else { key.pool(host) }
}

/// Returns the pool and the ticks of a position.
fn place(host: &mut dyn Host, stored: &StoredPosition) -> Result<(Hop, I24, I24), Failure> {
    let word = host.load(stored.pool.slot())?;
    let key = load_pool(host, stored.pool.of_word(word))?;
    Ok((key, stored.lower.of_word(word), stored.upper.of_word(word)))
}

/// Adds fees since the last time, and what liquidity that was taken out is worth, to what a position is owed, modulo 2^128.
fn accrue(
    host: &mut dyn Host,
    stored: &StoredPosition,
    growth: FeeGrowth,
    liquidity: u128,
    worth: Owed,
) -> Result<(), Failure> {
    let fees = fees_of(host, stored, growth, liquidity)?;
    let owed = owed(host, stored)?.with(worth).with(fees);
    set_owed(host, stored, owed)?;
    set_growth(host, stored, growth)
}

/// Returns what a position has earned since its fee growth was noted, rounded down.
fn fees_of(
    host: &mut dyn Host,
    stored: &StoredPosition,
    growth: FeeGrowth,
    liquidity: u128,
) -> Result<Owed, Failure> {
    let (of0, of1) = (stored.fee_growth0.get(host)?, stored.fee_growth1.get(host)?);
    fees_since(FeeGrowth { of0, of1 }, growth, liquidity).map_err(refusal)
}

fn set_growth(
    host: &mut dyn Host,
    stored: &StoredPosition,
    growth: FeeGrowth,
) -> Result<(), Failure> {
    stored.fee_growth0.set(host, growth.of0)?;
    stored.fee_growth1.set(host, growth.of1)
}

fn owed(host: &mut dyn Host, stored: &StoredPosition) -> Result<Owed, Failure> {
    let word = host.load(stored.owed0.slot())?;
    Ok(Owed { of0: stored.owed0.of_word(word), of1: stored.owed1.of_word(word) })
}

fn set_owed(host: &mut dyn Host, stored: &StoredPosition, owed: Owed) -> Result<(), Failure> {
    let before = host.load(stored.owed0.slot())?;
    let word = stored.owed1.into_word(stored.owed0.into_word(U256::ZERO, owed.of0), owed.of1);
    if before == word { Ok(()) } else { host.store(stored.owed0.slot(), word) }
}

fn burn_in_pool(
    host: &mut dyn Host,
    pool: Address,
    (lower, upper): (I24, I24),
    amount: u128,
) -> Result<UniswapV3Pool::burnReturn, Failure> {
    let call = UniswapV3Pool::burnCall { tickLower: lower, tickUpper: upper, amount };
    let output = host.call_contract(&Call::new(pool, call.abi_encode()))?;
    UniswapV3Pool::burnCall::abi_decode_returns(&output).map_err(|_| empty())
}

/// Returns the fee growth inside of our own position in a pool.
fn fee_growth(
    host: &mut dyn Host,
    pool: Address,
    (lower, upper): (I24, I24),
) -> Result<FeeGrowth, Failure> {
    let mut bytes = [0; 26];
    bytes[..20].copy_from_slice(host.module().as_slice());
    bytes[20..23].copy_from_slice(&lower.to_be_bytes::<3>());
    bytes[23..].copy_from_slice(&upper.to_be_bytes::<3>());
    let key = host.keccak256(&bytes)?;
    let call = UniswapV3Pool::positionsCall { key }.abi_encode();
    let output = host.call_contract(&Call::reading(pool, call))?;
    let found = UniswapV3Pool::positionsCall::abi_decode_returns(&output).map_err(|_| empty())?;
    Ok(FeeGrowth { of0: found.feeGrowthInside0LastX128, of1: found.feeGrowthInside1LastX128 })
}

fn check_allowed(host: &mut dyn Host, token: U256) -> Result<(), Failure> {
    let sender = host.caller();
    let may = tokens::may_move(host, sender, token)?;
    if may { Ok(()) } else { Err(Failure::message("Not approved")) }
}

fn check_least(amounts: (U256, U256), least: (U256, U256)) -> Result<(), Failure> {
    let is_enough = amounts.0 >= least.0 && amounts.1 >= least.1;
    if is_enough { Ok(()) } else { Err(Failure::message("Price slippage check")) }
}
