//! Positions: what they are worth, what they have earned, and what they lose at other prices.

use abi::{
    MarketLens, NonfungiblePositionManager as Manager, UNISWAP_V3_POSITIONS, convert::account,
};
use alloy_primitives::{Address, U160, U256, uint};
use amm::{
    concentrated::{
        Book as _, Burned, FeeGrowth, Owed, Pool, PositionKey, SQRT_PRICE_MAX, SQRT_PRICE_MIN,
        Trial, fees_since, sqrt_price_at_tick,
    },
    constant_product::{Amounts, Refused, burn_down, product},
    risk::{
        Growth, Provided, Range, SCENARIOS_BPS, WHOLE, liquidity_per_share_down, part_since_down,
        price_at_root_down, scenarios,
    },
};
use fixed_point::{isqrt_down, mul_div_down};
use native_kit::{Failure, Host};
use staking::returns::growth_down;

use super::{
    ask, in_pool, now,
    pools::{self, Found, State},
    too_large,
};
use crate::{
    tokens, uniswap_v2,
    uniswap_v3::{
        factory::existing_pool,
        pool::{PoolRecords, refusal},
    },
};

/// Gas for a position at one price: about 20 divisions of 512 bits.
const SCENARIO_GAS: u64 = 2_000;
/// The square root of a price of a pair is at least that of the smallest reserve by the largest one.
const PAIR_ROOT_MIN: U160 = uint!(0x1_0000_0000_00_U160);
/// It is below 2^152.
const PAIR_ROOT_MAX: U160 = uint!(0xff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_U160);

pub(super) fn of_pair(
    host: &mut dyn Host,
    call: &MarketLens::v2PositionCall,
) -> Result<MarketLens::V2Position, Failure> {
    let found = pools::find(host, call.pair)?;
    let State::Pair(reserves) = found.state else {
        return Err(Failure::revert(&MarketLens::NotAPool { account: call.pair }));
    };
    found.check_unlocked(host)?;
    let now = found.priced()?;
    let entry = entry(call.entrySqrtPriceX96, now, (PAIR_ROOT_MIN, PAIR_ROOT_MAX))?;
    let (shares, supply) = uniswap_v2::shares_of(host, call.pair, call.account)?;
    let amounts = paid_by_burn(host, &found, shares, supply)?;
    let later = liquidity_per_share_down(reserves, supply).map_err(too_large)?;
    let growth = Growth { earlier: call.earlierLiquidityPerShare, later };
    let grown = match growth.earlier.is_zero() {
        true => U256::ZERO,
        false => growth_down(growth.earlier, later).map_err(|error| too_large(error.into()))?,
    };
    // The shares' part of the liquidity: below 2^112, as the whole is.
    let liquidity = part(isqrt_down(product(reserves)), shares, supply)?;
    let position = Provided { range: Range::Whole, liquidity: liquidity.saturating_to() };
    Ok(MarketLens::V2Position {
        pool: pools::view_of(host, &found)?,
        shares,
        supply,
        share: part(WHOLE, shares, supply)?,
        amount0: amounts.amount0,
        amount1: amounts.amount1,
        liquidityPerShare: later,
        feeGrowth: grown,
        fees0: part_since_down(amounts.amount0, growth).map_err(too_large)?,
        fees1: part_since_down(amounts.amount1, growth).map_err(too_large)?,
        scenarios: table(host, &position, entry, now)?,
    })
}

/// Returns what burning shares would pay, with the pair's own rule: of its balances, gifts included. Too few shares for a unit of each asset are worth nothing.
fn paid_by_burn(
    host: &mut dyn Host,
    found: &Found,
    shares: U256,
    supply: U256,
) -> Result<Amounts, Failure> {
    let amount0 = tokens::balance_of(host, found.token0, found.address)?;
    let amount1 = tokens::balance_of(host, found.token1, found.address)?;
    match burn_down(Amounts { amount0, amount1 }, shares, supply) {
        Ok(paid) => Ok(paid),
        Err(Refused::NoLiquidityBurned) => Ok(Amounts::default()),
        Err(_) => Err(too_large(amm::risk::TooLarge)),
    }
}

pub(super) fn of_token(
    host: &mut dyn Host,
    call: &MarketLens::v3PositionCall,
) -> Result<MarketLens::V3Position, Failure> {
    let token_id = call.tokenId;
    let asked = Manager::positionsCall { tokenId: token_id };
    let held = ask(host, UNISWAP_V3_POSITIONS, &asked)?;
    let owner = ask(host, UNISWAP_V3_POSITIONS, &Manager::ownerOfCall { tokenId: token_id })?;
    let address = existing_pool(host, (held.token0, held.token1), held.fee)?;
    let found = pools::find(host, address)?;
    found.check_unlocked(host)?;
    let State::Pool(slot0) = found.state else {
        return Err(Failure::revert(&MarketLens::NotAPool { account: address }));
    };
    let now = slot0.sqrt_price;
    let ends = (SQRT_PRICE_MIN, SQRT_PRICE_MAX.wrapping_sub(U160::ONE));
    let entry = entry(call.entrySqrtPriceX96, now, ends)?;
    let (lower, upper) = (held.tickLower.as_i32(), held.tickUpper.as_i32());
    let low = sqrt_price_at_tick(lower).map_err(refusal)?;
    let high = sqrt_price_at_tick(upper).map_err(refusal)?;
    let (paid, fees) = paid_by_manager(host, address, &held)?;
    let active = PoolRecords::of(host, address).liquidity().map_err(in_pool)?;
    let in_range = lower <= slot0.tick && slot0.tick < upper;
    let liquidity = held.liquidity;
    let share = match in_range {
        true => part(WHOLE, U256::from(liquidity), U256::from(active))?,
        false => U256::ZERO,
    };
    let position = Provided { range: Range::Between { low, high }, liquidity };
    Ok(MarketLens::V3Position {
        pool: pools::view_of(host, &found)?,
        owner,
        tickLower: held.tickLower,
        tickUpper: held.tickUpper,
        priceLower: price_at_root_down(low).map_err(too_large)?,
        priceUpper: price_at_root_down(high).map_err(too_large)?,
        inRange: in_range,
        liquidity,
        share,
        amount0: paid.amount0,
        amount1: paid.amount1,
        fees0: U256::from(fees.of0),
        fees1: U256::from(fees.of1),
        scenarios: table(host, &position, entry, now)?,
    })
}

/// Returns what taking all liquidity out would pay, and what collecting would, by the pool's own rules on trial: a burn of nothing brings the fees up to date, and
/// the manager asks for no more than the pool owes it for the range.
fn paid_by_manager(
    host: &mut dyn Host,
    pool: Address,
    held: &Manager::positionsReturn,
) -> Result<(Burned, Owed), Failure> {
    let owner = account(UNISWAP_V3_POSITIONS);
    let key = PositionKey { owner, lower: held.tickLower.as_i32(), upper: held.tickUpper.as_i32() };
    let (now, liquidity) = (now(host), held.liquidity);
    let mut records = PoolRecords::of(host, pool);
    let noted = Owed { of0: held.tokensOwed0, of1: held.tokensOwed1 };
    if liquidity == 0 {
        let owed = records.owed(&key).map_err(in_pool)?;
        let none = Burned { amount0: U256::ZERO, amount1: U256::ZERO };
        return Ok((none, least(noted, owed)));
    }
    let mut trial = Trial::new(&mut records);
    Pool::new(&mut trial, now).burn(&key, 0).map_err(in_pool)?;
    let inside = trial.position(&key).map_err(in_pool)?.fee_growth_inside;
    let owed = trial.owed(&key).map_err(in_pool)?;
    let before =
        FeeGrowth { of0: held.feeGrowthInside0LastX128, of1: held.feeGrowthInside1LastX128 };
    let since = fees_since(before, inside, liquidity).map_err(refusal)?;
    let paid = Pool::new(&mut trial, now).burn(&key, liquidity).map_err(in_pool)?;
    Ok((paid, least(noted.with(since), owed)))
}

fn least(one: Owed, other: Owed) -> Owed {
    Owed { of0: one.of0.min(other.of0), of1: one.of1.min(other.of1) }
}

/// Returns the entry price that was given, or the current one.
fn entry(given: U160, now: U160, (min, max): (U160, U160)) -> Result<U160, Failure> {
    if given.is_zero() {
        return Ok(now);
    }
    if given < min || max < given {
        return Err(Failure::revert(&MarketLens::EntryPriceOutOfRange { given, min, max }));
    }
    Ok(given)
}

fn table(
    host: &mut dyn Host,
    position: &Provided,
    entry: U160,
    now: U160,
) -> Result<Vec<MarketLens::Scenario>, Failure> {
    let count = u64::try_from(SCENARIOS_BPS.len()).unwrap_or_default();
    host.charge(SCENARIO_GAS.saturating_mul(count))?;
    let found = scenarios(position, entry, now).map_err(too_large)?;
    let shown = found.iter().map(|at| MarketLens::Scenario {
        priceBps: at.price_bps,
        value: at.value,
        held: at.held,
        loss: at.loss,
    });
    Ok(shown.collect())
}

/// Returns `amount · part / whole`, rounded down; 0 of nothing.
fn part(amount: U256, part: U256, whole: U256) -> Result<U256, Failure> {
    if whole.is_zero() {
        return Ok(U256::ZERO);
    }
    mul_div_down(amount, part, whole).map_err(|error| too_large(error.into()))
}
